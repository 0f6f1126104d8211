"""How good a search is: what it finds for questions whose answers a person has judged, beside a plain BM25 of the same articles.

Measures after Manning, Raghavan and Schütze, Introduction to Information Retrieval, ch. 8: nDCG with gains 2^grade - 1 and a
discount of log2(place + 1); recall of all judged answers; the reciprocal place of the first best answer.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from knowledge.article import Article
from knowledge.markdown import to_text

DEPTH = 10
DRAWINGS = 1_000
K1, B = 1.2, 0.75
TITLE, QUESTION, TAGS = 3, 2, 2  # the weights of the index, so that the two differ in their words alone

_PLAIN = re.compile(r"([\u3400-\u4dbf\u4e00-\u9fff]+)|([a-z0-9]+)")

Rank = Callable[[str], Sequence[str]]
"""A question to the ids of the best articles, best first."""


@dataclass(frozen=True)
class Judged:
    """A question, and how well each article answers it: 3 is the answer, 2 part of it, 1 of use; others 0."""

    text: str
    lang: str
    grades: Mapping[str, int]


@dataclass(frozen=True)
class Advantage:
    """How much higher one nDCG is than another over the same questions, and between what it lies in 95 of 100 drawings."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """Means over questions, each from 0 to 1."""

    ndcg: float
    recall: float
    mrr: float


def read_judged(lines: Iterable[str]) -> list[Judged]:
    """The questions of a file of JSON lines: `{"text","lang","grades":{"article id":grade}}`."""
    return [Judged(**json.loads(line)) for line in lines if line.strip()]


def quality(questions: Sequence[Judged], rank: Rank) -> Quality:
    """How well `rank` answers these questions, of which there must be one."""
    found = [(question.grades, list(rank(question.text))[:DEPTH]) for question in questions]
    return Quality(
        ndcg=fmean(_ndcg(grades, keys) for grades, keys in found),
        recall=fmean(len(grades.keys() & set(keys)) / len(grades) for grades, keys in found),
        mrr=fmean(_reciprocal(keys, grades) for grades, keys in found),
    )


def advantage(questions: Sequence[Judged], ours: Rank, other: Rank) -> Advantage:
    """Of `ours` over `other`, by a paired bootstrap: the same questions are drawn anew, always the same way."""
    differences = [_ndcg(each.grades, ours(each.text)) - _ndcg(each.grades, other(each.text)) for each in questions]
    dice = random.Random(1)
    means = sorted(fmean(dice.choices(differences, k=len(differences))) for _ in range(DRAWINGS))
    return Advantage(fmean(differences), means[DRAWINGS * 25 // 1000], means[DRAWINGS * 975 // 1000 - 1])


def plain_bm25(articles: Iterable[Article]) -> Rank:
    """What to be better than: BM25 (k1 1.2, b 0.75, title x3) over Chinese characters and pairs and plain English words."""
    having: dict[str, dict[str, int]] = defaultdict(dict)
    lengths: dict[str, int] = {}
    for article in articles:
        words = Counter(_words(article))
        lengths[article.id] = words.total()
        for word, often in words.items():
            having[word][article.id] = often
    mean = fmean(lengths.values())

    def rank(question: str) -> list[str]:
        scores: dict[str, float] = defaultdict(float)
        for word in set(_plain(question)) & having.keys():
            idf = math.log(1 + (len(lengths) - len(having[word]) + 0.5) / (len(having[word]) + 0.5))
            for key, often in having[word].items():
                scores[key] += idf * often * (K1 + 1) / (often + K1 * (1 - B + B * lengths[key] / mean))
        return sorted(scores, key=lambda key: (-scores[key], key))

    return rank


def _ndcg(grades: Mapping[str, int], keys: Sequence[str]) -> float:
    return _gain([grades.get(key, 0) for key in keys]) / _gain(sorted(grades.values())[::-1])


def _gain(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:DEPTH]))


def _reciprocal(keys: Sequence[str], grades: Mapping[str, int]) -> float:
    best = max(grades.values())
    return next((1 / place for place, key in enumerate(keys, start=1) if grades.get(key) == best), 0.0)


def _words(article: Article) -> list[str]:
    beside = _plain(article.question) * QUESTION + _plain(" ".join((*article.tags, *article.products))) * TAGS
    text = to_text(f"{article.text}\n\n{article.cause}\n\n{article.environment}")
    return _plain(article.title) * TITLE + beside + _plain(text)


def _plain(text: str) -> list[str]:
    words: list[str] = []
    for match in _PLAIN.finditer(text.lower()):
        run = match[1]
        words += [*run, *(run[place : place + 2] for place in range(len(run) - 1))] if run else [match[2]]
    return words
