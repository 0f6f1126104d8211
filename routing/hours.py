"""Opening hours: a calendar of weekly intervals, holidays and make-up working days in one time zone, and arithmetic inside it.

Intervals are wall-clock times of the zone; durations are real seconds, so a day on which the clocks change is longer or shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Intervals = tuple[tuple[str, str], ...]
"""Open intervals of a day as ("09:00", "18:00"), ascending; "24:00" is the end of the day."""

Pause = tuple[datetime, datetime]

HORIZON_DAYS = 3 * 366
"""How far ahead open time is looked for; a calendar closed for longer counts as closed for good."""


@dataclass(frozen=True)
class Calendar:
    """When a queue is open. `week` runs from Monday to Sunday; `holidays` are closed; `workdays` overrule both for their date."""

    zone: str
    week: tuple[Intervals, ...]
    holidays: frozenset[date] = frozenset()
    workdays: Mapping[date, Intervals] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"a week has seven days, not {len(self.week)}")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {self.zone!r}") from None
        for intervals in (*self.week, *self.workdays.values()):
            _check_intervals(intervals)

    @classmethod
    def always(cls, zone: str = "UTC") -> Calendar:
        """Open day and night."""
        return cls(zone, ((("00:00", "24:00"),),) * 7)

    def is_open(self, at: datetime) -> bool:
        at = _utc(at)
        return any(start <= at < end for start, end in self._open_on(self.local_day(at)))

    def next_open(self, at: datetime) -> datetime | None:
        """`at` itself if open then, else when it opens next, in UTC; None if it never does again."""
        at = _utc(at)
        return next((start for start, _ in self._open_from(at)), None)

    def add_business(self, start: datetime, seconds: float, pauses: Iterable[Pause] = ()) -> datetime:
        """The first moment, in UTC, at which `seconds` of open time outside the pauses have passed since `start`.

        Pauses may overlap and come in any order; one that ends before it begins is none.

        Raises ValueError for negative seconds, or when the calendar offers less open time than that (see `HORIZON_DAYS`).
        """
        if seconds < 0:
            raise ValueError(f"cannot add {seconds} seconds of business time")
        start = _utc(start)
        left = timedelta(seconds=seconds)
        if not left:
            return start
        paused = _pauses(pauses)
        for opens, closes in self._open_from(start):
            for begins, ends in _without(opens, closes, paused):
                if left <= ends - begins:
                    return begins + left
                left -= ends - begins
        raise ValueError(f"the calendar has less open time than that in the next {HORIZON_DAYS} days")

    def business_seconds(self, a: datetime, b: datetime, pauses: Iterable[Pause] = ()) -> float:
        """Open seconds from `a` to `b` outside the pauses; negative if `b` is before `a`."""
        a, b = _utc(a), _utc(b)
        paused = _pauses(pauses)
        if b < a:
            return -self.business_seconds(b, a, paused)
        total = timedelta()
        day, last = self.local_day(a), self.local_day(b)
        while day <= last:
            for opens, closes in self._open_on(day):
                for begins, ends in _without(max(opens, a), min(closes, b), paused):
                    total += ends - begins
            day += timedelta(days=1)
        return total.total_seconds()

    def is_business_day(self, day: date) -> bool:
        return bool(self.intervals(day))

    def add_business_days(self, day: date, n: int) -> date:
        """The n-th business day after `day`; with 0 the day itself. Raises ValueError if n is negative or there are too few."""
        if n < 0:
            raise ValueError(f"cannot add {n} business days")
        reached = day
        for _ in range(n):
            reached = next(
                (following for following in _days_from(reached + timedelta(days=1)) if self.is_business_day(following)), None
            )
            if reached is None:
                raise ValueError(f"the calendar has fewer than {n} business days after {day.isoformat()}")
        return reached

    def intervals(self, day: date) -> Intervals:
        """The open intervals of a date: its make-up hours if it has any, none on a holiday, else those of its weekday."""
        if day in self.workdays:
            return self.workdays[day]
        if day in self.holidays:
            return ()
        return self.week[day.weekday()]

    def local_day(self, at: datetime) -> date:
        """The date of the moment in the calendar's zone."""
        return _utc(at).astimezone(self.tz).date()

    def moment(self, day: date, wall: time) -> datetime:
        """A wall-clock time of the zone as a moment in UTC. An hour that comes twice means its first, a skipped one the next."""
        return datetime.combine(day, wall, self.tz).astimezone(UTC)

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _open_from(self, at: datetime) -> Iterator[Pause]:
        for day in _days_from(self.local_day(at)):
            for start, end in self._open_on(day):
                if end > at:
                    yield max(start, at), end

    def _open_on(self, day: date) -> list[Pause]:
        spans = []
        for opens, closes in self.intervals(day):
            start = self.moment(day, time.fromisoformat(opens))
            end = (
                self.moment(day + timedelta(days=1), time.min)
                if closes == "24:00"
                else self.moment(day, time.fromisoformat(closes))
            )
            # An interval inside the hour that the clocks skip does not exist.
            if start < end:
                spans.append((start, end))
        return spans


def _check_intervals(intervals: Intervals) -> None:
    previous = "00:00"
    for opens, closes in intervals:
        for wall in (opens, closes):
            _check_wall_time(wall)
        if not previous <= opens < closes:
            raise ValueError(f"intervals must ascend and not overlap: {opens}-{closes}")
        previous = closes


def _check_wall_time(wall: str) -> None:
    try:
        well_formed = wall == "24:00" or time.fromisoformat(wall).strftime("%H:%M") == wall
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError(f"not a time of day as HH:MM: {wall!r}")


def _days_from(day: date) -> Iterator[date]:
    return (day + timedelta(days=n) for n in range(HORIZON_DAYS))


def _pauses(pauses: Iterable[Pause]) -> list[Pause]:
    return sorted((_utc(start), _utc(end)) for start, end in pauses if start < end)


def _without(start: datetime, end: datetime, pauses: list[Pause]) -> Iterator[Pause]:
    """The parts of start..end that no pause covers; `pauses` ascend by start and may overlap."""
    for begins, ends in pauses:
        if begins >= end or start >= end:
            break
        if start < begins:
            yield start, begins
        start = max(start, ends)
    if start < end:
        yield start, end


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {at.isoformat()}")
    return at.astimezone(UTC)
