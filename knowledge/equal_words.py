"""Words that mean the same: who asks with one of them also finds what is written with another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from knowledge.fold import fold
from knowledge.tokens import weighted_query_tokens

WORTH = 0.6  # of what the word itself would be worth: who wrote one word may have meant just that one
_MOST_ADDED = 12
_PART = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


class EqualWords:
    """Groups of words and short phrases in any language. Immutable: another set of groups is another object."""

    def __init__(self, groups: Iterable[Iterable[str]] = ()) -> None:
        self._groups = [tuple(dict.fromkeys(clean for word in group if (clean := _clean(word)))) for group in groups]
        # By the first part of each word, so that a question is compared with few of them however many there are.
        self._by_start: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for place, group in enumerate(self._groups):
            for word in group:
                self._by_start[_PART.findall(word)[0]].append((word, place))

    def others(self, asked: str) -> list[str]:
        """What else the question might have said, in the order of its words; at most 12."""
        found: dict[str, None] = {}
        for said, place in self._said(fold(asked)):
            found.update((word, None) for word in self._groups[place] if word != said)
        return list(found)[:_MOST_ADDED]

    def add_to(self, weights: dict[str, float], asked: str) -> list[str]:
        """Give the tokens of those words their weights; returns the words."""
        others = self.others(asked)
        for word in others:
            for token, weight in weighted_query_tokens(word).items():
                weights[token] = max(weights.get(token, 0.0), weight * WORTH)
        return others

    def _said(self, text: str) -> Iterator[tuple[str, int]]:
        for part in _PART.finditer(text):
            for word, place in self._by_start.get(part[0], ()):
                end = part.start() + len(word)
                whole = not word[-1].isascii() or not text[end : end + 1].isalnum() or not text[end : end + 1].isascii()
                if text.startswith(word, part.start()) and whole:
                    yield word, place


def _clean(word: str) -> str:
    clean = " ".join(fold(word).split())
    return clean if _PART.search(clean) else ""
