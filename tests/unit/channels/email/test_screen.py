"""Who wrote a mail: a person, a program, a list, a failing server, or ourselves."""

from __future__ import annotations

import pytest

from channels.email.parse import parse
from channels.email.parsed import BouncedRecipient
from channels.email.screen import screen
from tests.unit.channels.email.mails import mail, multipart, word

OURS = {"own_domains": {"desk.example"}, "own_addresses": {"support@desk.example"}}


def verdict(*fields, body="Hello\r\n", **more):
    return screen(parse(mail(*fields, body=body)), **(OURS | more))


def report(
    fields: bytes, *, sender: str = "MAILER-DAEMON@mx.example", returned: bytes = b"Message-ID: <sent-1@desk.example>\r\n"
):
    head, body = multipart(
        "report; report-type=delivery-status",
        ("Content-Type: text/plain", b"Your mail could not be delivered."),
        ("Content-Type: message/delivery-status", b"Reporting-MTA: dns; mx.example\r\n\r\n" + fields),
        ("Content-Type: text/rfc822-headers", returned),
    )
    return mail(f"From: {sender}", "Return-Path: <>", "Subject: Undelivered Mail Returned to Sender", head, body=body)


def test_a_mail_of_a_person_has_no_reasons():
    result = verdict()
    assert (result.kind, result.reasons, result.may_be_answered_automatically) == ("person", (), True)


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner=x",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Auto-Reply-From: x\r\nX-Autorespond: 1",
        "Return-Path: <>",
        "Subject: Automatic reply: A question",
        "Subject: Out of Office: A question",
        f"Subject: {word('自动回复：您的邮件已收到')}",
        f"Subject: {word('自動回覆: 投訴', 'big5')}",
        f"Subject: {word('外出自动回复')}",
        "Subject: Abwesenheitsnotiz: Frage",
        "From: no-reply@shop.example",
        "From: Mail Delivery <postmaster@shop.example>",
    ],
)
def test_an_automatic_mail_is_known_and_not_answered(field):
    result = verdict(field)
    assert result.kind in {"auto_reply", "out_of_office"}
    assert result.reasons
    assert not result.may_be_answered_automatically
    assert parse(mail(field)).auto_reply


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: no", "X-Auto-Response-Suppress: All", "Subject: About your automatic reply", "Return-Path: <w@x>"]
)
def test_a_sign_that_says_nothing_about_the_writer_is_ignored(field):
    assert verdict(field).kind == "person"


@pytest.mark.parametrize(("answers_to", "kind"), [("li.na@customers.example", "person"), ("noreply@shop.example", "auto_reply")])
def test_a_form_that_names_whom_to_answer_is_a_persons_mail(answers_to, kind):
    assert verdict("From: no-reply@shop.example", f"Reply-To: {answers_to}").kind == kind


def test_an_empty_envelope_sender_is_a_reason():
    assert verdict(envelope_from="").reasons == ("empty envelope sender",)
    assert verdict(envelope_from="wang@example.com").kind == "person"


@pytest.mark.parametrize("field", ["List-Id: <news.shop.example>", "Precedence: bulk", "List-Unsubscribe: <mailto:u@x.example>"])
def test_a_mail_to_many_is_a_list(field):
    assert verdict(field).kind == "list"


@pytest.mark.parametrize(
    "fields",
    [
        ("From: Support <Support@desk.example>",),
        ("X-Loop: support@desk.example",),
        ("From: robot@desk.example", "Auto-Submitted: auto-generated"),
        tuple(f"Received: from {hop}" for hop in range(50)),
    ],
)
def test_our_own_mail_coming_back_is_a_loop(fields):
    assert verdict(*fields).kind == "loop"


def test_a_colleague_is_a_person():
    assert verdict("From: colleague@desk.example").kind == "person"


def test_a_mail_over_the_limit_is_too_large_whatever_else_it_is():
    result = verdict("Auto-Submitted: auto-replied", max_size=100)
    assert result.kind == "too_large"
    assert len(result.reasons) == 2


def test_a_delivery_report_names_each_recipient_and_the_mail_returned():
    parsed = parse(
        report(
            b"Final-Recipient: rfc822; Wang@Example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            b"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
            b"\r\nFinal-Recipient: rfc822; li@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
        )
    )
    result = screen(parsed, **OURS)
    assert result.kind == "bounce"
    assert result.recipients == (
        BouncedRecipient("wang@example.com", "failed", "5.1.1", "smtp; 550 5.1.1 no such user"),
        BouncedRecipient("li@example.com", "delayed", "4.4.1", ""),
    )
    assert [one.temporary for one in result.recipients] == [False, True]
    assert parsed.returned_message_id == "sent-1@desk.example"
    assert parsed.bounce
    assert not parsed.auto_reply


def test_a_report_without_action_is_judged_by_its_code():
    parsed = parse(report(b"Final-Recipient: rfc822;wang@example.com\r\nDiagnostic-Code: smtp; 452 mailbox full\r\n"))
    assert parsed.bounced == (BouncedRecipient("wang@example.com", "delayed", "4.2.2", "smtp; 452 mailbox full"),)


def test_a_report_that_names_nobody_is_a_bounce_all_the_same():
    assert screen(parse(report(b"")), **OURS).kind == "bounce"


RETURNED = "Message-ID: <sent-1@desk.example>\n"
QMAIL = "Hi. This is the qmail-send program at mx.example.\n\n<wang@example.com>:\nRemote host said: 550 5.1.1 unknown\n\n"
EXIM = "A message that you sent could not be delivered.\n  wang@example.com\n    550 No such user\n\n"
QQ = "抱歉，您的邮件被退回来了。\n收件人 wang@example.com 不存在 550 5.1.1\n\n"


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        (("From: MAILER-DAEMON@mx.example", "Subject: failure notice"), f"{QMAIL}--- Below this line is a copy.\n\n", "5.1.1"),
        (
            ("From: Mail <mailer-daemon@mx.example>", "Subject: Mail failed", "X-Failed-Recipients: wang@example.com"),
            EXIM,
            "5.1.1",
        ),
        (("From: PostMaster <PostMaster@qq.example>", f"Subject: {word('系统退信')}"), QQ, "5.1.1"),
    ],
)
def test_a_bounce_written_for_people_is_read_too(fields, body, status):
    parsed = parse(mail(*fields, body=body + RETURNED))
    assert parsed.bounce
    assert [(one.address, one.status) for one in parsed.bounced] == [("wang@example.com", status)]
    assert parsed.returned_message_id == "sent-1@desk.example"


def test_a_customer_who_writes_about_a_bounce_is_a_person():
    assert verdict("Subject: Undelivered Mail Returned to Sender", body="I got 550 5.1.1 for li@example.com").kind == "person"
