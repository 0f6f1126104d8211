"""What the mail commands print: pure functions from bytes to plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from channels.email.charset import decode
from channels.email.parse import parse
from channels.email.reply_text import reply_text
from channels.message import Contact


def parse_line(raw: bytes) -> dict[str, Any]:
    """The public JSON shape of one parsed mail; addresses as plain strings, Message-IDs without brackets."""
    mail = parse(raw)
    return {
        "from_address": mail.from_address,
        "from_name": mail.from_name,
        "to": _values(mail.to),
        "cc": _values(mail.cc),
        "subject": mail.subject,
        "text": mail.text,
        "reply_text": mail.reply_text,
        "attachments": [
            {
                "name": file.name,
                "content_type": file.content_type,
                "size": len(file.data),
                "sha256": hashlib.sha256(file.data).hexdigest(),
            }
            for file in mail.files
        ],
        "auto_reply": mail.auto_reply,
        "bounce": mail.bounce,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
    }


def reply_lines(body: bytes) -> str:
    """The new text of a body read from standard input, whatever its charset."""
    return reply_text(decode(body))


def _values(contacts: Iterable[Contact]) -> list[str]:
    return [contact.value for contact in contacts]
