"""What is new in a mail, in the manner of each program."""

from __future__ import annotations

import pytest

from channels.email.parse import parse
from channels.email.reply_text import reply_text
from tests.mail.corpus_files import cases
from tests.unit.channels.email.mails import mail, multipart

ANSWERS = {"chinese": "好的，谢谢！", "taiwan": "好的，謝謝！", "others": "Thanks, that works.", "pages": "Thanks, that works."}
PLAIN = [
    pytest.param(body.decode(), ANSWERS[folder], id=f"{folder}: {name}")
    for folder in ("chinese", "taiwan", "others")
    for name, body in cases(f"replies/{folder}").items()
]
PAGES = cases("replies/pages")
WHOLE = cases("replies/whole")
FORWARD = """---------- Forwarded message ---------
From: Shop <shop@x.example>
Date: Tue, Mar 5, 2024
Subject: Your order
To: Ann

It is late."""


@pytest.mark.parametrize(("body", "answer"), PLAIN)
def test_a_reply_in_any_language_holds_only_what_its_writer_wrote(body, answer):
    assert reply_text(body) == answer
    assert reply_text(body.replace("\n", "\r\n")) == answer


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_reply_in_html_holds_only_what_its_writer_wrote(page):
    parsed = parse(mail("Content-Type: text/html; charset=utf-8", "Subject: Re: Refund", body=page))
    assert parsed.reply_text == ANSWERS["pages"]
    assert "refund is done" in parsed.text
    assert "\ufdd0" not in parsed.text + parsed.reply_text


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE.keys())
def test_what_only_looks_like_a_quote_is_kept(body):
    assert reply_text(body.decode()) == body.decode()


@pytest.mark.parametrize("pointer", ["FYI", "Please see below", "请看下面的邮件", "请处理", "见下", "Zur Info", "Forwarding."])
def test_a_forward_with_a_word_or_two_keeps_what_is_forwarded(pointer):
    assert reply_text(f"{pointer}\n\n{FORWARD}") == f"{pointer}\n\n{FORWARD}"


def test_a_mail_forwarded_by_its_subject_keeps_what_is_forwarded():
    words = "The shop wrote this, what do you say to it?"
    assert parse(mail("Subject: Fwd: Your order", body=f"{words}\n\n{FORWARD}")).reply_text == f"{words}\n\n{FORWARD}"
    assert parse(mail("Subject: Re: Your order", body=f"{words}\n\n{FORWARD}")).reply_text == words


def test_a_quote_in_html_counts_where_the_plain_part_does_not_show_it():
    page = "<p>Thanks, that works.</p><div id=appendonsend></div><div id=divRplyFwdMsg>Kutoka: Support</div><p>Old words.</p>"
    plain = b"Thanks, that works.\n\nKutoka: Support\n\nOld words."
    field, body = multipart("alternative", ("Content-Type: text/plain", plain), ("Content-Type: text/html", page.encode()))
    assert parse(mail(field, body=body)).reply_text == "Thanks, that works."


def test_the_end_of_a_folded_link_belongs_to_the_quote():
    body = "Fine.\n\nOn Tue, 5 Mar 2024, Support wrote:\n\n> See (http://desk.example/a\n_b=1)\n> there\n"
    assert reply_text(body) == "Fine."
