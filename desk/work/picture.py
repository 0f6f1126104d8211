"""The router's picture of the rows: what waits, who is there, what they hold. The matcher is part of it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from desk.actions.work.claims import Claim, Claimed
from desk.actions.work.work_items import ring_s
from desk.models import Agent, Offer, Queue, WorkItem
from desk.models import Calendar as CalendarRow
from desk.models.agent import AVAILABLE
from desk.models.work_item import IS_HOLDING, OFFERED, WAITING, offers_of_items
from desk.queries.calendars import to_calendar
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.matching import COMPOSING_UNTIL, HELD_AS, held_at, item_of, team_skills
from desk.work.deadlines import Deadlines
from routing.matcher import Matcher
from routing.values import CHAT_COMPOSING, ChannelRule, Decision, Item, load_of
from routing.values import Agent as Seat

_WAITING = [
    *(WorkItem.id, WorkItem.queue_id, WorkItem.channel, WorkItem.requires, WorkItem.band, WorkItem.due_at, WorkItem.promote_at),
    *(WorkItem.enqueued_at, WorkItem.tier, WorkItem.excluded, WorkItem.sticky_agent_id, WorkItem.sticky_until, WorkItem.version),
    *(WorkItem.kind, WorkItem.steps_done),
]
_AGENT = (Agent.id, Agent.active, Agent.presence, Agent.team_id, Agent.capacity, Agent.used, Agent.idle_since, Agent.version)


@dataclass(frozen=True)
class Waiting:
    """A waiting item, for how long its offer stands, and how many of its overflow steps have been recorded."""

    item: Item
    timeout_s: int
    steps_done: int


@dataclass(frozen=True)
class Present:
    """An agent, the load that their row says, their open offers as (offer, deadline), and until when they count as writing."""

    seat: Seat
    used: int
    offered: tuple[tuple[int, datetime], ...] = ()
    composing_until: datetime | None = None


@dataclass(frozen=True)
class News:
    """What was read at one moment: with `rules` everything there is, else some of it.

    The items in `asked` that are not among the waiting ones wait no more.
    """

    waiting: list[Waiting]
    present: list[Present]
    asked: Collection[int] = ()
    rules: Mapping[str, ChannelRule] | None = None


@dataclass
class Changed:
    """Which rows have changed since they were read: these, those that wait in these queues, or all of them."""

    items: set[int] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    queues: set[int] = field(default_factory=set)
    all: bool = False

    MOST = 1000  # beyond this, reading everything is no dearer

    def __bool__(self) -> bool:
        return bool(self.all or self.items or self.agents or self.queues)

    def add(self, other: Changed) -> None:
        self.items |= other.items
        self.agents |= other.agents
        self.queues |= other.queues
        self.all = self.all or other.all or len(self.items) + len(self.agents) > self.MOST


def read(session: Session, changed: Changed, now: datetime, most: int | None = None) -> News:
    """Read the rows that have changed; if that is all of them, at most so many of those that wait, in their order."""
    if changed.all:
        return News(list(_waiting(session, None, most)), list(_present(session, None, now)), rules=rules_of(session))
    items, agents = changed.items, set(changed.agents)
    if items:  # whoever has, or had, an offer of them may hold more or less than before
        agents.update(session.scalars(select(Offer.agent_id).where(offers_of_items(items))))
    waiting = list(_waiting(session, WorkItem.id.in_(items))) if items else []
    for queue_id in changed.queues:
        waiting += _waiting(session, WorkItem.queue_id == queue_id)
    return News(waiting, list(_present(session, agents, now)) if agents else [], asked=items)


class Picture:
    """The matcher, with what the rows say beside it that a claim must know."""

    def __init__(self) -> None:
        self.matcher = Matcher()
        self.deadlines = Deadlines()
        self._rules: Mapping[str, ChannelRule] = {}
        self._waiting: dict[int, Waiting] = {}
        self._seats: dict[int, Seat] = {}
        self._steps: list[tuple[float, int]] = []
        self._leaps: list[tuple[float, float]] = []
        self._composing: list[tuple[float, int]] = []

    def take(self, news: News, now: datetime, monotonic: float) -> None:
        """Put what was read into the picture."""
        if news.rules is not None:
            self.matcher, self._rules = Matcher(news.rules), news.rules
            self._waiting, self._seats, self._steps = {}, {}, []
            present = {each.seat.id for each in news.present}
            self.deadlines.keep(present)
        for item_id in set(news.asked) - {each.item.id for each in news.waiting}:
            self._drop(item_id)
        for each in news.waiting:
            self._put(replace(each, item=self._leapt(each.item)))
        for one in news.present:
            self._seats[one.seat.id] = one.seat
            self.matcher.put_agent(one.seat)
            self.deadlines.put(one.seat.id, one.offered, now, monotonic)
            if one.composing_until is not None:
                heapq.heappush(self._composing, (one.composing_until.timestamp(), one.seat.id))

    def claims(self, decisions: Iterable[Decision], epoch: int) -> list[Claim]:
        """What is to be made durable of these decisions of one round, by the versions that they were made by."""
        held: dict[int, Mapping[int, str]] = {}
        versions: dict[int, int] = {}
        claims = []
        for decision in decisions:
            seat, waiting = self._seats[decision.agent_id], self._waiting[decision.item_id]
            item = waiting.item
            hands = held[seat.id] = {**held.get(seat.id, seat.held), item.id: item.channel}
            version = versions.get(seat.id, seat.version)
            versions[seat.id] = version + 1
            claims.append(
                Claim(
                    item_id=item.id,
                    item_version=item.version,
                    agent_id=seat.id,
                    agent_version=version,
                    channel=item.channel,
                    weight=self._rules[item.channel].weight,
                    used=min(load_of(hands, self._rules).used(seat.capacity), seat.capacity),
                    timeout_s=waiting.timeout_s,
                    epoch=epoch,
                    reason=decision.reason,
                )
            )
        return claims

    def won(self, claimed: Claimed, monotonic: float) -> None:
        """The claim stands: both rows are as it left them."""
        asked = claimed.claim
        self._drop(asked.item_id)
        seat = self._seats[asked.agent_id]
        held = {**seat.held, asked.item_id: asked.channel}
        seat = self._seats[seat.id] = replace(seat, held=held, version=asked.agent_version + 1)
        self.matcher.put_agent(seat)
        self.deadlines.add(seat.id, claimed.offer_id, claimed.deadline, monotonic + asked.timeout_s)

    def leap(self, until: datetime, seconds: float) -> None:
        """The wall clock has leapt by so many seconds, up to `until`: nobody has waited for them. To be read anew after this."""
        self._leaps.append((until.timestamp() - seconds, seconds))
        self.deadlines.shift(seconds)

    @property
    def size(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def steps_due(self, now: float) -> list[Waiting]:
        """Waiting items that have taken overflow steps which are not recorded yet."""
        due: dict[int, Waiting] = {}
        while self._steps and self._steps[0][0] <= now:
            waiting = self._waiting.get(heapq.heappop(self._steps)[1])
            if waiting is not None and taken(waiting, now) > waiting.steps_done:
                due[waiting.item.id] = waiting
        return list(due.values())

    def recorded(self, waiting: Waiting, steps_done: int) -> None:
        """So many of the item's steps are recorded now."""
        self._put(replace(waiting, steps_done=steps_done))

    def next_step_at(self) -> float | None:
        """When an item next takes a step."""
        return self._steps[0][0] if self._steps else None

    def written(self, now: float) -> set[int]:
        """Agents who may have stopped writing: their rows are to be read again."""
        done = set()
        while self._composing and self._composing[0][0] <= now:
            done.add(heapq.heappop(self._composing)[1])
        return done

    def next_written_at(self) -> float | None:
        """When somebody next may have stopped writing."""
        return self._composing[0][0] if self._composing else None

    def _put(self, waiting: Waiting) -> None:
        item = waiting.item
        known = self._waiting.get(item.id)
        if known is not None and item.version < known.item.version:
            return
        self._waiting[item.id] = waiting
        self.matcher.put_item(item)
        if len(item.steps) > waiting.steps_done:
            heapq.heappush(self._steps, (item.steps[waiting.steps_done].at, item.id))

    def _drop(self, item_id: int) -> None:
        self._waiting.pop(item_id, None)
        self.matcher.drop_item(item_id)

    def _leapt(self, item: Item) -> Item:
        """The item with its steps put off by what the wall clock has leapt while it waited."""
        for before, seconds in self._leaps:
            if item.steps and item.enqueued_at <= before:
                steps = tuple(replace(step, at=step.at + seconds) if step.at > before else step for step in item.steps)
                item = replace(item, steps=steps)
        return item


def taken(waiting: Waiting, now: float) -> int:
    """How many of the item's steps are behind it."""
    return sum(step.at <= now for step in waiting.item.steps)


def _waiting(session: Session, which: Any, most: int | None = None) -> Iterator[Waiting]:
    query: Select[Any] = select(*_WAITING).where(WorkItem.state == WAITING)
    if most is not None:
        query = query.order_by(WorkItem.band, WorkItem.due_at, WorkItem.id).limit(most)
    rows = session.execute(query if which is None else query.where(which)).all()
    if not rows:  # as mostly: what was waiting has been taken, or is over
        return
    queues = {queue.id: queue for queue in session.scalars(select(Queue).where(Queue.id.in_({row.queue_id for row in rows})))}
    days = {queue.calendar_id for queue in queues.values()}
    hours = {row.id: to_calendar(row) for row in session.scalars(select(CalendarRow).where(CalendarRow.id.in_(days)))}
    for row in rows:
        queue = queues[row.queue_id]
        item = item_of(row, queue, hours[queue.calendar_id])  # type: ignore[arg-type]
        yield Waiting(item, ring_s(row.channel, queue.offer_timeout_s), row.steps_done)


def _present(session: Session, ids: Collection[int] | None, now: datetime) -> Iterator[Present]:
    agents = select(*_AGENT)
    held = select(Offer.id, Offer.agent_id, Offer.item_id, HELD_AS, COMPOSING_UNTIL, Offer.state, Offer.deadline).where(
        IS_HOLDING
    )
    if ids is not None:
        agents, held = agents.where(Agent.id.in_(ids)), held.where(Offer.agent_id.in_(ids))
    skill_of, of_team = skills_at(session, now, ids), team_skills(session)
    holding: dict[int, dict[int, str]] = {}
    offered: dict[int, list[tuple[int, datetime]]] = {}
    composing: dict[int, datetime] = {}
    for offer_id, agent_id, item_id, held_as, until, state, deadline in session.execute(held):
        hands = holding.setdefault(agent_id, {})
        hands[item_id] = held_at(now, held_as, until)
        if hands[item_id] == CHAT_COMPOSING:
            composing[agent_id] = min(until, composing.get(agent_id, until))
        if state == OFFERED:
            offered.setdefault(agent_id, []).append((offer_id, deadline))
    for row in session.execute(agents):
        seat = Seat(
            id=row.id,
            available=row.active and row.presence == AVAILABLE,
            skills={**skill_of.get(row.id, {}), **of_team.get(row.team_id, {})},
            capacity=row.capacity,
            held=holding.get(row.id, {}),
            idle_since=row.idle_since.timestamp(),
            version=row.version,
        )
        yield Present(seat, row.used, tuple(offered.get(row.id, ())), composing.get(row.id))
