"""What the index has written of each token, as arrays, and the best documents by them: BM25 as sums over whole lists.

Whoosh walks posting lists a document at a time in Python; over arrays the same sum takes a tenth of the time, and a list that has
been read once is kept for as long as its segment lives. A commit writes a segment anew only where it must, so an edited article
costs the lists of a small segment and not all of them.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from whoosh.reading import IndexReader, TermNotFound
from whoosh.searching import Searcher

K1, K1_CHINESE, B = 1.2, 2.0, 0.75
"""BM25's own. A pair of characters says less than a word of letters: it has to be repeated oftener until it tells no more."""
MOST_KEPT = 4_000_000
"""Postings kept, at 8 bytes each; those not asked for the longest go first."""

Lists = tuple[NDArray[np.int32], NDArray[np.float32]]
"""The numbers of the documents that have a token, and how often each has it."""


@dataclass(frozen=True)
class Readable:
    """Who may be shown: for each segment a mask over its documents, deleted ones left out."""

    masks: tuple[NDArray[np.bool_], ...]

    def __bool__(self) -> bool:
        return any(mask.any() for mask in self.masks)


class Postings:
    """The lists of the segments that are in use. Not for two threads at a time: its reader is not either."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[Hashable, str, str], Lists] = OrderedDict()
        self._lengths: dict[tuple[Hashable, str], NDArray[np.float32]] = {}
        self._kept = 0

    def forget_other_segments(self, searcher: Searcher) -> None:
        """After a commit: let go of the segments that are no more."""
        alive = {_name(reader) for reader, _ in searcher.reader().leaf_readers()}
        for key in [key for key in self._lists if key[0] not in alive]:
            self._kept -= len(self._lists.pop(key)[0])
        self._lengths = {key: lengths for key, lengths in self._lengths.items() if key[0] in alive}

    def readable(self, searcher: Searcher, field: str, values: Collection[str], also: Mapping[str, str]) -> Readable:
        """Documents whose `field` is one of `values`, and each field of `also` what it says there."""
        masks = []
        for reader, _ in searcher.reader().leaf_readers():
            mask = self._having(reader, ((field, value) for value in values))
            for name, value in also.items():
                mask &= self._having(reader, [(name, value)])
            if reader.has_deletions():
                alive = np.zeros(len(mask), dtype=np.bool_)
                alive[np.fromiter(reader.all_doc_ids(), dtype=np.int32)] = True
                mask &= alive
            masks.append(mask)
        return Readable(tuple(masks))

    def best(
        self,
        searcher: Searcher,
        field: str,
        weights: Mapping[str, float],
        readable: Readable,
        limit: int,
        *,
        all_needed: bool = False,
    ) -> list[tuple[float, int]]:
        """(score, number) of the `limit` best documents, best first, equal ones by number.

        With `all_needed` only those that have every token.
        """
        documents, mean = searcher.doc_count_all(), float(searcher.avg_field_length(field)) or 1.0
        rare = {token: inverse_frequency(documents, searcher.doc_frequency(field, token)) for token in weights}
        found: list[tuple[float, int]] = []
        for (reader, offset), mask in zip(searcher.reader().leaf_readers(), readable.masks, strict=True):
            scores, counts = np.zeros(len(mask), dtype=np.float32), np.zeros(len(mask), dtype=np.int16)
            norms = 1 - B + B * self._lengths_of(reader, field) / mean
            for token, weight in weights.items():
                numbers, often = self._list(reader, field, token)
                k1 = K1 if token.isascii() else K1_CHINESE
                scores[numbers] += weight * rare[token] * (k1 + 1) * often / (often + k1 * norms[numbers])
                counts[numbers] += 1
            scores[~mask | (counts < (len(weights) if all_needed else 1))] = 0
            found += [(float(scores[number]), offset + int(number)) for number in _highest(scores, limit)]
        found.sort(key=lambda each: (-each[0], each[1]))
        return found[:limit]

    def occurs(self, searcher: Searcher, field: str, token: str, readable: Readable) -> bool:
        """Whether one of the readable documents has this token."""
        leaves = zip(searcher.reader().leaf_readers(), readable.masks, strict=True)
        return any(mask[self._list(reader, field, token)[0]].any() for (reader, _), mask in leaves)

    def _having(self, reader: IndexReader, terms: Iterable[tuple[str, str]]) -> NDArray[np.bool_]:
        mask = np.zeros(reader.doc_count_all(), dtype=np.bool_)
        for field, token in terms:
            mask[self._list(reader, field, token)[0]] = True
        return mask

    def _list(self, reader: IndexReader, field: str, token: str) -> Lists:
        key = (_name(reader), field, token)
        kept = self._lists.get(key)
        if kept is None:
            kept = _read(reader, field, token)
            if not len(kept[0]):
                return kept  # there is no end of words that no article has
            self._lists[key] = kept
            self._kept += len(kept[0])
            while self._kept > MOST_KEPT and len(self._lists) > 1:
                _, (numbers, _often) = self._lists.popitem(last=False)
                self._kept -= len(numbers)
        else:
            self._lists.move_to_end(key)
        return kept

    def _lengths_of(self, reader: IndexReader, field: str) -> NDArray[np.float32]:
        key = (_name(reader), field)
        if key not in self._lengths:
            lengths = (reader.doc_field_length(number, field, 0) for number in range(reader.doc_count_all()))
            self._lengths[key] = np.fromiter(lengths, dtype=np.float32, count=reader.doc_count_all())
        return self._lengths[key]


def inverse_frequency(documents: int, having: int) -> float:
    """BM25's usual inverse document frequency; Whoosh's own never falls below one, which overrates words that all have."""
    return math.log(1 + (max(documents, having) - having + 0.5) / (having + 0.5))


def _name(reader: IndexReader) -> Hashable:
    segment = reader.segment()
    return segment.segment_id() if segment is not None else None  # an index without articles has a reader without a segment


def _highest(scores: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """The numbers of the highest scores above 0, all of those equal to the last among them."""
    above = np.flatnonzero(scores)
    if len(above) > limit:
        least = np.partition(scores[above], -limit)[-limit]
        above = above[scores[above] >= least]
    return above


def _read(reader: IndexReader, field: str, token: str) -> Lists:
    numbers, often = [], []
    try:
        matcher = reader.postings(field, token)
    except TermNotFound:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
    while matcher.is_active():
        numbers.append(matcher.id())
        often.append(matcher.weight())
        matcher.next()
    return np.array(numbers, dtype=np.int32), np.array(often, dtype=np.float32)
