"""Topics that people ask about and no article answers: questions that share a telling word, largest first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from knowledge.tokens import topic_words

LEAST = 5  # questions, fewer are no topic
MOST_ANSWERED = 0.2  # of them by an article: more, and the topic is known
MOST_TOPICS = 30
_LABEL_WORDS = 3
_TOO_COMMON = 0.5  # of all questions of a group that is large enough to tell
_LARGE = 40


@dataclass(frozen=True)
class Asked:
    """One question. `group` is the subject area that it was put into; only questions of one group make a topic."""

    id: int
    group: str
    text: str
    lang: str
    answered: bool


@dataclass(frozen=True)
class Topic:
    """Questions about one thing, the latest first. `label` are the words that most of them share."""

    group: str
    label: str
    lang: str
    ids: tuple[int, ...]
    answered: int


def topics(asked: Iterable[Asked], *, least: int = LEAST) -> list[Topic]:
    """The topics without an answer. Each question counts in one of them: the largest that it fits."""
    groups: dict[tuple[str, str], list[tuple[Asked, dict[str, str]]]] = defaultdict(list)
    for each in asked:
        groups[each.group, each.lang].append((each, topic_words(each.text)))
    found = [topic for members in groups.values() for topic in _of_group(members, least)]
    return sorted(found, key=lambda topic: (topic.answered - len(topic.ids), topic.group, topic.label))[:MOST_TOPICS]


def _of_group(members: Sequence[tuple[Asked, dict[str, str]]], least: int) -> list[Topic]:
    common = len(members) * _TOO_COMMON if len(members) >= _LARGE else len(members) + 1
    found = []
    left = list(members)
    while True:
        shared = Counter(stem for _, words in left for stem in words)
        lead = _lead(left, shared, least, common)
        if lead is None:
            return found
        own = [(each, words) for each, words in left if lead in words]
        left = [(each, words) for each, words in left if lead not in words]
        found.append(_topic(lead, own))


def _lead(left: Sequence[tuple[Asked, dict[str, str]]], shared: Counter[str], least: int, common: float) -> str | None:
    """The word most unanswered questions share; None when no word is shared by enough of them."""
    answered = Counter(stem for each, words in left if each.answered for stem in words)
    fit = [stem for stem, count in shared.items() if least <= count <= common and answered[stem] < MOST_ANSWERED * count]
    return max(fit, key=lambda stem: (shared[stem] - answered[stem], len(stem), stem), default=None)


def _topic(lead: str, own: Sequence[tuple[Asked, dict[str, str]]]) -> Topic:
    shared = Counter(stem for _, words in own for stem in words)
    also = [stem for stem, count in shared.most_common(8) if stem != lead and count * 2 >= len(own)]
    spelt = {stem: Counter(words[stem] for _, words in own if stem in words).most_common(1)[0][0] for stem in (lead, *also)}
    first = own[0][0]
    return Topic(
        group=first.group,
        label=" ".join(spelt[stem] for stem in (lead, *also)[:_LABEL_WORDS]),
        lang=first.lang,
        ids=tuple(sorted((each.id for each, _ in own), reverse=True)),
        answered=sum(each.answered for each, _ in own),
    )
