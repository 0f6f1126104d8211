"""When a complaint's clocks run out: one version of a policy, a calendar as it was then, what was put off and left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from desk.models import Calendar as CalendarRow
from desk.models.complaint_policy import Rules, Span
from desk.queries.calendars import to_calendar
from routing.clocks import deadline
from routing.hours import Calendar, Pause

BEFORE, AFTER = timedelta(days=7), timedelta(days=3 * 366)  # around receipt, what a clock keeps of its calendar


@dataclass(frozen=True)
class Dues:
    """The moments that one clock names; None where its policy names none."""

    acknowledge: datetime | None
    early: datetime | None
    decide: datetime | None


def dues(rules: Rules, started_at: datetime, calendar: Calendar, *, extended: int = 0, pauses: Iterable[Pause] = ()) -> Dues:
    """All moments of a clock. `extended` steps of more time have been taken; only the decision is put off or paused."""
    paused = list(pauses)

    def last(span: Span | None, longer: int = 0, left_out: Iterable[Pause] = ()) -> datetime | None:
        if span is None:
            return None
        return deadline(started_at, span.n + longer, span.unit, calendar, rules.start_rule, rules.roll, pauses=left_out)

    longer = sum(each.n for each in rules.extensions[:extended])
    return Dues(last(rules.acknowledge), last(rules.early), last(rules.decide, longer, paused))


def kept_calendar(row: CalendarRow, started_at: datetime) -> dict[str, Any]:
    """The calendar as a clock keeps it: with the special days around its time."""
    near = {day.isoformat() for day in (started_at.date() - BEFORE, started_at.date() + AFTER)}
    first, last = min(near), max(near)
    return {
        "zone": row.zone,
        "week": row.week,
        "holidays": [day for day in row.holidays if first <= day <= last],
        "workdays": {day: hours for day, hours in row.workdays.items() if first <= day <= last},
    }


def read_calendar(kept: Mapping[str, Any]) -> Calendar:
    """What a clock kept, as the value that computes."""
    return to_calendar(CalendarRow(**kept))


def years_missing(row: CalendarRow, today: date) -> list[int]:
    """Of this year and the next those whose holidays are not in the calendar; none for one that has no published table."""
    return [year for year in (today.year, today.year + 1) if year not in row.years] if row.years else []
