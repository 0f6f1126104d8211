"""Calendars as their settings show them: who goes by them, whether they are open, and a month of them day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Calendar as CalendarRow
from desk.models import Queue
from desk.queries.calendars import to_calendar
from routing.hours import Calendar, Intervals

LONGEST_OPEN_DAYS = 14
"""How far ahead a closing time is looked for; what is open for longer counts as open without an end."""


@dataclass(frozen=True)
class Opening:
    """Whether it is open now, and when that changes (None: not in sight)."""

    is_open: bool
    changes_at: datetime | None


@dataclass(frozen=True)
class CalendarLine:
    """A calendar, the queues that go by it, and how it stands now."""

    calendar: CalendarRow
    queues: list[Queue]
    opening: Opening


@dataclass(frozen=True)
class Day:
    """A day of a month: `special` is "holiday", "workday" or empty; days of the months around it are not `within`."""

    day: date
    within: bool
    hours: Intervals
    special: str
    note: str


def all_calendars(session: Session, now: datetime) -> list[CalendarLine]:
    """Every calendar in the order in which they were made."""
    queues: dict[int, list[Queue]] = {}
    for queue in session.scalars(select(Queue).order_by(Queue.position, Queue.id)):
        queues.setdefault(queue.calendar_id, []).append(queue)
    rows = session.scalars(select(CalendarRow).order_by(CalendarRow.id))
    return [CalendarLine(row, queues.get(row.id, []), opening(to_calendar(row), now)) for row in rows]


def one_calendar(session: Session, calendar_id: int) -> CalendarRow:
    """One calendar; raises `NotFound`."""
    found = session.get(CalendarRow, calendar_id)
    if found is None:
        raise NotFound("There is no such calendar.")
    return found


def users(session: Session, calendar_id: int) -> list[Queue]:
    """The queues that go by the calendar."""
    return list(session.scalars(select(Queue).where(Queue.calendar_id == calendar_id).order_by(Queue.position, Queue.id)))


def opening(calendar: Calendar, now: datetime) -> Opening:
    """How the calendar stands at a moment."""
    if calendar.is_open(now):
        return Opening(True, _closes(calendar, now))
    return Opening(False, calendar.next_open(now))


def month(row: CalendarRow, first: date) -> list[list[Day]]:
    """The weeks, from Monday on, that the month beginning with `first` touches."""
    calendar, holidays = to_calendar(row), set(row.holidays)
    start = first - timedelta(days=first.weekday())
    weeks = []
    while start < first or start.month == first.month:
        week = [_day(row, calendar, holidays, start + timedelta(days=n), first) for n in range(7)]
        weeks.append(week)
        start += timedelta(days=7)
    return weeks


def _day(row: CalendarRow, calendar: Calendar, holidays: set[str], day: date, first: date) -> Day:
    key = day.isoformat()
    special = "workday" if key in row.workdays else "holiday" if key in holidays else ""
    return Day(day, day.month == first.month, calendar.intervals(day), special, row.notes.get(key, ""))


def _closes(calendar: Calendar, at: datetime) -> datetime | None:
    """When it closes, if it is open at `at`; midnight between two open days does not close it."""
    for _ in range(LONGEST_OPEN_DAYS):
        at = _end(calendar, at)
        if not calendar.is_open(at):
            return at
    return None


def _end(calendar: Calendar, at: datetime) -> datetime:
    day = calendar.local_day(at)
    ends = (_moment(calendar, day, closes) for _opens, closes in calendar.intervals(day))
    return min(end for end in ends if end > at)


def _moment(calendar: Calendar, day: date, wall: str) -> datetime:
    if wall == "24:00":
        return calendar.moment(day + timedelta(days=1), time())
    return calendar.moment(day, time.fromisoformat(wall))
