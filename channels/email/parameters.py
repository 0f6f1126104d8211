"""Parameters of a header field such as `filename`: RFC 2231, and the many things senders write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from channels.email.charset import decode
from channels.email.words import decode_words, raw_text, tidy

LONGEST = 20_000
MOST = 500
QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)("|\Z)', re.DOTALL)
NAME = re.compile(r"\s*([\w!#$%&+.^`|~-]{1,60}?)(\*\d{1,4})?(\*)?\s*=", re.ASCII)
EXTENDED = re.compile(r"^([\w.:+-]{0,40})'([\w-]{0,20})'(.*)$", re.DOTALL | re.ASCII)
WINDOWS_PATH = re.compile(r"^(?:[A-Za-z]:\\|\\\\)")


def parameter(field: str, key: str, fallback: str = "") -> str:
    """A parameter of a field's value (raw bytes as surrogates), empty when absent.

    An extended value (`key*`, `key*0*`) wins over a plain one (RFC 6266 section 4.3).
    """
    plain, extended = "", ""
    pieces: dict[int, tuple[bool, str]] = {}
    for name, number, starred, value in _pairs(raw_text(field[:LONGEST], fallback)):
        if name != key:
            continue
        if number >= 0:
            pieces.setdefault(number, (starred, value))
        elif starred:
            extended = extended or _extended(value, fallback)
        else:
            plain = plain or value
    joined = _joined(pieces, fallback) if pieces else ""
    return extended or joined or _plain(plain, fallback)


def _pairs(value: str) -> Iterator[tuple[str, int, bool, str]]:
    """(name, number or -1, starred, value) of each parameter; quotes are taken off."""
    at = value.find(";")
    if at < 0 and NAME.match(value):
        at = -1
    elif at < 0:
        return
    for _ in range(MOST):
        match = NAME.match(value, at + 1)
        if match:
            text, at = _value(value, match.end())
            yield match[1].lower(), int(match[2][1:]) if match[2] else -1, bool(match[3]), text
        else:
            at = value.find(";", at + 1)
        if at < 0 or at >= len(value):
            return


def _value(value: str, at: int) -> tuple[str, int]:
    """A value and where the semicolon after it is. Without quotes it may hold spaces, and semicolons if no name follows."""
    quoted = QUOTED.match(value, at)
    if quoted:
        text = quoted[1]
        end = value.find(";", quoted.end())
        if not WINDOWS_PATH.match(text):
            text = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
        return text, end
    end = value.find(";", at)
    while end >= 0 and not NAME.match(value, end + 1) and value[end + 1 :].strip():
        end = value.find(";", end + 1)
    text = (value[at:end] if end >= 0 else value[at:]).strip()
    return text.strip("'") if text.startswith("'") and text.endswith("'") else text, end


def _extended(value: str, fallback: str) -> str:
    match = EXTENDED.match(value)
    charset, text = (match[1], match[3]) if match else ("", value)
    return tidy(decode_words(decode(unquote_to_bytes(text.encode("utf-8", "replace")), charset or fallback)))


def _joined(pieces: dict[int, tuple[bool, str]], fallback: str) -> str:
    """Pieces in order, their bytes joined before decoding, since a character may be cut between two."""
    if not any(starred for starred, _ in pieces.values()):
        return _plain("".join(pieces[number][1] for number in sorted(pieces)), fallback)
    data, charset = b"", ""
    for place, number in enumerate(sorted(pieces)):
        starred, text = pieces[number]
        match = EXTENDED.match(text) if place == 0 else None
        if match:
            charset, text = match[1], match[3]
        data += unquote_to_bytes(text.encode("utf-8", "replace")) if starred else text.encode("utf-8", "replace")
    return tidy(decode_words(decode(data, charset or fallback)))


def _plain(value: str, fallback: str) -> str:
    """A plain value may hold encoded words, or percent signs that spell something other than ASCII."""
    text = tidy(decode_words(value))
    match = EXTENDED.match(text)
    if match and match[1] and "%" in match[3]:
        return _extended(text, fallback)
    if re.search(r"%[89A-Fa-f][0-9A-Fa-f]", text):
        data = unquote_to_bytes(text.encode("utf-8", "replace"))
        spelled = decode(data, fallback)
        if "\ufffd" not in spelled:
            return tidy(spelled)
    return text
