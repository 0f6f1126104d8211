"""How much longer somebody waits, and what they are told: never more than they were told before, unless agents have left."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from desk.models import Queue, WorkItem
from desk.queries.board.estimates import Expected, Hand, expected_wait, hands_for, measured
from desk.queries.calendars import calendar_of
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.line import Place, place_of, places_of
from desk.queries.work.matching import item_of
from routing.estimate import announce
from routing.values import Step

MOST_TOLD = 5000  # waiting customers that one process remembers what it told


@dataclass(frozen=True)
class Told:
    """The range of minutes that was told at a moment, and how many places there were then."""

    at: datetime
    minutes: tuple[int, int]
    agents: float

    def to_dict(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "minutes": list(self.minutes), "agents": self.agents}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Told | None:
        """What `to_dict` wrote; None for nothing."""
        if not kept:
            return None
        low, high = kept["minutes"]
        return cls(datetime.fromisoformat(kept["at"]), (low, high), kept["agents"])


class Lines:
    """The lines of one moment. What is asked of many who wait in them is looked up once: the places, and who is able."""

    def __init__(self, session: Session, now: datetime, *, whole: str = "") -> None:
        """`whole` is a channel of which many are asked for."""
        self.session, self.now, self.rules = session, now, rules_of(session)
        self._places = places_of(session, whole, now) if whole else {}
        self._hands: dict[tuple[Any, ...], list[Hand]] = {}

    def place_of(self, item: WorkItem) -> Place:
        return self._places.get(item.id) or place_of(self.session, item, self.now)

    def hands_for(self, channel: str, asked: Step) -> list[Hand]:
        """Everybody available who has what is asked for by now."""
        key = channel, asked.requires, asked.also
        if key not in self._hands:
            self._hands[key] = hands_for(self.session, self.rules, self.now, channel, asked.requires, asked.also)
        return self._hands[key]


def wait_of(lines: Lines, item: WorkItem) -> tuple[Place, Expected]:
    """The place of waiting or offered work, and how much longer it is expected to wait."""
    session, now = lines.session, lines.now
    queue = session.get_one(Queue, item.queue_id)
    asked = item_of(item, queue, calendar_of(session, queue)).asked_at(now.timestamp())
    place = lines.place_of(item)
    expected = expected_wait(
        measured(session, now),
        lines.rules,
        now,
        queue,
        item.channel,
        lines.hands_for(item.channel, asked),
        requires=item.requires,
        tier=item.tier,
        ahead=place.ahead,
        oldest=place.oldest,
        since=item.enqueued_at,
    )
    return place, expected


def minutes_to_tell(lines: Lines, item: WorkItem) -> tuple[Place, int | None]:
    """The place, and the minutes to tell the customer: what four fifths stay below; 0 with somebody free, None if not known.

    Each process remembers what it has told; after a restart a customer may once read a longer time without a cause.
    """
    engine = lines.session.get_bind()
    assert isinstance(engine, Engine)
    remembered = _told.setdefault(engine, OrderedDict())
    before = remembered.get(item.id)
    place, told = wait_to_tell(lines, item, before)
    if told is not None and told is not before:
        remembered[item.id] = told
        while len(remembered) > MOST_TOLD:
            remembered.popitem(last=False)
    return place, None if told is None else told.minutes[1]


def wait_to_tell(lines: Lines, item: WorkItem, before: Told | None) -> tuple[Place, Told | None]:
    """The place, and the range of minutes to tell now to whom `before` was told; the same object while nothing changes.

    None when no wait can be told. It never gets longer than what was told, unless agents have left since.
    """
    now = lines.now
    place, expected = wait_of(lines, item)
    if expected.estimate is None:
        return place, None
    agents = expected.line.agents
    if before is None:
        return place, Told(now, announce(expected.estimate), agents)
    since_s = max(0.0, (now - before.at).total_seconds())
    minutes = announce(expected.estimate, before.minutes, since_s, cause=agents < before.agents)
    return place, before if minutes == before.minutes else Told(now, minutes, agents)


_told: WeakKeyDictionary[Engine, OrderedDict[int, Told]] = WeakKeyDictionary()


def minutes_for_newcomer(
    session: Session, now: datetime, queue: Queue, channel: str, requires: Iterable[Sequence[Any]], ahead: int
) -> int | None:
    """The minutes to tell somebody who would come now, with so many ahead."""
    needs, rules = [(skill, level) for skill, level in requires], rules_of(session)
    hands = hands_for(session, rules, now, channel, needs)
    found = expected_wait(measured(session, now), rules, now, queue, channel, hands, requires=needs, ahead=ahead).estimate
    return None if found is None else found.minutes[1]
