"""Encoded words (RFC 2047) and raw 8-bit bytes in header values, as senders really write them."""

from __future__ import annotations

import quopri
import re

from channels.email.charset import decode
from channels.email.transfer import from_base64

# A payload ends at the first `?=`; it may hold spaces and question marks, which it should not, but never the start of another
# word. At the end of the value the closing mark may be cut off.
ENCODED = re.compile(
    r"=\?([\w.:*+()-]{1,60})\?([bBqQ])\?((?:(?!=\?[\w.:*+()-]{1,60}\?[bBqQ]\?)[^\r\n]){0,8000}?)(?:\?=|\??\Z)", re.ASCII
)
HEX = re.compile(r"=[0-9A-Fa-f]{2}")
FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
LONGEST = 20_000
DEEPEST = 3


def header_text(value: str, fallback: str = "") -> str:
    """A header value as a person reads it: unfolded, decoded, without control characters.

    `value` comes from the parser, raw bytes as surrogates; `fallback` is the charset the body declares, for those bytes.
    """
    return tidy(decode_words(raw_text(value, fallback)))


def raw_text(value: str, fallback: str = "") -> str:
    """Undo folding and decode 8-bit bytes, leaving encoded words alone so that addresses can be split first."""
    value = FOLD.sub("", value[:LONGEST])
    plain = value.isascii() and "\x1b" not in value and "~{" not in value
    return value if plain else decode(value.encode("utf-8", "surrogateescape"), fallback)


def decode_words(value: str) -> str:
    """Replace encoded words, also those that a gateway encoded a second time."""
    for _ in range(DEEPEST):
        if "=?" not in value:
            break
        decoded = _decode_once(value)
        if decoded == value:
            break
        value = decoded
    return value


def tidy(text: str) -> str:
    """One line without control or direction-changing characters, white space collapsed."""
    return " ".join(CONTROL.sub(" ", text).split())


def _decode_once(value: str) -> str:
    """Neighbours in one charset are joined *before* decoding: Chinese senders cut inside characters."""
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in ENCODED.finditer(value):
        gap = value[end : match.start()]
        data, name = _word_bytes(match[2], match[3]), match[1].lower()
        if pending and (gap.strip() or name != charset):
            out.append(decode(pending, charset))
            pending = b""
        if gap.strip() or end == 0:
            out.append(gap)
        pending, charset, end = pending + data, name, match.end()
    if pending:
        out.append(decode(pending, charset))
    return "".join(out) + value[end:]


def _word_bytes(how: str, payload: str) -> bytes:
    """Some programs write the letter of one encoding and use the other; base64 has `=` only at its end."""
    data = payload.encode("utf-8", "surrogateescape")
    if how in "bB" and not HEX.search(payload):
        return from_base64(data)
    return quopri.decodestring(data, header=True)
