"""Mails for the tests, written out as senders write them."""

from __future__ import annotations

import base64


def mail(*fields: str, body: bytes | str = b"Hello\r\n") -> bytes:
    """A raw mail from header lines and a body; `From` and `Message-ID` are there unless given."""
    given = {field.partition(":")[0].lower() for field in fields}
    lines = [line for line in DEFAULTS if line.partition(":")[0].lower() not in given] + list(fields)
    head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    return head + b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body)


def word(text: str, charset: str = "utf-8") -> str:
    """An encoded word."""
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def multipart(kind: str, *parts: tuple[str, bytes], boundary: str = "edge") -> tuple[str, bytes]:
    """The Content-Type field and the body of several parts, each given as its header lines and its bytes."""
    pieces = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), body) for head, body in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"', pieces + b"--%s--\r\n" % boundary.encode()


DEFAULTS = (
    "From: Wang Fang <wang.fang@example.com>",
    "To: support@desk.example",
    "Date: Tue, 05 Mar 2024 14:20:11 +0800",
    "Message-ID: <one@example.com>",
    "Subject: A question",
)
