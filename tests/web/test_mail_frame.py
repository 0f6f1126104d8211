"""The frame of a mail's own HTML is about as tall as the mail, in wide and narrow windows."""

from __future__ import annotations

import pytest

from desk.web.mail.frame import height_of

CHINESE = "宽带每天晚上八点左右断线，重启光猫之后又能用一会儿。" * 60
LINES = "".join(f"line {number} of it<br>" for number in range(80))
TALL = '<p>see</p><img src="cid:p1" width=600 height=1500><p>END</p>'


@pytest.mark.parametrize(
    ("html", "width", "measured"),
    [
        ("<p>Only one line.</p>", 653, 45),
        (f"<div>{CHINESE}</div>", 653, 780),
        (f"<div>{CHINESE}</div>", 300, 1767),
        (LINES, 653, 1704),
        (TALL, 653, 1600),
        (TALL, 300, 798),
    ],
    ids=["a line", "chinese", "chinese on a phone", "lines", "a picture", "a picture on a phone"],
)
def test_the_height_is_near_what_chromium_measured(html, width, measured):
    assert measured - 30 <= height_of(html, width, frozenset({"cid:p1"})) <= measured * 1.15 + 60


def test_a_picture_that_is_not_shown_takes_no_room():
    html = '<p>see</p><img src="https://a.example/1.png" height=900>'
    assert height_of(html, 640) < 100
    assert height_of(html, 640, frozenset({"https://a.example/1.png"})) > 900


@pytest.mark.parametrize("html", ["", "<img" * 50_000, "x" * 3_000_000, '<img width="99999999" height=>' * 1_000])
def test_any_html_has_a_height(html):
    assert 0 < height_of(html, 0, frozenset({"cid:x"})) < 10_000_000
