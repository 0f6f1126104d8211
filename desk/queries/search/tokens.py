"""How text is cut into words for the database's own full text: the same cuts for what is kept and for what is asked.

Chinese gives its pairs of characters and the last one of each run alone, so that any piece of a sentence is a row of neighbours
and no dictionary decides what can be found. Other words give their stem. Codes and numbers that are written in parts are kept
once more in one piece, behind everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from whoosh.lang.porter import stem

from knowledge.fold import fold

LONGEST = 64  # characters of a word
MOST = 30_000  # words of one text; PostgreSQL keeps a megabyte of them at most
_CJK = "\u3041-\u30ff\u31f0-\u31ff\uac00-\ud7af\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f々〇"
RUN = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+)")
_CODE = re.compile(rf"[^\W_{_CJK}]+(?:[._@/+#&-][^\W_{_CJK}]+)+")
_NUMBER = re.compile(r"(?<!\w)\+?\d[\d ()\-.]{4,22}\d(?!\w)")
_PLAIN = re.compile("[a-z]{3,}")
_ENDINGS = ("", "e", "s", "es", "d", "ed", "g", "ng", "ing", "n", "on", "ion", "y", "ly")
_BREAK = re.compile(r"['’]")


def words_of(text: str) -> list[str]:
    """Every word of a text in order; what belongs together in one piece comes after all others."""
    folded = _BREAK.sub("", fold(text))
    found = [word for run in RUN.finditer(folded) for word in _of_run(run)]
    return [*found[:MOST], *dict.fromkeys(in_one_piece(folded))]


def in_one_piece(folded: str) -> Iterator[str]:
    """Numbers without the gaps that people write them with, and codes without their joints."""
    for number in _NUMBER.finditer(folded):
        digits = re.sub(r"\D", "", number[0])
        if 6 <= len(digits) <= 20 and not number[0].isdigit():
            yield digits
    for code in _CODE.finditer(folded):
        piece = "".join(part[0] for part in RUN.finditer(code[0]))
        if len(piece) <= LONGEST:
            yield piece


def phrase_of(text: str) -> tuple[str, ...]:
    """The words that stand side by side where this text stands, be it a part of a longer one."""
    found: list[str] = []
    runs = list(RUN.finditer(_BREAK.sub("", fold(text))))
    for place, run in enumerate(runs):
        words = _of_run(run)
        if run.lastgroup == "cjk" and len(words) > 1 and place == len(runs) - 1:
            words = words[:-1]  # in a longer run another pair follows
        found.extend(words)
    return tuple(found)


def stems_begun(word: str) -> set[str]:
    """The stems of the words that may be meant by one whose ending is still being typed: of “chargi” that of “charging”."""
    return {_stem(word + ending) for ending in _ENDINGS} if len(word) > 3 and _PLAIN.fullmatch(word) else set()


def number_words(number: str) -> list[str]:
    """A number and its ends, so that any piece of it is the beginning of one of them."""
    return [number[place:] for place in range(max(1, len(number) - 1))]


def contact_words(kind: str, value: str) -> list[str]:
    """An address from each of its letters on, its server's name from each of its parts; a number and its last digits, to four."""
    plain = bare(value)
    if kind == "phone":
        return [plain[place:] for place in range(max(1, len(plain) - 3))]
    local, _, domain = value.rpartition("@")
    whole = [plain[place:][:LONGEST] for place in range(max(1, len(bare(local)) - 1))]
    parts = domain.split(".")
    return [*whole, *(bare(".".join(parts[place:]))[:LONGEST] for place in range(len(parts)))]


def bare(text: str) -> str:
    """Letters and digits alone: how addresses and numbers are kept."""
    return "".join(run[0] for run in RUN.finditer(fold(text)))


def _of_run(run: re.Match[str]) -> list[str]:
    piece = run[0]
    if run.lastgroup == "cjk":
        return [*(piece[place : place + 2] for place in range(len(piece) - 1)), piece[-1]]
    return [_stem(piece[:LONGEST])]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return stem(word) if _PLAIN.fullmatch(word) else word
