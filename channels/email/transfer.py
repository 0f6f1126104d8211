"""Undo transfer encodings (RFC 2045), also those that were damaged on the way."""

from __future__ import annotations

import binascii
import quopri
import re

NOT_BASE64 = bytes(byte for byte in range(256) if not (chr(byte).isascii() and chr(byte).isalnum()) and byte not in b"+/=")
SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n|\Z)")
UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,200})\r?$", re.MULTILINE)
# A line of words under encoded lines: the footer of a list.
WORDS = re.compile(rb"\n[^\r\n]{0,40}[A-Za-z0-9] [A-Za-z]{1,20} [A-Za-z]")
MOST_PIECES = 200_000


def decoded(content: bytes, encoding: str, *, text: bool = False) -> tuple[bytes, str]:
    """The bytes of a part and what was wrong with their encoding; `text` when a sentence is more likely than a file."""
    name = encoding.lower().split(";")[0].strip("\"' \t").replace("_", "-")
    if name.startswith("base64") or name == "base-64":
        if text and _is_prose(content):
            return content, "declared base64 and is not"
        data = from_base64(content)
        return data, "" if data or not content.strip() else "broken base64"
    if name.replace("/", "-") in {"quoted-printable", "quotedprintable", "quoted-printible", "quoted-printable-"}:
        return quopri.decodestring(SOFT_BREAK.sub(b"=", content)), ""
    if name in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return from_uuencode(content), ""
    return content, ""


def from_base64(data: bytes) -> bytes:
    """Decode base64 that may be badly padded, broken into lines, joined of several, or hold stray characters."""
    words = WORDS.search(data) if b" " in data else None
    clean = (data[: words.start()] if words else data).translate(None, NOT_BASE64)
    out, at = [], 0
    for _ in range(MOST_PIECES):
        padding = clean.find(b"=", at)
        out.append(_decode_base64(clean[at : padding if padding >= 0 else len(clean)]))
        at = padding
        while 0 <= at < len(clean) and clean[at : at + 1] == b"=":
            at += 1
        # After the padding comes another piece, or what somebody hung under the encoded text.
        if padding < 0 or len(clean) - at < 4 or _is_prose(data[-min(4_000, 2 * (len(clean) - at)) :]):
            break
    return b"".join(out)


def from_uuencode(raw: bytes) -> bytes:
    """The file between `begin` and `end`; lines that cannot be read are left out."""
    begin = UU_BEGIN.search(raw)
    lines = raw[begin.end() if begin else 0 :].strip(b"\r\n").splitlines()
    if begin and begin[0].startswith(b"begin-base64"):
        return from_base64(b"".join(line for line in lines if line.strip(b"= ")))
    out = []
    for line in lines:
        if line.strip() in {b"end", b"`"}:
            break
        out.append(_uu_line(line))
    return b"".join(out)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    try:
        # Trailing blanks were eaten, or the line carries a checksum: keep as many characters as its length asks for.
        length = ((line[0] - 32) & 63) * 4 + 5
        return binascii.a2b_uu(line[: length // 3].ljust((length // 3 + 3) // 4 * 4))
    except (binascii.Error, IndexError):
        return b""


def _decode_base64(piece: bytes) -> bytes:
    # One character over a multiple of four holds less than a byte.
    usable = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
    return binascii.a2b_base64(usable + b"=" * (-len(usable) % 4))


def _is_prose(content: bytes) -> bool:
    """Whether what should be base64 has the spaces and signs of sentences."""
    sample = content[:4_000]
    strange = len(sample) - len(sample.translate(None, b" .,:;!?'\"()<>@-_" + bytes(range(128, 256))))
    return strange > 0.05 * len(sample)
