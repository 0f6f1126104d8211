"""When a customer may be rung back: while the queue is open and it is a decent hour where they are; and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing.hours import Calendar

TRIES = 3
"""How often somebody is dialled before the promise ends unfulfilled."""

RETRY_AFTER = (timedelta(hours=4), timedelta(hours=24))
"""What lies between one attempt and the next: another hour of the day first, then the day after."""

FARTHEST_DAYS = 60


@dataclass(frozen=True)
class Hours:
    """The queue's opening hours, and which wall-clock times of the customer's zone are decent: `earliest` to before `latest`."""

    calendar: Calendar
    zone: str
    earliest: str = "08:00"
    latest: str = "21:00"

    def first(self, at: datetime) -> datetime | None:
        """The first moment from `at` on at which the customer may be rung, in UTC; None if there is none in the next weeks."""
        for _ in range(FARTHEST_DAYS):
            opens = self.calendar.next_open(at)
            if opens is None:
                return None
            day = opens.astimezone(ZoneInfo(self.zone)).date()
            if opens < self._moment(day, self.earliest):
                at = self._moment(day, self.earliest)
            elif opens >= self._moment(day, self.latest):
                at = self._moment(day + timedelta(days=1), self.earliest)
            else:
                return opens
        return None

    def last(self, at: datetime) -> datetime:
        """Until when they may be rung without a break, given that they may at `at`; to a second."""
        always = (self.earliest, self.latest) == ("00:00", "24:00")
        day = at.astimezone(ZoneInfo(self.zone)).date() + timedelta(days=FARTHEST_DAYS if always else 0)
        early, late = at, self._moment(day, self.latest)
        if self._open_throughout(at, late):
            return late
        while late - early > timedelta(seconds=1):
            middle = early + (late - early) / 2
            early, late = (middle, late) if self._open_throughout(at, middle) else (early, middle)
        return late

    def _open_throughout(self, start: datetime, end: datetime) -> bool:
        return self.calendar.business_seconds(start, end) >= (end - start).total_seconds()

    def _moment(self, day: date, wall: str) -> datetime:
        if wall == "24:00":
            return self._moment(day + timedelta(days=1), "00:00")
        return datetime.combine(day, time.fromisoformat(wall), ZoneInfo(self.zone)).astimezone(UTC)


def next_try(tried: int, at: datetime, hours: Hours) -> datetime | None:
    """When to dial again after `tried` attempts, the last of them at `at`; None when there is to be no other."""
    return hours.first(at + RETRY_AFTER[tried - 1]) if tried < TRIES else None
