"""A recorded day and the rules to play it by: what `routing.replay` is given. Plain values, times in epoch seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from routing.hours import Calendar
from routing.simulation import Order
from routing.values import CHANNEL_RULES, ChannelRule, Choice, Skill

HALF_HOUR_S = 1800.0


@dataclass(frozen=True)
class Arrival:
    """Work that came, and what became of it. Times are epoch seconds.

    `requires` is all that was asked for: the queue's skills and its own. It was answered, or given up, after `waited_s`.
    `handle_s` runs from the answer to the end of the wrap-up; None if it was never handled or that is not known.
    """

    id: int
    at: float
    channel: str
    queue: str
    requires: frozenset[Skill]
    waited_s: float
    gave_up: bool = False
    handle_s: float | None = None
    tier: str = "standard"
    escalated: bool = False
    sticky_agent: int | None = None


@dataclass(frozen=True)
class Worker:
    """Somebody who worked that day."""

    id: int
    skills: Mapping[str, int]
    capacity: int = 100


@dataclass(frozen=True)
class Shift:
    """A spell in which somebody took work. Who ends it with work in hand finishes that."""

    agent_id: int
    since: float
    until: float


@dataclass(frozen=True)
class Day:
    """What is counted is what came from `since` to before `until`, whole half hours apart.

    What waited already when it began is given as arrivals before that.
    """

    since: float
    until: float
    arrivals: tuple[Arrival, ...]
    workers: tuple[Worker, ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True)
class QueueRule:
    """The policy of one queue, as a desk stores it; what `targets` does not name is as in `routing.order`.

    Targets of deferred work and the steps of `overflow` count open time of the `calendar`; None is always open.
    """

    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    choice: Choice | None = None
    overflow: tuple[Mapping[str, object], ...] = ()
    sticky_s: Mapping[str, float] = field(default_factory=dict)
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Rules:
    """How the day is to be played. `answer_s` is how long, by channel, an offer usually takes to be answered."""

    queues: Mapping[str, QueueRule]
    channels: Mapping[str, ChannelRule] = field(default_factory=lambda: CHANNEL_RULES)
    order: Order = "due"
    answer_s: Mapping[str, float] = field(default_factory=dict)
    within_s: tuple[float, ...] = (20.0,)


def check_day(day: Day, rules: Rules) -> None:
    """Raise ValueError if the day is no number of half hours, or names a queue, channel or agent that nothing is known of."""
    if day.until <= day.since or (day.until - day.since) % HALF_HOUR_S:
        raise ValueError("a day is a number of whole half hours")
    known = {worker.id for worker in day.workers}
    for shift in day.shifts:
        if shift.agent_id not in known:
            raise ValueError(f"the shift of agent {shift.agent_id}, who is not among the workers")
    for one in day.arrivals:
        if one.queue not in rules.queues:
            raise ValueError(f"no rule for queue {one.queue!r} of arrival {one.id}")
        if one.channel not in rules.channels:
            raise ValueError(f"no rule for channel {one.channel!r} of arrival {one.id}")


def merged(shifts: Iterable[Shift]) -> dict[int, list[Shift]]:
    """The shifts of each agent in order of time; those that touch or overlap are one."""
    found: defaultdict[int, list[Shift]] = defaultdict(list)
    for shift in sorted(shifts, key=lambda shift: (shift.since, shift.until)):
        before = found[shift.agent_id]
        if before and shift.since <= before[-1].until:
            before[-1] = Shift(shift.agent_id, before[-1].since, max(shift.until, before[-1].until))
        elif shift.until > shift.since:
            before.append(shift)
    return found


def duty_s(shifts: Mapping[int, Iterable[Shift]], since: float, until: float) -> float:
    """The time on duty of everybody together between two moments, in agent-seconds."""
    return sum(max(0.0, min(shift.until, until) - max(shift.since, since)) for spells in shifts.values() for shift in spells)
