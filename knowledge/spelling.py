"""Words that the articles do not have, and those that were probably meant: at most a slip or two away, the commonest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from whoosh.searching import Searcher

from knowledge import tokens
from knowledge.fold import fold

_CORRECTABLE = re.compile(r"[a-z]{4,}")
_TWO_SLIPS = 8  # letters, from which on two slips are likelier than another word
_MOST_WORDS = 4  # of one question: each costs a walk through the vocabulary


def near_words(searcher: Searcher, field: str, text: str, known: Callable[[str], bool]) -> dict[str, str]:
    """Each word of `text` that is not `known`, to the known word it is probably meant to be; words without one are left out."""
    found = {}
    for word in list(_unknown(text, known))[:_MOST_WORDS]:
        slips = 2 if len(word) >= _TWO_SLIPS else 1
        candidates = {*searcher.reader().terms_within(field, word, slips, prefix=1), *_swapped(word)}
        near = {term: searcher.doc_frequency(field, term) for term in candidates if _CORRECTABLE.fullmatch(term) and known(term)}
        if near:
            found[word] = max(near, key=lambda term: (near[term], term))
    return found


def corrected(text: str, near: dict[str, str]) -> str:
    """The text with those words replaced, wherever they stand alone; all else stays as it was typed."""
    return re.sub(r"[^\W\d_]+", lambda word: near.get(fold(word[0]), word[0]), text)


def _swapped(word: str) -> Iterator[str]:
    """Two neighbours in the wrong order count as one slip; to Levenshtein they are two."""
    return (word[:place] + word[place + 1] + word[place] + word[place + 2 :] for place in range(1, len(word) - 1))


def _unknown(text: str, known: Callable[[str], bool]) -> Iterator[str]:
    for word in dict.fromkeys(re.findall(r"[^\W\d_]+", fold(text))):
        if _CORRECTABLE.fullmatch(word) and not any(known(token) for token in tokens.tokens(word)):
            yield word
