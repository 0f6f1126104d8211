"""What kind of mail it is: who is away and until when, what is a receipt, and who is a person after all."""

from __future__ import annotations

from datetime import date

import pytest

from channels.email.parse import parse
from channels.email.screen import screen
from tests.unit.channels.email.mails import mail, multipart, word

AUTO = "Auto-Submitted: auto-replied"

AWAY = {
    "english until": ("Automatic reply: Refund", "I am out of the office until March 15, 2024.", date(2024, 3, 15)),
    "english back on": ("Out of Office: Refund", "I'm away and will be back on Monday, 18 March.", date(2024, 3, 18)),
    "english range": ("Automatic reply", "I am on annual leave from 4 March to 22 March 2024.", date(2024, 3, 22)),
    "english ordinal": ("Out of office", "I will return on the 12th of March.", date(2024, 3, 12)),
    "english iso": ("OOO: Refund", "I'm out of office till 2024-03-20.", date(2024, 3, 20)),
    "english american": ("Out of office", "I am out of the office through 03/29/2024.", date(2024, 3, 29)),
    "english no date": ("Out of office", "I am out of the office and have no access to e-mail.", None),
    "next year": ("Out of office", "I am away until January 8.", date(2025, 1, 8)),
    "german": ("Abwesenheitsnotiz: Frage", "Ich bin bis zum 15.03.2024 nicht im Büro.", date(2024, 3, 15)),
    "german words": (
        "Automatische Antwort: Frage",
        "Ich bin im Urlaub und ab dem 1. April wieder da, zurück am 2. April.",
        date(2024, 4, 2),
    ),
    "french": ("Réponse automatique : Question", "Je suis absent jusqu'au 15 mars 2024.", date(2024, 3, 15)),
    "spanish": ("Respuesta automática: Pregunta", "Estaré fuera de la oficina hasta el 15 de marzo.", date(2024, 3, 15)),
    "italian": ("Risposta automatica: Domanda", "Sono in ferie fino al 15 marzo 2024.", date(2024, 3, 15)),
    "portuguese": ("Resposta automática: Pergunta", "Estou de férias até 15 de março de 2024.", date(2024, 3, 15)),
    "dutch": ("Automatisch antwoord: Vraag", "Ik ben op vakantie tot 15 maart 2024.", date(2024, 3, 15)),
    "polish": ("Odpowiedź automatyczna: Pytanie", "Jestem na urlopie do 15.03.2024.", date(2024, 3, 15)),
    "russian": ("Автоматический ответ: Вопрос", "Я в отпуске до 15 марта 2024.", date(2024, 3, 15)),
    "chinese until": ("自动回复: 退款", "您好，我正在休假，至2024年3月15日，期间无法及时回复邮件。", date(2024, 3, 15)),
    "chinese range": ("自动答复: 退款", "我于3月4日至3月15日外出休假。", date(2024, 3, 15)),
    "chinese return": ("外出自动回复", "本人出差，将于3月18日返回公司。", date(2024, 3, 18)),
    "chinese since": ("自动回复:退款", "我在年假中，3月20日起恢复办公。", date(2024, 3, 20)),
    "chinese no date": ("自动回复: 退款", "我现在不在办公室，稍后回复您。", None),
    "traditional chinese": ("自動回覆: 退款", "您好，本人休假至3月15日。", date(2024, 3, 15)),
    "japanese": ("自動応答: 返金", "3月15日まで休暇をいただいております。", date(2024, 3, 15)),
}

PEOPLE = {
    "about a bounce": (
        "Undelivered Mail Returned to Sender?",
        "Hi, I got this when I wrote to li@example.com: 550 5.1.1 User unknown.",
    ),
    "forwards a bounce": (
        "Fwd: Delivery Status Notification (Failure)",
        "What does this mean?\n\nDelivery to li@example.com failed permanently.",
    ),
    "in chinese about a bounce": ("退信问题", "我给你们发的邮件被退回了，提示用户不存在，请问怎么办？"),
    "asks for a reply": ("Please reply automatically never", "Do not send me automatic replies."),
    "answers an absence note": ("Re: Automatic reply: Refund", "Thanks, I will wait until you are back."),
    "answers one in chinese": ("回复：自动回复：退款", "好的，等您休假回来再处理。"),
    "is on holiday": ("On holiday my phone was stolen", "I was on holiday in Spain until March 15 and my phone was stolen."),
    "asks about leave": ("请假期间的快递", "我在休假，至3月15日，请把快递改到那之后派送。"),
    "read as a word": ("Read this please: my complaint", "Nobody has read my mail."),
    "wants a click": ("Confirm link does not work", "I click the link to verify my address and it fails. Please help."),
    "postmaster of a customer": ("Question about our invoice", "Hello, I look after mail here. What is invoice 7 for?"),
    "invites": ("Meeting", "Can we meet on Tuesday?"),
    "delayed": ("Delayed parcel", "The delivery has been delayed for a week. Where is it?"),
    "delivery failed": (
        "Delivery failed again!",
        "Your courier could not deliver my parcel. The address is right: 12 High Street.",
    ),
    "mailbox full": ("My mailbox is full", "My mailbox is full of your newsletters. Please stop."),
}


@pytest.mark.parametrize("case", AWAY.values(), ids=AWAY.keys())
def test_an_absence_note_says_until_when(case):
    subject, text, day = case
    field = "Content-Type: text/plain; charset=utf-8"
    verdict = screen(parse(mail(f"Subject: {word(subject)}", AUTO, field, body=text)))
    assert (verdict.kind, verdict.away_until) == ("out_of_office", day)
    assert not verdict.may_be_answered_automatically
    without_header = screen(parse(mail(f"Subject: {word(subject)}", field, body=text)))
    assert (without_header.kind, without_header.away_until) == ("out_of_office", day)


@pytest.mark.parametrize("case", PEOPLE.values(), ids=PEOPLE.keys())
def test_a_person_is_a_person_whatever_they_write_about(case):
    subject, text = case
    verdict = screen(parse(mail(f"Subject: {word(subject)}", "Content-Type: text/plain; charset=utf-8", body=text)))
    assert (verdict.kind, verdict.reasons) == ("person", ())


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        (
            "admin@corp.example",
            "Undeliverable: hello",
            "Please see what I got: could not be delivered to bob@x.example, 550 unknown user",
        ),
        (
            "administrator@school.example",
            "Question",
            "The parcel could not be delivered. Address unknown? Mine is x@school.example",
        ),
        (
            "delivery@shop.example",
            "Delivery failed for parcel 5",
            "The parcel could not be delivered: address not found. Tel. 550 12",
        ),
        ("System Administrator <sysadmin@corp.example>", "Account", "My account is not found in your shop: x@corp.example"),
    ],
)
def test_a_person_with_the_address_of_an_office_is_a_person(sender, subject, text):
    assert screen(parse(mail(f"From: {sender}", f"Subject: {subject}", body=text))).kind == "person"


def test_a_postmaster_who_writes_himself_reports_no_bounce():
    body = "Hello, our people cannot deliver mail to you: 550 5.7.1 blocked. Please look. Tom (tom@corp.example)"
    parsed = parse(mail("From: postmaster@corp.example", "Subject: Mail delivery problem with your server", body=body))
    assert (parsed.bounce, parsed.bounced) == (False, ())


def test_a_day_far_away_is_no_end_of_an_absence():
    body = "I am out of the office. My last holiday ended on 3 March 2019, my contract runs until 1 January 2031."
    assert parse(mail("Subject: Out of office", body=body)).away_until is None


def test_a_signature_with_a_holiday_offer_is_no_absence_note():
    body = "The invoice is wrong.\n\n-- \nShop\nOn vacation until March 15? Ask for our holiday service!"
    assert screen(parse(mail(body=body))).kind == "person"


@pytest.mark.parametrize("sender", ["QQ Mail <12345@qq.example>", "Wang <wang@corp.example>"])
def test_an_automatic_reply_that_only_its_first_words_give_away(sender):
    body = "这是来自QQ邮箱的假期自动回复邮件。\n您好，我最近正在休假中，无法亲自回复您的邮件。我将在假期结束后，尽快给您回复。"
    verdict = screen(parse(mail(f"From: {sender}", "Content-Type: text/plain; charset=utf-8", body=body)))
    assert verdict.kind == "out_of_office"


def read_receipt(kind: str = "disposition-notification") -> bytes:
    fields = b"Final-Recipient: rfc822;wang@example.com\r\nOriginal-Message-ID: <sent-1@desk.example>\r\n"
    field, body = multipart(
        f"report; report-type={kind}",
        ("Content-Type: text/plain", b"Your message was displayed."),
        (
            "Content-Type: message/disposition-notification",
            fields + b"Disposition: manual-action/MDN-sent-manually; displayed\r\n",
        ),
    )
    return mail(field, "Subject: Read: Your refund", body=body)


@pytest.mark.parametrize(
    "raw",
    [
        read_receipt(),
        mail(
            "Subject: Read: Your refund",
            body="Your message\r\n\r\nTo: Wang\r\nSubject: Your refund\r\n\r\nwas read on 5 March 2024.",
        ),
        mail(f"Subject: {word('已读: 您的退款')}", "Content-Type: text/plain; charset=utf-8", body="您的邮件已被阅读。"),
    ],
)
def test_a_read_receipt_is_no_answer(raw):
    assert screen(parse(raw)).kind == "receipt"


@pytest.mark.parametrize(("method", "kind"), [("REPLY", "calendar_reply"), ("COUNTER", "calendar_reply"), ("REQUEST", "person")])
def test_a_calendar_answers_but_a_person_invites(method, kind):
    event = f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nSUMMARY:Call\r\nEND:VEVENT\r\nEND:VCALENDAR".encode()
    for content_type in (f"text/calendar; method={method}", "text/calendar"):
        field, body = multipart(
            "alternative", ("Content-Type: text/plain", b"Accepted"), (f"Content-Type: {content_type}", event)
        )
        parsed = parse(mail(field, "Subject: Accepted: Call", body=body))
        assert screen(parsed).kind == kind
        assert [file.name for file in parsed.files] == ["attachment-1.ics"]


def test_a_feedback_report_is_known():
    field, body = multipart(
        "report; report-type=feedback-report",
        ("Content-Type: text/plain", b"This is an email abuse report."),
        ("Content-Type: message/feedback-report", b"Feedback-Type: abuse\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n"),
        ("Content-Type: message/rfc822", mail("Subject: Your refund")),
    )
    verdict = screen(parse(mail("From: abuse@isp.example", field, body=body)))
    assert verdict.kind == "feedback_report"


@pytest.mark.parametrize(
    "fields",
    [("X-BoxTrapper: 2",), (AUTO, "Subject: Your message is awaiting verification")],
)
def test_a_challenge_is_not_answered(fields):
    body = "Your message has been held. Please click the link below to verify that you are a person: http://x.example/v"
    assert screen(parse(mail(*fields, body=body))).kind == "challenge"


def test_every_reason_is_recorded_and_the_first_rule_decides():
    verdict = screen(
        parse(mail(AUTO, "Precedence: bulk", "List-Id: <x.example>", "Subject: Out of office", body="I am away until May 1."))
    )
    assert verdict.kind == "out_of_office"
    assert {"Auto-Submitted is not no", "list-id is present", "away until 2024-05-01"} <= set(verdict.reasons)
