"""Who can do what at a moment: skills hold for a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.models import AgentSkill, Queue


def in_force(now: datetime) -> ColumnElement[bool]:
    """The condition on `AgentSkill` that leaves the spells that hold at `now`."""
    return (AgentSkill.since <= now) & or_(AgentSkill.until.is_(None), AgentSkill.until > now)


def skills_at(session: Session, now: datetime, agent_ids: Collection[int] | None = None) -> dict[int, dict[str, int]]:
    """Agent id to {skill: level} at `now`, for these agents or for everybody; who has none is missing."""
    query = select(AgentSkill.agent_id, AgentSkill.skill, AgentSkill.level).where(in_force(now))
    if agent_ids is not None:
        query = query.where(AgentSkill.agent_id.in_(agent_ids))
    skills: dict[int, dict[str, int]] = {}
    for agent_id, skill, level in session.execute(query):
        skills.setdefault(agent_id, {})[skill] = level
    return skills


def known_skills(session: Session) -> list[str]:
    """Every skill that somebody has, has had or will have, or that a queue asks for, to choose from."""
    had = set(session.scalars(select(AgentSkill.skill).distinct()))
    asked = {skill for requires in session.scalars(select(Queue.requires)) for skill, _level in requires}
    return sorted(had | asked)
