"""The piece of a text that shows best why it was found, with the words marked and everything else escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from html import escape

from knowledge.fold import fold
from knowledge.tokens import tokens

_WORD = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['’._@/+#&-]+[^\W_\u3040-\u30ff\u3400-\u9fff]+)*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")

_SENTENCE = re.compile(r"[。！？]|[.!?] ")
_CLAUSE = re.compile(r"[；，：]|[;,:] ")
_MOST_TEXT, _MOST_MARKS, _LONGEST_WORD = 20_000, 200, 30

Span = tuple[int, int]


def snippet(text: str, wanted: Collection[str], length: int = 160) -> str:
    """About `length` characters of `text` as HTML: the stretch with the most different `wanted` tokens, each in `<mark>`.

    Without any of them it is the beginning. A Chinese character counts as two, so that both languages fill the same lines.
    """
    text = " ".join(text[:_MOST_TEXT].split())
    if 4 * len(_CJK.findall(text)) > len(text):
        length //= 2
    marks = _marks(text, set(wanted))
    start = _best_start(text, marks, length)
    end = _word_edge(text, min(len(text), start + length))
    shown = _marked(text, [mark for mark in marks if start <= mark[0] and mark[1] <= end], start, end)
    return ("… " if start else "") + shown.strip() + (" …" if end < len(text) else "")


def mark_starts(title: str, starts: Collection[str]) -> str:
    """The whole title as HTML, in `<mark>` the beginnings of words that are among `starts`, the Chinese of them anywhere."""
    same_length = _folded(title)
    chinese = [start for start in starts if _CJK.match(start)]
    others = [start for start in starts if not _CJK.match(start)]
    marks = _chinese_marks(same_length, chinese)
    if others:
        longest_first = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))
        marks += [match.span() for match in re.finditer(rf"(?<![^\W_])(?:{longest_first})", same_length)]
    return _marked(title, sorted(marks), 0, len(title))


def _marked(text: str, marks: list[Span], start: int, end: int) -> str:
    parts = []
    place = start
    for left, right in marks:
        if left >= place:
            parts += [escape(text[place:left]), "<mark>", escape(text[left:right]), "</mark>"]
            place = right
    return "".join([*parts, escape(text[place:end])])


def _marks(text: str, wanted: set[str]) -> list[Span]:
    """Spans of what gives a wanted token, in order; Chinese ones that touch are one span."""
    spans = [match.span() for match in _WORD.finditer(text) if not wanted.isdisjoint(_word_tokens(match[0]))]
    return sorted(spans + _chinese_marks(_folded(text), [token for token in wanted if _CJK.match(token)]))


def _chinese_marks(folded: str, wanted: Collection[str]) -> list[Span]:
    """Every place covered by a wanted token, overlaps and neighbours joined."""
    covered = sorted({(place, place + len(token)) for token in wanted for place in _places(folded, token)})
    joined: list[Span] = []
    for left, right in covered:
        if joined and left <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return joined


def _places(text: str, piece: str) -> Iterator[int]:
    place = text.find(piece)
    while place >= 0:
        yield place
        place = text.find(piece, place + 1)


def _folded(text: str) -> str:
    """`text` folded character by character, where that keeps its length."""
    return "".join(map(_folded_char, text))


@lru_cache(maxsize=10_000)
def _folded_char(char: str) -> str:
    folded = fold(char)
    return folded if len(folded) == 1 else char


@lru_cache(maxsize=20_000)
def _word_tokens(word: str) -> tuple[str, ...]:
    return tuple(tokens(word))


def _best_start(text: str, marks: list[Span], length: int) -> int:
    """The start of the window with the most different marked words, the earliest of equals; at a sentence if one is near."""
    if len(text) <= length or not marks:
        return 0
    best, best_left, best_found = 0, 0, 0
    for left, _ in marks[:_MOST_MARKS]:
        start = max(0, left - length // 4)
        found = len({text[a:b].lower() for a, b in marks[:_MOST_MARKS] if start <= a and b <= start + length})
        if found > best_found:
            best, best_left, best_found = start, left, found
    if best == 0:
        return 0
    sentences = [match.end() for match in _SENTENCE.finditer(text, best, best_left)]
    clause = _CLAUSE.search(text, best, best_left)
    return sentences[-1] if sentences else clause.end() if clause else _word_edge(text, best)


def _word_edge(text: str, place: int) -> int:
    """Move `place` back to where no word is cut, unless that word is endless."""
    edge = place
    while 0 < edge < len(text) and _is_letter(text[edge - 1]) and _is_letter(text[edge]):
        edge -= 1
    return edge if place - edge <= _LONGEST_WORD else place


def _is_letter(char: str) -> bool:
    return char.isalnum() and not _CJK.match(char)
