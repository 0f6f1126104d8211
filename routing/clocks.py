"""Deadlines: complaint clocks in days, weeks and months, and ticket clocks in business time."""

from __future__ import annotations

import calendar as months
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Literal

from routing.hours import Calendar, Pause

Unit = Literal["hours", "calendar_days", "business_days", "weeks", "months"]
StartRule = Literal["next_day", "receipt_day"]
TicketClock = Literal["first_response", "next_response", "resolution"]

DAY_END = time(23, 59, 59)


def deadline(
    received_at: datetime,
    n: int,
    unit: Unit,
    calendar: Calendar,
    start_rule: StartRule = "next_day",
    roll: bool = False,
    cutoff: time | None = None,
    pauses: Iterable[Pause] = (),
) -> datetime:
    """The end (23:59:59 in the calendar's zone, as UTC) of the last day of a complaint clock of `n` units.

    `next_day` counts the day after receipt as day 1, `receipt_day` the day of receipt itself, so it ends a day earlier. What is
    received at or after `cutoff` counts as received the next day. With `roll` a last day that is no business day moves to the
    next one. Hours are exact: they run from the moment of receipt, and the three rules do not touch them.
    Of a pause the days after that on which it begins are left out, up to and with that on which it ends; of hours its time.
    Raises ValueError for a naive moment, n below 1, or an unknown unit or start rule.
    """
    if received_at.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {received_at.isoformat()}")
    if n < 1:
        raise ValueError(f"a clock needs at least one unit, not {n}")
    if start_rule not in ("next_day", "receipt_day"):
        raise ValueError(f"unknown start rule {start_rule!r}")
    if unit == "hours":
        return _after_pauses(received_at.astimezone(UTC), timedelta(hours=n), pauses)
    day = calendar.local_day(received_at)
    if cutoff is not None and received_at.astimezone(calendar.tz).time() >= cutoff:
        day += timedelta(days=1)
    if start_rule == "receipt_day":
        day -= timedelta(days=1)
    last = _last_day(day, n, unit, calendar)
    for begins, ends in _paused_days(day, pauses, calendar):
        if begins > last:
            break
        if unit == "business_days":
            off = (begins + timedelta(days=each) for each in range(1, (ends - begins).days + 1))
            last = calendar.add_business_days(last, sum(map(calendar.is_business_day, off)))
        else:
            last += ends - begins
    if roll and not calendar.is_business_day(last):
        last = calendar.add_business_days(last, 1)
    return calendar.moment(last, DAY_END)


def _paused_days(received: date, pauses: Iterable[Pause], calendar: Calendar) -> list[tuple[date, date]]:
    """First and last day of each pause from the day of receipt on, in order; what overlaps or touches is one."""
    merged: list[tuple[date, date]] = []
    for start, end in sorted((calendar.local_day(start), calendar.local_day(end)) for start, end in pauses if start < end):
        begins = max(start, received)
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > begins:
            merged.append((begins, end))
    return merged


def _after_pauses(start: datetime, left: timedelta, pauses: Iterable[Pause]) -> datetime:
    """The moment at which so much time outside the pauses has passed."""
    for begins, ends in sorted((begins, ends) for begins, ends in pauses if begins < ends):
        if begins - start >= left:
            break
        left -= max(begins - start, timedelta())
        start = max(start, ends.astimezone(UTC))
    return start + left


def _last_day(day: date, n: int, unit: str, calendar: Calendar) -> date:
    if unit == "calendar_days":
        return day + timedelta(days=n)
    if unit == "weeks":
        return day + timedelta(weeks=n)
    if unit == "business_days":
        return calendar.add_business_days(day, n)
    if unit == "months":
        return add_months(day, n)
    raise ValueError(f"unknown unit {unit!r}")


def add_months(day: date, n: int) -> date:
    """The same day of the month `n` months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Target:
    """An amount of business time: `n` open hours or `n` business days."""

    n: int
    unit: Literal["business_hours", "business_days"]


TICKET_TARGETS: Mapping[str, Mapping[str, Target]] = MappingProxyType(
    {
        priority: {
            "first_response": Target(response, "business_hours"),
            "next_response": Target(response, "business_hours"),
            "resolution": resolution,
        }
        for priority, response, resolution in (
            ("P1", 1, Target(4, "business_hours")),
            ("P2", 4, Target(1, "business_days")),
            ("P3", 8, Target(3, "business_days")),
            ("P4", 16, Target(5, "business_days")),
        )
    }
)


def ticket_due(
    priority: str,
    clock: TicketClock,
    start: datetime,
    calendar: Calendar,
    pauses: Iterable[Pause] = (),
    targets: Mapping[str, Mapping[str, Target]] = TICKET_TARGETS,
) -> datetime:
    """When a ticket's clock that began at `start` runs out, in UTC. Only the resolution clock pauses.

    A business day is the open time up to the same hour of the next business day: one day from Friday 17:30 is Monday 17:30.
    Raises ValueError for an unknown priority or clock.
    """
    try:
        target = targets[priority][clock]
    except KeyError:
        raise ValueError(f"no target for priority {priority!r} and clock {clock!r}") from None
    seconds = target.n * 3600.0 if target.unit == "business_hours" else _open_seconds_of_days(start, target.n, calendar)
    return calendar.add_business(start, seconds, pauses if clock == "resolution" else ())


def _open_seconds_of_days(start: datetime, days: int, calendar: Calendar) -> float:
    begins = calendar.next_open(start)
    if begins is None:
        raise ValueError("the calendar is closed for good")
    local = begins.astimezone(calendar.tz)
    ends = calendar.moment(calendar.add_business_days(local.date(), days), local.time())
    return calendar.business_seconds(start, ends)
