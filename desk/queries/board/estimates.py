"""How long somebody will wait: one reckoning for the board, the caller, the chat window and whoever asks why.

Rates are measured over the last quarter of an hour and kept for some seconds in each process: they do not change faster, and a
full line asks for them once for everybody who waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Select, String, and_, bindparam, case, cast, extract, func, or_, select, true
from sqlalchemy.orm import Session

from desk.db import Moment
from desk.models import Agent, AgentSkill, Offer, Queue, Team, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.work_item import ABANDONED, DONE, IS_HOLDING
from desk.queries.people.skills import in_force
from desk.queries.work.matching import HELD_AS
from routing.able import capacity_failure
from routing.estimate import Estimate, Line, Overtakers, abandonment_rate, estimate
from routing.order import HANDLING_S, TARGETS_S, target_s
from routing.overflow import TEAM_PREFIX
from routing.values import ChannelRule, Skill, channel_of, load_of

WINDOW_S = 900
KEPT_S = 5.0

Needs = Iterable[Skill | Sequence[Any]]


@dataclass(frozen=True)
class Group:
    """What ended in the window for one agent (0: nobody) in one queue, channel and requirement; seconds are sums.

    `handled_s` lies within the window; `whole_s` is all the handling of what was completed.
    """

    agent_id: int
    queue_id: int
    channel: str
    requires: tuple[Skill, ...]
    completed: int
    abandoned: int
    waited_s: float
    handled_s: float
    whole_s: float


@dataclass(frozen=True)
class Arrivals:
    """How many of a tier came in the window."""

    queue_id: int
    channel: str
    requires: tuple[Skill, ...]
    tier: str
    count: int


@dataclass(frozen=True)
class Measured:
    """The last quarter of an hour at `at`. `last_waits` are (queue, channel) to what the last one answered had waited."""

    at: datetime
    groups: list[Group]
    arrivals: list[Arrivals]
    last_waits: Mapping[tuple[int, str], float]


@dataclass(frozen=True)
class Hand:
    """Somebody available and able: `places` of the channel, what is in hand as (channel, seconds of the window), any room."""

    agent_id: int
    places: float
    in_hand: Sequence[tuple[str, float]]
    room: bool


@dataclass(frozen=True)
class Expected:
    """A wait as it is estimated, and the figures it is estimated from; no estimate where nobody serves or nothing is known."""

    line: Line
    estimate: Estimate | None


def expected_wait(
    seen: Measured,
    rules: Mapping[str, ChannelRule],
    now: datetime,
    queue: Queue,
    channel: str,
    hands: Sequence[Hand],
    *,
    requires: Needs | None = None,
    tier: str = "standard",
    ahead: int = 0,
    oldest: datetime | None = None,
    since: datetime | None = None,
) -> Expected:
    """The rest of the wait of somebody of this tier with so many `ahead`, who has waited `since` or comes now.

    Measured is the line of the work that asked for the same, or with `requires` None all of the queue. `oldest` is when the first
    in line came.
    """
    asked = None if requires is None else _skills(requires)

    def is_ours(row: Group | Arrivals) -> bool:
        return row.channel == channel and (row.queue_id == queue.id if asked is None else row.requires == asked)

    ours = [group for group in seen.groups if is_ours(group)]
    ids = {hand.agent_id for hand in hands}
    by_hands = [group for group in ours if group.agent_id in ids]
    places, handle_s = sum(hand.places for hand in hands), _handle_s(channel, by_hands or ours)
    oldest_s = None if oldest is None else max(0.0, (now - oldest).total_seconds())
    is_young = oldest_s is not None and places > 0 and oldest_s < handle_s / places  # its first tells nothing yet
    line = Line(
        ahead=ahead,
        agents=places,
        completions=sum(group.completed for group in by_hands),
        busy_s=_busy_s(channel, hands, [group for group in seen.groups if group.agent_id in ids], rules),
        theta=abandonment_rate(sum(group.abandoned for group in ours), sum(group.waited_s for group in ours)),
        oldest_wait_s=None if is_young else oldest_s,
        last_wait_s=None if ahead else seen.last_waits.get((queue.id, channel)),
        overtakers=_overtakers(queue, channel, tier, filter(is_ours, seen.arrivals)),
        waited_s=0.0 if since is None else max(0.0, (now - since).total_seconds()),
        free=any(hand.room for hand in hands),
        handle_s=handle_s,
    )
    return Expected(line, estimate(line))


def hands_for(
    session: Session,
    rules: Mapping[str, ChannelRule],
    now: datetime,
    channel: str,
    requires: Needs,
    also: Iterable[Needs] = (),
) -> list[Hand]:
    """Everybody available who has these skills, or one of the `also`."""
    people, holding = _able(_skills(requires), tuple(_skills(needs) for needs in also))
    agents = session.execute(people, {"now": now}).all()
    in_hand: dict[int, list[tuple[int, str, datetime | None]]] = {}
    for agent_id, item_id, held_as, answered_at in session.execute(holding, {"now": now}):
        in_hand.setdefault(agent_id, []).append((item_id, held_as, answered_at))
    return [hand(agent_id, capacity, channel, in_hand.get(agent_id, ()), now, rules) for agent_id, capacity in agents]


@lru_cache(maxsize=500)
def _able(requires: tuple[Skill, ...], also: tuple[tuple[Skill, ...], ...]) -> tuple[Select[Any], Select[Any]]:
    """Who is available and able at the moment `now`, with their capacity; and what those have in hand."""
    now = bindparam("now", type_=Moment())
    able = and_(Agent.active, Agent.presence == AVAILABLE, or_(*(_has_all(now, needs) for needs in (requires, *also))))
    held = select(Offer.agent_id, Offer.item_id, HELD_AS, Offer.answered_at).where(IS_HOLDING)
    return select(Agent.id, Agent.capacity).where(able), held.where(Offer.agent_id.in_(select(Agent.id).where(able)))


def hand(
    agent_id: int,
    capacity: int,
    channel: str,
    in_hand: Iterable[tuple[int, str, datetime | None]],
    now: datetime,
    rules: Mapping[str, ChannelRule],
) -> Hand:
    """One able agent with what they hold: (item, its channel or half of it, since when it is answered)."""
    held = list(in_hand)
    rule = rules[channel]
    load = load_of({item_id: held_as for item_id, held_as, _ in held}, rules)
    return Hand(
        agent_id=agent_id,
        places=min(rule.maximum, capacity / rule.weight),
        in_hand=[
            (channel_of(held_as), min(float(WINDOW_S), max(0.0, (now - answered_at).total_seconds())))
            for _, held_as, answered_at in held
            if answered_at is not None
        ],
        room=capacity_failure(channel, capacity, load, rules) is None,
    )


def measured(session: Session, now: datetime) -> Measured:
    """The last quarter of an hour, no older than `KEPT_S`."""
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    kept = _kept.get(engine)
    if kept is None or not 0 <= (now - kept.at).total_seconds() < KEPT_S:
        kept = _kept[engine] = _measure(session, now)
    return kept


_kept: WeakKeyDictionary[Engine, Measured] = WeakKeyDictionary()


def _measure(session: Session, now: datetime) -> Measured:
    since = now - timedelta(seconds=WINDOW_S)
    queue_ids = list(session.scalars(select(Queue.id)))
    ended = (
        WorkItem.queue_id.in_(queue_ids),
        WorkItem.channel.in_(list(TARGETS_S)),
        WorkItem.state.in_((DONE, ABANDONED)),
        WorkItem.ended_at > since,
    )
    asked = cast(WorkItem.requires, String)
    answered, ended_s = _epoch(WorkItem.answered_at), _epoch(WorkItem.ended_at)
    done = WorkItem.answered_at.is_not(None)
    began_s = case((WorkItem.answered_at < since, int(since.timestamp())), else_=answered)
    agent = func.coalesce(WorkItem.agent_id, 0)
    groups = session.execute(
        select(
            agent,
            WorkItem.queue_id,
            WorkItem.channel,
            asked,
            func.count(case((done, 1))),
            func.count(case((WorkItem.state == ABANDONED, 1))),
            # Whoever waits for a call back cannot lose patience on the line: their waiting says nothing of it.
            func.sum(
                case((WorkItem.kind == "callback", 0), else_=func.coalesce(answered, ended_s) - _epoch(WorkItem.enqueued_at))
            ),
            func.sum(case((done, ended_s - began_s), else_=0)),
            func.sum(case((done, ended_s - answered), else_=0)),
        )
        .where(*ended)
        .group_by(agent, WorkItem.queue_id, WorkItem.channel, asked)
    )
    arrivals = session.execute(
        select(WorkItem.queue_id, WorkItem.channel, asked, WorkItem.tier, func.count())
        .where(WorkItem.queue_id.in_(queue_ids), WorkItem.enqueued_at > since)
        .group_by(WorkItem.queue_id, WorkItem.channel, asked, WorkItem.tier)
    )
    latest = func.row_number().over(partition_by=(WorkItem.queue_id, WorkItem.channel), order_by=WorkItem.answered_at.desc())
    waits = select(
        WorkItem.queue_id, WorkItem.channel, (answered - _epoch(WorkItem.enqueued_at)).label("wait"), latest.label("place")
    )
    waits = waits.where(*ended, done, WorkItem.kind != "callback").subquery()
    return Measured(
        at=now,
        groups=[
            Group(agent_id, queue_id, channel, _read(text), completed, abandoned, float(waited), float(handled), float(whole))
            for agent_id, queue_id, channel, text, completed, abandoned, waited, handled, whole in groups
        ],
        arrivals=[Arrivals(queue_id, channel, _read(text), tier, count) for queue_id, channel, text, tier, count in arrivals],
        last_waits={
            (queue_id, channel): max(0.0, float(wait))
            for queue_id, channel, wait, _ in session.execute(select(waits).where(waits.c.place == 1))
        },
    )


def _busy_s(channel: str, hands: Sequence[Hand], groups: Iterable[Group], rules: Mapping[str, ChannelRule]) -> float:
    """Seconds that places of the channel were taken: a call takes three places of a chat. Live work does not wait for other."""
    rule = rules[channel]

    def places(other: str) -> float:
        held = rules.get(other)
        if held is None or (held.interruptible and not rule.interruptible):
            return 0.0
        return held.weight / rule.weight

    ended = sum(group.handled_s * places(group.channel) for group in groups)
    return ended + sum(seconds * places(other) for hand in hands for other, seconds in hand.in_hand)


def _handle_s(channel: str, groups: Sequence[Group]) -> float:
    completed = sum(group.completed for group in groups)
    return sum(group.whole_s for group in groups) / completed if completed else HANDLING_S[channel]


def _overtakers(queue: Queue, channel: str, tier: str, arrivals: Iterable[Arrivals]) -> tuple[Overtakers, ...]:
    """The tiers with a shorter target: who of them comes soon enough after goes before."""
    targets = {channel: {**TARGETS_S[channel], **queue.targets.get(channel, {})}}
    own = target_s(channel, tier, targets)
    came: dict[str, int] = {}
    for each in arrivals:
        came[each.tier] = came.get(each.tier, 0) + each.count
    return tuple(
        Overtakers(count / WINDOW_S, float(own - targets[channel][other]))
        for other, count in sorted(came.items())
        if targets[channel].get(other, own) < own
    )


def _has_all(now: Any, requires: Needs) -> ColumnElement[bool]:
    """The condition on `Agent` that they have every one of these skills at its level, or are in the team that one stands for."""
    conditions: list[ColumnElement[bool]] = []
    for skill, level in requires:
        if skill.startswith(TEAM_PREFIX):
            conditions.append(Agent.team_id.in_(select(Team.id).where(Team.key == skill.removeprefix(TEAM_PREFIX))))
        else:
            has = select(AgentSkill.agent_id).where(AgentSkill.skill == skill, AgentSkill.level >= level, in_force(now))
            conditions.append(Agent.id.in_(has))
    return and_(true(), *conditions)


def _skills(requires: Needs) -> tuple[Skill, ...]:
    return tuple(sorted((skill, level) for skill, level in requires))


def _read(text: str) -> tuple[Skill, ...]:
    return _skills(json.loads(text))


def _epoch(column: Any) -> ColumnElement[Any]:
    """Seconds since the epoch, in SQL."""
    return extract("epoch", column)
