"""Text as a browser sends it, made fit to keep, and the mark of the sentences that answer it."""

from __future__ import annotations

import re

MOST_CHARACTERS = 5000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(value: object) -> str:
    """The text without what no database keeps (NUL, halves of surrogate pairs) and without space around it; "" for no text."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def clean_line(value: object, most: int) -> str:
    """The same on one line, cut at `most` characters."""
    return " ".join(clean(value).split())[:most]


def N_(sentence: str) -> str:  # noqa: N802  the name by which the translators' tools know it
    """The sentence itself, in English: the key of its translation."""
    return sentence
