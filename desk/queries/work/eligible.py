"""For how long whoever has given work back is left out: not for long when nobody else is there who could take it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Agent, Queue, WorkItem
from desk.models.agent import AVAILABLE
from desk.queries.calendars import calendar_of
from desk.queries.people.skills import skills_at
from desk.queries.work.matching import item_of, team_skills
from routing.able import cool_off_s
from routing.values import Agent as Seat


def cool_off_of(session: Session, row: WorkItem, agent_id: int, now: datetime) -> float:
    """Seconds for which this agent is not asked for the work again; by presence and skills of the others, whatever they hold."""
    queue = session.get_one(Queue, row.queue_id)
    online = select(Agent.id, Agent.team_id).where(Agent.active.is_(True), Agent.presence == AVAILABLE, Agent.id != agent_id)
    teams = dict(map(tuple, session.execute(online)))
    skills, of_team = skills_at(session, now, teams.keys()), team_skills(session)
    others = [Seat(other, True, {**skills.get(other, {}), **of_team.get(team, {})}) for other, team in teams.items()]
    return cool_off_s(item_of(row, queue, calendar_of(session, queue)), agent_id, others, now.timestamp())
