"""Who could take the work of a queue, at first and after each of its overflow steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right
from desk.models import Agent, Team
from desk.models.agent import AVAILABLE
from desk.queries.people.skills import skills_at
from routing.overflow import steps_of, team_skill
from routing.values import LIVE, Skill

TEAM_LEVEL = 10


@dataclass(frozen=True)
class Worker:
    """Somebody who takes work: what they can do, their team among it, and whether they are available now."""

    skills: Mapping[str, int]
    available: bool


@dataclass(frozen=True)
class Fit:
    """How many people can take it, and how many of them are available now."""

    able: int
    available: int


def workers(session: Session, now: datetime) -> list[Worker]:
    """Everybody who takes work and is not locked out."""
    rows = session.execute(select(Agent, Team.key).outerjoin(Team, Team.id == Agent.team_id).where(Agent.active.is_(True)))
    people = [(agent, team) for agent, team in rows if any(Right.TAKE_WORK in ROLE_RIGHTS[role] for role in agent.roles)]
    skills = skills_at(session, now)
    return [
        Worker({**skills.get(agent.id, {}), **({team_skill(team): TEAM_LEVEL} if team else {})}, agent.presence == AVAILABLE)
        for agent, team in people
    ]


def fits(people: Collection[Worker], requires: Sequence[Sequence[Any]], overflow: Sequence[Mapping[str, Any]]) -> list[Fit]:
    """At first, then after each step in order; what the work itself asks for, its language for one, comes on top."""
    asked = frozenset((skill, level) for skill, level in requires)
    steps = steps_of(overflow, asked, LIVE, lambda after_s: after_s)
    return [_fit(people, {asked}), *(_fit(people, {step.requires, *step.also}) for step in steps)]


def _fit(people: Collection[Worker], enough: Collection[frozenset[Skill]]) -> Fit:
    able = [each for each in people if any(_has(each, needs) for needs in enough)]
    return Fit(len(able), sum(each.available for each in able))


def _has(worker: Worker, needs: frozenset[Skill]) -> bool:
    return all(worker.skills.get(skill, 0) >= level for skill, level in needs)
