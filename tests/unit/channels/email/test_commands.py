"""The shapes that the mail commands print."""

from __future__ import annotations

import hashlib
import json

from channels.email.commands import parse_line, reply_lines
from tests.unit.channels.email.mails import mail, multipart, word


def test_a_parsed_mail_has_exactly_the_published_fields():
    file = ('Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment', b"%PDF")
    field, body = multipart("mixed", ("Content-Type: text/plain; charset=utf-8", "您好\r\n\r\n> 旧的".encode()), file)
    line = parse_line(
        mail(f"Subject: {word('投诉')}", "Cc: li@example.com", "In-Reply-To: <b@x>", "References: <a@x> <b@x>", field, body=body)
    )
    assert json.loads(json.dumps(line)) == {
        "from_address": "wang.fang@example.com",
        "from_name": "Wang Fang",
        "to": ["support@desk.example"],
        "cc": ["li@example.com"],
        "subject": "投诉",
        "text": "您好\n\n> 旧的",
        "reply_text": "您好",
        "attachments": [
            {"name": "a.pdf", "content_type": "application/pdf", "size": 4, "sha256": hashlib.sha256(b"%PDF").hexdigest()}
        ],
        "auto_reply": False,
        "bounce": False,
        "message_id": "one@example.com",
        "in_reply_to": "b@x",
        "references": ["a@x", "b@x"],
    }


def test_bytes_that_are_no_mail_give_a_line_all_the_same():
    line = parse_line(b"\xff\xfe\x00 nothing like a mail")
    assert line["from_address"] == ""
    json.dumps(line).encode()


def test_a_lone_surrogate_never_reaches_the_output():
    for raw in (
        b"From: \xed\xa0\x80@x.example\r\nSubject: \xed\xa0\x80\r\n\r\n\xed\xa0\x80",
        b"Subject: =?utf-8?B?7aCA?=\r\n\r\n",
    ):
        json.dumps(parse_line(raw), ensure_ascii=False).encode("utf-8")


def test_reply_text_takes_any_charset():
    assert reply_lines("好的\n\n在 2024年3月5日，客服 <c@d.example> 写道：\n> 旧的".encode("gb18030")) == "好的"
