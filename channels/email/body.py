"""Walk the parts of a mail: which is the text, which the HTML, and what is attached."""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO

from channels.email.charset import decode
from channels.email.headers import parameter
from channels.email.html_text import html_to_text
from channels.email.words import from_base64, tidy
from channels.message import File

MOST_PARTS = 250
DEEPEST = 40
META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


@dataclass
class Body:
    """What has been gathered so far; texts are joined in order, so that a mail in several pieces keeps all of them."""

    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    reports: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    parts: int = 0

    @property
    def html(self) -> str:
        """All HTML pieces."""
        return "\n".join(self.htmls)

    @property
    def text(self) -> str:
        """The plain text, or the text of the HTML when no plain text says anything."""
        plain = "\n\n".join(one.strip("\n") for one in self.texts if one.strip())
        return plain or html_to_text(self.html)


def read_body(message: Message) -> Body:
    """Gather all parts of a parsed message; at most 250 parts and 40 levels, the rest is named in `problems`."""
    body = Body()
    _walk(message, body, depth=0, alternative=False)
    return body


def _walk(part: Message, body: Body, depth: int, alternative: bool) -> None:
    body.parts += 1
    if body.parts > MOST_PARTS or depth > DEEPEST:
        _note(body, "too many parts or levels: the rest is only in the original")
        return
    kind = part.get_content_type()
    if kind == "message/delivery-status":
        body.reports.append(part)
    elif kind.startswith("message/"):
        _attach(part, body, _nested_bytes(part), kind)
    elif part.is_multipart():
        for child in part.get_payload():
            _walk(child, body, depth + 1, kind == "multipart/alternative")
    else:
        _leaf(part, body, kind, alternative)


def _leaf(part: Message, body: Body, kind: str, alternative: bool) -> None:
    data = _content(part)
    name = _file_name(part)
    attached = _disposition(part) == "attachment" or (bool(name) and not alternative)
    if kind == "text/plain" and not attached:
        text = _clean(decode(data, parameter(part, "content-type", "charset")))
        if text.strip():
            body.texts.append(text)
    elif kind == "text/html" and not attached:
        meta = META_CHARSET.search(data[:4096])
        declared = parameter(part, "content-type", "charset") or (meta[1].decode("ascii") if meta else "")
        body.htmls.append(_clean(decode(data, declared)))
    elif kind.startswith("multipart/"):
        # Declared as several parts but no boundary was found: what is there is still the message.
        _note(body, "the parts of the mail could not be told apart")
        body.texts.append(_clean(decode(data)))
    elif data or name:
        _attach(part, body, data, kind)


def _attach(part: Message, body: Body, data: bytes, kind: str) -> None:
    content_id = tidy(str(part.get("content-id", ""))).strip("<>")
    inline = _disposition(part) == "inline" or (bool(content_id) and kind.startswith("image/"))
    name = _file_name(part) or _default_name(kind, len(body.files) + 1)
    body.files.append(File(name=name, content_type=kind, data=data, content_id=content_id, inline=inline))


def _content(part: Message) -> bytes:
    encoding = tidy(str(part.get("content-transfer-encoding", ""))).lower().split(";")[0].strip("\"' ")
    # Only without a declared encoding does the library give back the very bytes; its own decoding is stricter than mail is.
    del part["content-transfer-encoding"]
    raw = part.get_payload(decode=True) or b""
    if encoding == "base64":
        return from_base64(raw)
    if encoding in {"quoted-printable", "quotedprintable", "quoted/printable"}:
        return quopri.decodestring(raw)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _from_uuencode(raw)
    return raw


def _from_uuencode(raw: bytes) -> bytes:
    out = []
    for line in raw.split(b"begin ", 1)[-1].splitlines()[1:]:
        if line.strip() in {b"end", b"`"}:
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(out)


def _nested_bytes(part: Message) -> bytes:
    """A mail inside a mail, as a file; its own encoding undone when somebody applied one against the rules."""
    children = part.get_payload()
    inner = children[0] if isinstance(children, list) and children else None
    if inner is None:
        return _content(part)
    if "base64" in str(part.get("content-transfer-encoding", "")).lower() and not inner.keys():
        return from_base64(str(inner.get_payload()).encode("utf-8", "surrogateescape"))
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(inner)
    return out.getvalue()


def _file_name(part: Message) -> str:
    name = parameter(part, "content-disposition", "filename") or parameter(part, "content-type", "name")
    return UNSAFE_NAME.sub("_", name).strip(". ")[:200]


def _default_name(kind: str, number: int) -> str:
    if kind == "message/rfc822":
        return f"message-{number}.eml"
    ending = kind.rsplit("/", maxsplit=1)[-1].split("+", maxsplit=1)[0]
    return f"attachment-{number}.{ending if ending.isalnum() else 'bin'}"


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition", "")).split(";")[0].strip().lower()


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _note(body: Body, problem: str) -> None:
    if problem not in body.problems:
        body.problems.append(problem)
