"""Playing a recorded day again under other rules: what if there had been more people, other skills, other targets?

The arrivals are those of the day; the matcher is the live one. What the record does not show is drawn, repeatably: how long
somebody who was served would have been ready to wait on, and how long those who gave up would have been spoken with. So the day
is played several times, and the half-widths say how much depends on what was drawn.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from random import Random

from routing.choice import DEFAULT_CHOICE
from routing.confidence import ratio
from routing.estimate import abandonment_rate
from routing.floor import Floor, Job, Person
from routing.order import HANDLING_S, LIVE_CHANNELS, TARGETS_S, band, due_at, promote_at, target_s
from routing.overflow import steps_of
from routing.recorded import HALF_HOUR_S, Arrival, Day, QueueRule, Rules, check_day, duty_s, merged
from routing.simulation import Order
from routing.tally import ABANDONED, IN_TIME, SERVED, WAIT_S, WAITED, Figures, N, Row, Tally, added, figures
from routing.values import Item

RUNS = 5


@dataclass(frozen=True)
class HalfHour:
    """The mean over the runs of what came in one half hour; `sl` is at the first threshold, `on_duty` the agents on average."""

    at: float
    n: float
    served: float
    gave_up: float
    mean_wait_s: float | None
    sl: float | None
    on_duty: float
    occupancy: float | None


@dataclass(frozen=True)
class Outcome:
    """What would have come of the day. `n` is of one run; `left_waiting` is what nobody had taken in the end, on average.

    What was left is counted with the wait it had by then. Overall `occupancy` is the share of the time on duty with any work in
    hand; that of a channel, queue or tier is its work against that time, and with several conversations at once the parts may
    add up to more.
    """

    overall: Figures
    channels: dict[str, Figures]
    queues: dict[str, Figures]
    tiers: dict[str, Figures]
    half_hours: tuple[HalfHour, ...]
    left_waiting: float


def replay(day: Day, rules: Rules, *, seed: int = 1, runs: int = RUNS) -> Outcome:
    """Play the day so many times. Raises ValueError for a day, queue or channel that does not fit."""
    check_day(day, rules)
    kinds = sorted({(one.queue, one.channel, one.tier) for one in day.arrivals}) or [("", "", "")]
    played = [_Replay(day, rules, kinds, Random(f"{seed}/{run}")) for run in range(runs)]
    shifts = merged(day.shifts)
    on_duty = [duty_s(shifts, start, start + HALF_HOUR_S) for start in _starts(day)]

    def come_to(chosen: Iterable[int]) -> Figures:
        places = list(chosen)
        rows = [_sum(added([one.rows[place] for place in places])) for one in played]
        found = figures(rows, rules.within_s, sum(on_duty), independent=True)
        return replace(found, n=found.n // runs, half_width={**found.half_width, "n": 0.0})

    def by(part: int) -> dict[str, Figures]:
        names = sorted({kind[part] for kind in kinds})
        return {name: come_to(place for place, kind in enumerate(kinds) if kind[part] == name) for name in names if name}

    overall = come_to(range(len(kinds)))
    busy, busy_width = ratio([sum(one.busy_s) for one in played], [sum(on_duty)] * runs, independent=True)
    return Outcome(
        overall=replace(overall, occupancy=busy, half_width={**overall.half_width, "occupancy": busy_width}),
        channels=by(1),
        queues=by(0),
        tiers=by(2),
        half_hours=tuple(_half_hour(start, on_duty[place], place, played) for place, start in enumerate(_starts(day))),
        left_waiting=sum(one.left for one in played) / runs,
    )


class _Replay:
    """The journal of one run of the day."""

    def __init__(self, day: Day, rules: Rules, kinds: Sequence[tuple[str, str, str]], dice: Random) -> None:
        self._day, self._rules = day, rules
        self._open: dict[int, Job] = {}
        self._shifts = merged(day.shifts)
        starts = _starts(day)
        self._tally = Tally(len(kinds), day.since, day.until, len(starts), rules.within_s)
        self.rows = self._tally.rows
        self.busy_s = [0.0] * len(starts)
        floor = Floor((Person(one.id, one.skills, one.capacity) for one in day.workers), self, rules.channels)
        for shift in itertools.chain.from_iterable(self._shifts.values()):
            floor.set_duty(shift.since, shift.agent_id, True)
            floor.set_duty(shift.until, shift.agent_id, False)
        place = {kind: number for number, kind in enumerate(kinds)}
        ended = floor.run(self._jobs(_Drawn(day, dice), place))
        self.left = len(self._open)
        for job in self._open.values():
            job.row[WAITED] += 1
            job.row[WAIT_S] += max(ended, day.until) - job.item.enqueued_at

    def served(self, job: Job, now: float) -> None:
        if self._open.pop(job.item.id, None) is not None:
            answer_s = self._rules.answer_s.get(job.item.channel, 0.0)
            self._tally.served(job.row, now - job.item.enqueued_at, answer_s)

    def gave_up(self, job: Job, now: float) -> None:
        if self._open.pop(job.item.id, None) is not None:
            self._tally.gave_up(job.row, now - job.item.enqueued_at)

    def worked(self, job: Job, since: float, until: float) -> None:
        self._tally.worked(job.kind, since, until)

    def busy(self, person: Person, since: float, until: float) -> None:
        """Only time on duty: who finishes late was not there for more."""
        begins = self._day.since
        for shift in self._shifts[person.id]:
            first, last = max(since, shift.since, begins), min(until, shift.until, self._day.until)
            while first < last:
                place = int((first - begins) / HALF_HOUR_S)
                ends = min(last, begins + (place + 1) * HALF_HOUR_S)
                self.busy_s[place] += ends - first
                first = ends

    def is_over(self, now: float) -> bool:
        return now >= self._day.until and not self._open

    def _jobs(self, drawn: _Drawn, place: Mapping[tuple[str, str, str], int]) -> Iterator[Job]:
        for number, one in enumerate(sorted(self._day.arrivals, key=lambda one: (one.at, one.id)), 1):
            kind = place[one.queue, one.channel, one.tier]
            answer_s = self._rules.answer_s.get(one.channel, 0.0)
            job = Job(_item(one, number, self._rules), answer_s + drawn.handle_s(one), one.at + drawn.patience_s(one), kind)
            job.row = self._tally.row(kind, one.at)
            if job.row is not None:
                job.row[N] += 1
                self._open[number] = job
            yield job


class _Drawn:
    """What the record leaves open, drawn from what it shows of the same queue and channel."""

    def __init__(self, day: Day, dice: Random) -> None:
        self._dice = dice
        self._handled: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        gave_up: defaultdict[tuple[str, str], int] = defaultdict(int)
        waited: defaultdict[tuple[str, str], float] = defaultdict(float)
        for one in day.arrivals:
            line = one.queue, one.channel
            waited[line] += one.waited_s
            gave_up[line] += one.gave_up
            if one.handle_s is not None:
                self._handled[line].append(one.handle_s)
        self._theta = {line: abandonment_rate(gave_up[line], seconds) for line, seconds in waited.items()}

    def handle_s(self, one: Arrival) -> float:
        if one.handle_s is not None:
            return one.handle_s
        known = self._handled.get((one.queue, one.channel))
        return self._dice.choice(known) if known else HANDLING_S[one.channel]

    def patience_s(self, one: Arrival) -> float:
        """Exponential patience forgets: who was served after a while would have had as much left as at the beginning."""
        if one.gave_up:
            return one.waited_s
        theta = self._theta[one.queue, one.channel]
        return one.waited_s + self._dice.expovariate(theta) if theta > 0 else inf


def _item(one: Arrival, number: int, rules: Rules) -> Item:
    rule = rules.queues[one.queue]
    hours = None if one.channel in LIVE_CHANNELS else rule.calendar
    due = due_at(one.at, _target_s(one, rule), hours)
    entry_band = band(one.channel, one.escalated)
    sticky_s = rule.sticky_s.get(one.channel, 0.0)
    steps = ()
    if rule.overflow:
        steps = steps_of(rule.overflow, one.requires, entry_band, lambda after_s: due_at(one.at, after_s, rule.calendar))
    return Item(
        number,
        one.channel,
        one.requires,
        entry_band,
        _rank(one, due, rule, rules.order),
        one.at,
        one.tier,
        promote_at=None if one.channel in LIVE_CHANNELS else promote_at(due, HANDLING_S[one.channel]),
        sticky_agent=one.sticky_agent if sticky_s else None,
        sticky_until=one.at + sticky_s if sticky_s and one.sticky_agent is not None else None,
        choice=rule.choice or DEFAULT_CHOICE[one.channel],
        steps=steps,
    )


def _target_s(one: Arrival, rule: QueueRule) -> float:
    return target_s(one.channel, one.tier, {one.channel: _targets(one.channel, rule)})


def _targets(channel: str, rule: QueueRule) -> dict[str, float]:
    return {**TARGETS_S[channel], **rule.targets.get(channel, {})}


def _rank(one: Arrival, due: float, rule: QueueRule, order: Order) -> float:
    """What stands for the due time in the order of service."""
    if order == "due":
        return due
    if order == "fcfs":
        return one.at
    ranks = sorted(set(_targets(one.channel, rule).values()))
    return one.at + ranks.index(_target_s(one, rule)) * 1e9  # seconds apart, more than any two arrivals


def _half_hour(start: float, duty_s: float, place: int, played: Sequence[_Replay]) -> HalfHour:
    rows = [_sum([kind[place] for kind in one.rows]) for one in played]
    row, runs = _sum(rows), len(played)
    return HalfHour(
        at=start,
        n=row[N] / runs,
        served=row[SERVED] / runs,
        gave_up=row[ABANDONED] / runs,
        mean_wait_s=row[WAIT_S] / row[N] if row[N] else None,
        sl=row[IN_TIME] / row[N] if row[N] and len(row) > IN_TIME else None,
        on_duty=duty_s / HALF_HOUR_S,
        occupancy=sum(one.busy_s[place] for one in played) / runs / duty_s if duty_s else None,
    )


def _sum(rows: Sequence[Row]) -> Row:
    return [sum(column) for column in zip(*rows, strict=True)]


def _starts(day: Day) -> list[float]:
    return [day.since + place * HALF_HOUR_S for place in range(round((day.until - day.since) / HALF_HOUR_S))]
