"""Encoded words (RFC 2047) and raw 8-bit bytes in header values, as senders really write them."""

from __future__ import annotations

import binascii
import quopri
import re

from channels.email.charset import decode

ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?(.*?)\?=", re.DOTALL)
FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff]")
LONGEST = 20_000


def header_text(value: str, fallback: str = "") -> str:
    """A header value as a person reads it: unfolded, decoded, without control characters.

    `value` comes from the parser, raw bytes as surrogates; `fallback` is the charset the body declares, for those bytes.
    """
    return tidy(decode_words(raw_text(value, fallback)))


def raw_text(value: str, fallback: str = "") -> str:
    """Undo folding and decode 8-bit bytes, leaving encoded words alone so that addresses can be split first."""
    value = FOLD.sub("", value[:LONGEST])
    return decode(value.encode("utf-8", "surrogateescape"), fallback) if not value.isascii() else value


def decode_words(value: str) -> str:
    """Replace encoded words. Neighbours in one charset are joined *before* decoding: Chinese senders cut inside characters."""
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in ENCODED.finditer(value):
        gap = value[end : match.start()]
        data = _word_bytes(match[2], match[3])
        if pending and (gap.strip() or match[1].lower() != charset):
            out.append(decode(pending, charset))
            pending = b""
            out.append(gap if gap.strip() else "")
        elif not pending and (gap.strip() or end == 0):
            out.append(gap)
        pending, charset, end = pending + data, match[1].lower(), match.end()
    if pending:
        out.append(decode(pending, charset))
    return "".join(out) + value[end:]


def tidy(text: str) -> str:
    """One line without control or direction-changing characters, white space collapsed."""
    return " ".join(CONTROL.sub(" ", text).split())


def from_base64(data: bytes) -> bytes:
    """Decode base64 that may be badly padded, broken into lines or hold stray characters."""
    clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", data)
    for candidate in (clean, clean.rstrip(b"=") + b"=" * (-len(clean.rstrip(b"=")) % 4), clean.rstrip(b"=")[:-1] + b"==="):
        try:
            return binascii.a2b_base64(candidate)
        except binascii.Error:
            continue
    return b""


def _word_bytes(how: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "surrogateescape")
    return from_base64(data) if how in "bB" else quopri.decodestring(data, header=True)
