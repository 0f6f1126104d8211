"""Until when a ticket can be left alone, in the queue's own days: “tomorrow” is the next one that is worked on."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Queue, Ticket
from desk.queries.calendars import calendar_of
from routing.hours import Calendar

LATER = timedelta(hours=3)
STEP = timedelta(minutes=30)
EARLY, MORNING = time(6), time(9)
LATER_TODAY, TOMORROW, NEXT_WEEK = "later_today", "tomorrow", "next_week"


def snooze_moments(session: Session, ticket: Ticket, now: datetime) -> list[tuple[str, datetime]]:
    """(name, moment): later today while there is a later, the opening of the next day that is worked on, that of next week."""
    return _moments(calendar_of(session, session.get_one(Queue, ticket.queue_id)), now)


def day_moments(session: Session, now: datetime) -> list[tuple[str, datetime]]:
    """The same for tickets of any queue, in the days of the first one."""
    return _moments(calendar_of(session, session.scalars(select(Queue).order_by(Queue.position, Queue.id).limit(1)).one()), now)


def _moments(calendar: Calendar, now: datetime) -> list[tuple[str, datetime]]:
    today = calendar.local_day(now)
    later = _round_up(now + LATER)
    found = [(LATER_TODAY, later)] if calendar.local_day(later) == today else []
    monday = today + timedelta(days=7 - today.weekday())
    for name, first in ((TOMORROW, today + timedelta(days=1)), (NEXT_WEEK, monday)):
        opens = calendar.next_open(calendar.moment(first, time(0)))
        day = first if opens is None else calendar.local_day(opens)
        morning = calendar.moment(day, MORNING)
        # A queue that is open day and night opens at midnight, which is nobody's morning.
        found.append((name, morning if opens is None or opens < calendar.moment(day, EARLY) else opens))
    return found


def _round_up(at: datetime) -> datetime:
    whole = at.replace(minute=0, second=0, microsecond=0)
    steps = -(-(at - whole) // STEP)
    return whole + steps * STEP
