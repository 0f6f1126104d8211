"""Whether anybody else could take a piece of work now: by presence and skills, whatever they have in hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Agent, Queue, WorkItem
from desk.models.agent import AVAILABLE
from desk.queries.calendars import calendar_of
from desk.queries.matching import item_of, team_skills
from desk.queries.skills import skills_at
from routing.able import has_skills


def somebody_else(session: Session, row: WorkItem, agent_id: int, now: datetime) -> bool:
    """Whether somebody besides this agent is available, has what is asked for at present and has not said no lately."""
    queue = session.get_one(Queue, row.queue_id)
    item, moment = item_of(row, queue, calendar_of(session, queue)), now.timestamp()
    asked = item.asked_at(moment)
    enough = (asked.requires, *asked.also)
    online = select(Agent.id, Agent.team_id).where(Agent.active.is_(True), Agent.presence == AVAILABLE, Agent.id != agent_id)
    others = {other: team for other, team in session.execute(online) if not item.is_excluded(other, moment)}
    skills, of_team = skills_at(session, now, others.keys()), team_skills(session)
    return any(
        has_skills({**skills.get(other, {}), **of_team.get(team, {})}, each) for other, team in others.items() for each in enough
    )
