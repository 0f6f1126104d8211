"""Unpack `winmail.dat` (TNEF, MS-OXTNEF): the body and the files that Outlook put where no other program looks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.email.charset import codec_for, decode
from channels.email.rtf import decompress, rtf_to_text

SIGNATURE = 0x223E9F78
BODY, MESSAGE_PROPERTIES, CODE_PAGE = 0x800C, 0x9003, 0x9007
RENDERING, TITLE, DATA, PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
PLAIN_BODY, HTML_BODY, RTF_BODY = 0x1000, 0x1013, 0x1009
FILE_DATA, SHORT_NAME, LONG_NAME, MIME_TYPE, CONTENT_ID, DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712, 0x3001
FIXED = {0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
STRING8, UNICODE, OBJECT, BINARY = 0x1E, 0x1F, 0x0D, 0x102
VARIABLE = {STRING8, UNICODE, OBJECT, BINARY}
MANY = 0x1000
MOST_ATTRIBUTES = 20_000
MOST_PROPERTIES = 5_000
MOST_VALUES = 5_000

Properties = dict[int, tuple[int, bytes]]


@dataclass
class TnefFile:
    """A file inside."""

    name: str = ""
    data: bytes = b""
    content_type: str = ""
    content_id: str = ""


@dataclass
class Tnef:
    """What is inside; `broken` when it ended before it should."""

    text: str = ""
    html: str = ""
    files: list[TnefFile] = field(default_factory=list)
    broken: bool = False


def unpack(data: bytes) -> Tnef | None:
    """The content of a winmail.dat, as much of it as can be read; None for anything else."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        return None
    out = Tnef()
    codec = "cp1252"
    try:
        for tag, value in _attributes(data):
            if tag == CODE_PAGE and len(value) >= 4:
                codec = codec_for(f"cp{struct.unpack_from('<I', value)[0]}") or codec
            elif tag == RENDERING:
                out.files.append(TnefFile())
            elif tag in {TITLE, DATA, PROPERTIES}:
                _read_file(out, tag, value, codec)
            elif tag == BODY:
                out.text = out.text or _text(value, codec)
            elif tag == MESSAGE_PROPERTIES:
                _read_body(out, _properties(value), codec)
    except (struct.error, ValueError, IndexError):
        out.broken = True
    out.files = [one for one in out.files if one.data or one.name]
    return out


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, value) in order; raises ValueError where one is longer than what is left."""
    at = 6
    for _ in range(MOST_ATTRIBUTES):
        if at + 9 > len(data):
            return
        _, tag, _, length = struct.unpack_from("<BHHI", data, at)
        at += 9
        if at + length > len(data):
            raise ValueError("an attribute is cut off")
        yield tag, data[at : at + length]
        at += length + 2


def _read_file(out: Tnef, tag: int, value: bytes, codec: str) -> None:
    if not out.files:
        out.files.append(TnefFile())
    file = out.files[-1]
    if tag == TITLE:
        file.name = file.name or _text(value, codec)
    elif tag == DATA:
        file.data = value
    else:
        found = _properties(value)
        file.name = next((name for key in (LONG_NAME, SHORT_NAME) if (name := _string(found, key, codec))), file.name)
        file.name = file.name or _string(found, DISPLAY_NAME, codec)
        file.content_type = _string(found, MIME_TYPE, codec)
        file.content_id = _string(found, CONTENT_ID, codec).strip("<>")
        kind, content = found.get(FILE_DATA, (0, b""))
        # An object begins with the name of its interface, sixteen bytes.
        file.data = file.data or (content[16:] if kind == OBJECT else content)


def _read_body(out: Tnef, found: Properties, codec: str) -> None:
    out.text = _string(found, PLAIN_BODY, codec) or out.text
    kind, html = found.get(HTML_BODY, (0, b""))
    if html:
        out.html = _text(html, "utf-16-le" if kind == UNICODE else codec)
    if not out.text and not out.html and RTF_BODY in found:
        out.text = rtf_to_text(decompress(found[RTF_BODY][1]), codec)


def _properties(data: bytes) -> Properties:
    """The first value of each MAPI property by its id. What is cut off is left out."""
    found: Properties = {}
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, MOST_PROPERTIES)):
        if at + 4 > len(data):
            break
        kind, key = struct.unpack_from("<HH", data, at)
        at += 4
        if key >= 0x8000:
            at = _past_name(data, at)
        value, at = _value(data, at, kind)
        found.setdefault(key, (kind & ~MANY, value))
    return found


def _past_name(data: bytes, at: int) -> int:
    (by_name,) = struct.unpack_from("<I", data, at + 16)
    if not by_name:
        return at + 24
    (length,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + _padded(length)


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    count, base = 1, kind & ~MANY
    if kind & MANY or base in VARIABLE:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if base not in VARIABLE and base not in FIXED:
        raise ValueError(f"unknown type {kind:#x}")
    if count > MOST_VALUES:
        raise ValueError("too many values")
    found = b""
    for number in range(count):
        length = FIXED.get(base, 0)
        if base in VARIABLE:
            (length,) = struct.unpack_from("<I", data, at)
            at += 4
        if at + length > len(data):
            raise ValueError("a value is cut off")
        if number == 0:
            found = data[at : at + length]
        at += _padded(length)
    return found, at


def _padded(length: int) -> int:
    return length + (-length) % 4


def _string(found: Properties, key: int, codec: str) -> str:
    kind, value = found.get(key, (0, b""))
    return _text(value, "utf-16-le" if kind == UNICODE else codec) if kind in {STRING8, UNICODE} else ""


def _text(value: bytes, codec: str) -> str:
    text = value.decode(codec, "replace") if codec == "utf-16-le" else decode(value, codec)
    return text.rstrip("\x00").replace("\x00", "")
