"""The queues as their settings show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.events import Event
from desk.models import Calendar, Queue, Team

FEW = 50


@dataclass(frozen=True)
class QueueRow:
    """A queue, who looks after it, and when it is open."""

    queue: Queue
    team: Team
    calendar: Calendar


def all_queues(session: Session) -> list[QueueRow]:
    """All queues in their order."""
    query = (
        select(Queue, Team, Calendar)
        .join(Team, Team.id == Queue.team_id)
        .join(Calendar, Calendar.id == Queue.calendar_id)
        .order_by(Queue.position, Queue.id)
    )
    return [QueueRow(*row) for row in session.execute(query)]


def one_queue(session: Session, queue_id: int) -> Queue:
    """One queue; raises `NotFound`."""
    found = session.get(Queue, queue_id)
    if found is None:
        raise NotFound("There is no such queue.")
    return found


def teams_and_calendars(session: Session) -> tuple[list[Team], list[Calendar]]:
    """What a queue can be given to and can go by, in the order in which they were made."""
    return list(session.scalars(select(Team).order_by(Team.id))), list(session.scalars(select(Calendar).order_by(Calendar.id)))


def names(session: Session, locale: str) -> dict[str, dict[Any, str]]:
    """What the numbers and keys in settings stand for, in the reader's language."""
    teams, calendars = teams_and_calendars(session)
    return {
        "team_id": {team.id: _name(team, locale) for team in teams},
        "team": {team.key: _name(team, locale) for team in teams},
        "calendar_id": {calendar.id: _name(calendar, locale) for calendar in calendars},
        "queue_id": {queue.id: _name(queue, locale) for queue in session.scalars(select(Queue))},
    }


def last_change(session: Session, kind: str, matches: Callable[[Event], bool]) -> Event | None:
    """The latest event of this kind that matches, among the last few: who changed something, and when."""
    latest = session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id.desc()).limit(FEW))
    return next(filter(matches, latest), None)


def _name(row: Team | Calendar | Queue, locale: str) -> str:
    return ((row.name_zh or row.name) if locale == "zh" else row.name) or row.key
