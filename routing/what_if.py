"""What is changed when a recorded day is played again: other rules, other people, other skills. The record itself stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from routing.recorded import Day, QueueRule, Rules, Shift, Worker
from routing.simulation import Order
from routing.values import Choice

MOST_ADDED = 200


@dataclass(frozen=True)
class Changes:
    """What is different from the record; what is left out stays.

    `more` maps an agent to how many more like them there are, at the same hours; `without` are agents who stay at home. `skills`
    maps (agent, skill) to the level they have instead, 0 for none. `targets` is {channel: {tier: seconds}}, for every queue.
    """

    order: Order | None = None
    choice: Choice | None = None
    targets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    no_overflow: bool = False
    more: Mapping[int, int] = field(default_factory=dict)
    without: frozenset[int] = frozenset()
    skills: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def are_none(self) -> bool:
        return self == Changes()


def changed_rules(rules: Rules, changes: Changes) -> Rules:
    """The rules with the changes made."""
    queues = {name: _changed_rule(rule, changes) for name, rule in rules.queues.items()}
    return replace(rules, queues=queues, order=changes.order or rules.order)


def changed_day(day: Day, changes: Changes) -> Day:
    """The day with other people in it. Raises ValueError for an agent who was not there, or for more than `MOST_ADDED`."""
    known = {worker.id: worker for worker in day.workers}
    for agent_id in {*changes.more, *changes.without, *(agent_id for agent_id, _ in changes.skills)}:
        if agent_id not in known:
            raise ValueError(f"agent {agent_id} did not work on that day")
    if sum(changes.more.values()) > MOST_ADDED:
        raise ValueError(f"no more than {MOST_ADDED} people can be added")
    workers = {agent_id: _skilled(worker, changes) for agent_id, worker in known.items() if agent_id not in changes.without}
    shifts = [shift for shift in day.shifts if shift.agent_id in workers]
    following = max(known, default=0) + 1
    for like, count in sorted(changes.more.items()):
        spells = [shift for shift in day.shifts if shift.agent_id == like]
        for added in range(following, following + count):
            workers[added] = replace(_skilled(known[like], changes), id=added)
            shifts += [Shift(added, shift.since, shift.until) for shift in spells]
        following += count
    return replace(day, workers=tuple(workers.values()), shifts=tuple(shifts))


def _changed_rule(rule: QueueRule, changes: Changes) -> QueueRule:
    targets = dict(rule.targets)
    for channel, tiers in changes.targets.items():
        targets[channel] = {**targets.get(channel, {}), **tiers}
    return replace(
        rule,
        targets=targets,
        choice=changes.choice or rule.choice,
        overflow=() if changes.no_overflow else rule.overflow,
    )


def _skilled(worker: Worker, changes: Changes) -> Worker:
    skills = dict(worker.skills)
    for (agent_id, skill), level in changes.skills.items():
        if agent_id == worker.id:
            skills.pop(skill, None)
            if level:
                skills[skill] = level
    return replace(worker, skills=skills)
