"""Opening hours as rows, turned into the value that computes with them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from desk.models import Calendar as CalendarRow
from desk.models import Queue
from routing.hours import Calendar


def calendar_of(session: Session, queue: Queue) -> Calendar:
    """The queue's opening hours."""
    return to_calendar(session.get_one(CalendarRow, queue.calendar_id))


def to_calendar(row: CalendarRow) -> Calendar:
    """The value for one calendar row."""
    return Calendar(
        zone=row.zone,
        week=tuple(_intervals(day) for day in row.week),
        holidays=frozenset(date.fromisoformat(day) for day in row.holidays),
        workdays={date.fromisoformat(day): _intervals(hours) for day, hours in row.workdays.items()},
    )


def _intervals(pairs: list[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((start, end) for start, end in pairs)
