"""Simulating a floor that is planned rather than recorded: random calls, random handling and patience, the live matcher.

Calls of each type come as a Poisson stream; handling and patience are exponential. Every type draws from its own source, seeded
by its name, so that the same customers call whatever the agents, the policy and the other types are.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, log
from random import Random
from typing import Literal

from routing.floor import Floor, Job, Person
from routing.order import HOUR_S
from routing.overflow import steps_of, team_skill
from routing.tally import Figures, N, Row, Tally, added, figures
from routing.values import CHANNEL_RULES, LIVE, Choice, Item, Skill

Order = Literal["due", "fcfs", "strict"]

BATCHES = 20
"""At least so many in all; see `routing.confidence`."""

TEAM_LEVEL = 10
CHANNEL = "voice"


@dataclass(frozen=True)
class WorkType:
    """One kind of call. Without `patience_s` its callers wait for ever; `overflow` is as `routing.overflow` reads it."""

    name: str
    rate_per_h: float
    aht_s: float
    patience_s: float | None
    requires: frozenset[Skill]
    tier: str
    overflow: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True)
class Group:
    """So many agents alike. `aht_factor` is how much longer than the usual their calls take."""

    count: int
    skills: dict[str, int]
    aht_factor: float = 1.0
    team: str | None = None


@dataclass(frozen=True)
class Plan:
    """What to simulate. `tiers` maps a tier to its target in seconds; calls before `warmup_s` are not counted.

    `order` is by due time (the target counts as a head start), by arrival, or strictly by tier. `within_s` are the thresholds of
    the service levels. The horizon is simulated `runs` times with other random numbers.
    """

    horizon_s: float
    warmup_s: float
    tiers: dict[str, float]
    types: tuple[WorkType, ...]
    agents: tuple[Group, ...]
    order: Order = "due"
    choice: Choice = "longest_idle"
    seed: int = 1
    within_s: tuple[float, ...] = (20.0,)
    runs: int = 1


@dataclass(frozen=True)
class Result:
    """What came of all calls, of each type and of each tier."""

    overall: Figures
    types: dict[str, Figures]
    tiers: dict[str, Figures]

    def as_json(self) -> dict[str, object]:
        return {
            "overall": self.overall.as_json(),
            "types": {name: found.as_json() for name, found in self.types.items()},
            "tiers": {name: found.as_json() for name, found in self.tiers.items()},
        }


def simulate(plan: Plan) -> Result:
    """Play the plan. Calls go on coming after the horizon, uncounted, until all that are counted were served or gave up."""
    batches = -(-BATCHES // plan.runs)
    rows: list[list[Row]] = [[] for _ in plan.types]
    for run in range(plan.runs):
        tally = _Count(plan, batches).play(f"{plan.seed}/{run}")
        for collected, found in zip(rows, tally.rows, strict=True):
            collected.extend(found)
    agent_s = sum(group.count for group in plan.agents) * (plan.horizon_s - plan.warmup_s) / batches

    def come_to(kinds: list[list[Row]]) -> Figures:
        return figures(added(kinds), plan.within_s, agent_s)

    named = list(zip(plan.types, rows, strict=True))
    return Result(
        overall=come_to(rows),
        types={one.name: come_to([found]) for one, found in named},
        tiers={tier: come_to(of_tier) for tier in plan.tiers if (of_tier := [found for one, found in named if one.tier == tier])},
    )


class _Count:
    """The journal of one run: it counts the calls that come between the warm-up and the horizon."""

    def __init__(self, plan: Plan, batches: int) -> None:
        self._plan = plan
        self._tally = Tally(len(plan.types), plan.warmup_s, plan.horizon_s, batches, plan.within_s)
        self._open = 0

    def play(self, seed: str) -> Tally:
        floor = Floor(people_of(self._plan), self, {CHANNEL: CHANNEL_RULES[CHANNEL]})
        for agent_id in floor.people:
            floor.set_duty(0.0, agent_id, True)
        floor.run(self._counted(calls_of(self._plan, seed)))
        return self._tally

    def served(self, job: Job, now: float) -> None:
        if job.row is not None:
            self._open -= 1
            self._tally.served(job.row, now - job.item.enqueued_at)

    def gave_up(self, job: Job, now: float) -> None:
        if job.row is not None:
            self._open -= 1
            self._tally.gave_up(job.row, now - job.item.enqueued_at)

    def worked(self, job: Job, since: float, until: float) -> None:
        self._tally.worked(job.kind, since, until)

    def busy(self, person: Person, since: float, until: float) -> None:
        """With calls alone, work and being busy are the same."""

    def is_over(self, now: float) -> bool:
        return now >= self._plan.horizon_s and self._open == 0

    def _counted(self, jobs: Iterator[Job]) -> Iterator[Job]:
        for job in jobs:
            job.row = self._tally.row(job.kind, job.item.enqueued_at)
            if job.row is not None:
                job.row[N] += 1
                self._open += 1
            yield job


def people_of(plan: Plan) -> list[Person]:
    """The agents of the plan, one by one."""
    ids = itertools.count(1)
    people = []
    for group in plan.agents:
        skills = dict(group.skills)
        if group.team is not None:
            skills[team_skill(group.team)] = TEAM_LEVEL
        people += [Person(next(ids), skills, factor=group.aht_factor) for _ in range(group.count)]
    return people


def calls_of(plan: Plan, seed: str) -> Iterator[Job]:
    """The calls of all types in order of time, drawn with this seed.

    They stop when as much time has passed after the horizon as was counted before it, or an overload would never end.
    """
    last = plan.horizon_s + (plan.horizon_s - plan.warmup_s)
    draws = [Random(f"{seed}/{one.name}").random for one in plan.types]
    gaps = [HOUR_S / one.rate_per_h if one.rate_per_h > 0 else inf for one in plan.types]
    leads = _leads(plan)
    coming = [(-log(1.0 - draw()) * gap, kind) for kind, (draw, gap) in enumerate(zip(draws, gaps, strict=True))]
    heapq.heapify(coming)
    number = 0
    while coming[0][0] <= last:
        at, kind = coming[0]
        one, draw = plan.types[kind], draws[kind]
        heapq.heapreplace(coming, (at - log(1.0 - draw()) * gaps[kind], kind))
        handle_s = -log(1.0 - draw()) * one.aht_s
        patience_s = inf if one.patience_s is None else -log(1.0 - draw()) * one.patience_s
        number += 1
        steps = steps_of(one.overflow, one.requires, LIVE, at.__add__) if one.overflow else ()
        yield Job(
            Item(number, CHANNEL, one.requires, LIVE, at + leads[kind], at, one.tier, choice=plan.choice, steps=steps),
            handle_s,
            at + patience_s,
            kind,
        )


def _leads(plan: Plan) -> list[float]:
    """What is added to a call's arrival to give its due time, by type: the order of due times is the order of service."""
    if plan.order == "fcfs":
        return [0.0] * len(plan.types)
    if plan.order == "due":
        return [plan.tiers[one.tier] for one in plan.types]
    ranks = sorted(set(plan.tiers.values()))
    apart = 4 * plan.horizon_s  # more than any two arrivals are apart
    return [ranks.index(plan.tiers[one.tier]) * apart for one in plan.types]
