"""How long visitors waited for each answer: from their first word that nobody had answered to our next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Said:
    """One message of a person in a conversation; `agent_id` is who of us wrote it. What the desk itself says answers nobody."""

    talk_id: int
    is_visitor: bool
    agent_id: int | None
    at: datetime


@dataclass(frozen=True)
class Gap:
    """One wait, and who ended it: it is theirs, whoever had the chat before."""

    talk_id: int
    agent_id: int | None
    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


def reply_gaps(said: Iterable[Said], taken: Mapping[int, datetime]) -> Iterator[Gap]:
    """The waits in these conversations, given what was said in its order and when somebody took each.

    What a visitor said before that waited for the queue, and counts from when it was taken.
    """
    waits: dict[int, datetime] = {}
    for word in said:
        if word.is_visitor:
            waits.setdefault(word.talk_id, max(word.at, taken[word.talk_id]))
        elif word.talk_id in waits:
            gap = Gap(word.talk_id, word.agent_id, waits.pop(word.talk_id), word.at)
            if gap.until >= gap.since:
                yield gap
