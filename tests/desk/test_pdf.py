"""Text as PDF: the same bytes for the same text, in both languages, whatever somebody wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.pdf import Part, made_pdf

LETTER = [
    Part("", text="致：李娜 Łukasz Δ 😀"),
    Part("What you complained of", text="You <b>charged</b> me & twice.\n\n" + "第二行，" * 60),
    Part("逐项调查结果", items=["重复扣款\n属实：日志显示", "</para> <font name='x'>", "x" * 900]),
]


def test_the_same_text_makes_the_same_bytes():
    first = made_pdf("关于您的投诉", LETTER)
    assert first == made_pdf("关于您的投诉", LETTER)
    assert first.startswith(b"%PDF-")
    assert first != made_pdf("关于您的投诉", LETTER[:2])
    assert b"STSong" in first


def test_a_long_text_takes_as_many_pages_as_it_needs():
    pages = made_pdf("Long", [Part("", text="One line.\n" * 500)]).count(b"/Type /Page\n")
    assert pages >= 8


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_whatever_somebody_wrote_is_set(text):
    assert made_pdf(text, [Part(text, text=text, items=[text])]).startswith(b"%PDF-")


@pytest.mark.parametrize("text", ["", "\x00\ud800\uffff", "&amp;<a href='x'>", "\t\r\n", "\u200f\u202e abc"])
def test_odd_signs_break_nothing(text):
    assert made_pdf(text, [Part("", text=text)]) == made_pdf(text, [Part("", text=text)])
