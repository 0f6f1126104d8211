"""Which key a caller means by what they said, in Chinese or English; nothing when it might be more than one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

SURE = 0.3
"""Below this confidence (0 to 1) of the carrier's ear, nothing was understood."""

_NUMBERS = {
    "0": ("zero", "零", "〇"), "1": ("one", "一", "幺"), "2": ("two", "二", "两"), "3": ("three", "三"), "4": ("four", "四"),
    "5": ("five", "五"), "6": ("six", "六"), "7": ("seven", "七"), "8": ("eight", "八"), "9": ("nine", "九"),
    "*": ("star", "星号", "星号键"),
}  # fmt: skip
_PRESS = re.compile(r"^(?:press|number|option|key|请按|按|选择|选|第)?\s*(.*?)\s*(?:please|号键|号|键|个|吧)?$")


def key_said(words: Mapping[str, Iterable[str]], said: str, confidence: float | None = None) -> str:
    """The key whose words were said; empty when none were, several might be meant, or it was not well understood.

    A number said alone is that key. Of words within words the longer counts: “投诉账单” is not about “账单” where both are there.
    """
    text = _plain(said)
    if not text or (confidence is not None and confidence < SURE):
        return ""
    number = _number(text, words)
    if number:
        return number
    found = {
        key: max((len(word) for word in map(_plain, options) if _contains(text, word)), default=0)
        for key, options in words.items()
    }
    best = max(found.values(), default=0)
    keys = [key for key, length in found.items() if length == best]
    return keys[0] if best and len(keys) == 1 else ""


def _longest(text: str, options: Iterable[str]) -> int:
    return max((len(word) for word in map(_plain, options) if _contains(text, word)), default=0)


def _number(text: str, words: Mapping[str, Iterable[str]]) -> str:
    alone = _PRESS.sub(r"\1", text)
    for key, names in _NUMBERS.items():
        if (key in words or key == "*") and (alone == key or alone in names):
            return key
    return ""


def _contains(text: str, word: str) -> bool:
    """Chinese words stand anywhere; others at a word's start and whole but for an ending such as -s or -ing."""
    if not word:
        return False
    if any("\u2e80" <= letter <= "\u9fff" for letter in word):
        return word in text
    return re.search(rf"\b{re.escape(word)}(?:s|es|ed|d|ing|ment)?\b", text) is not None


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w\s*]", " ", text).split())
