"""The one clock. Everything else is told the time."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

DRIFT_S = 1.0  # a wall clock that is corrected by less than this is simply followed
LEAP_S = 60.0  # one that moves ahead by more was set, or the machine has slept
FURTHEST_S = 24 * 3600.0  # a time further ahead than this is a mistake that nobody waits for
SLOWED = 0.5  # the pace at which we wait for a wall clock that was set back


class Clock:
    """Wall time for what is stored (never running backwards within a process) and monotonic time for deadlines.

    A wall clock that is set back is not followed: time goes on, at half its pace, until the wall clock has caught up. One that
    is set ahead is followed, and `leapt_s` says by how much, so that nobody takes the leap for time in which somebody waited.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._last_at = 0.0
        self._leapt_s = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time in UTC."""
        with self._lock:
            return self._look()

    def monotonic(self) -> float:
        """Seconds since some fixed moment; for deadlines inside this process."""
        return time.monotonic()

    def leapt_s(self) -> float:
        """By how many seconds in all the wall clock has leapt ahead since this clock was made, small corrections aside."""
        with self._lock:
            self._look()
            return self._leapt_s

    def not_before(self, moment: datetime) -> None:
        """Time has been at `moment` already, in another process perhaps: go on from there. A mistake of days is left alone."""
        with self._lock:
            ahead_s = (moment - self._look()).total_seconds()
            if 0 < ahead_s <= FURTHEST_S:
                log.warning("the wall clock is %.0f s behind what is stored; going on from there", ahead_s)
                self._last = moment
            elif ahead_s > FURTHEST_S:
                log.error("the wall clock is %.0f s behind what is stored; please set one of the two right", ahead_s)

    def _wall(self) -> datetime:
        return datetime.now(UTC)

    def _look(self) -> datetime:
        wall, at = self._wall(), self.monotonic()
        if self._last is None:
            self._last, self._last_at = wall, at
            return wall
        passed_s = at - self._last_at
        ahead_s = (wall - self._last).total_seconds() - passed_s
        if ahead_s > LEAP_S:
            self._leapt_s += ahead_s
        now = self._last + timedelta(seconds=passed_s * SLOWED) if ahead_s < -DRIFT_S else max(wall, self._last)
        self._last, self._last_at = now, at
        return now


class FrozenClock(Clock):
    """A clock that moves only when told to; ships with the product because the demo and simulations use it too."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at
        self._elapsed = 0.0

    def monotonic(self) -> float:
        return self._elapsed

    def tick(self, seconds: float) -> None:
        """Move on by so many seconds; nobody sees one clock moved and the other not, which would be a leap."""
        with self._lock:
            self._at += timedelta(seconds=seconds)
            self._elapsed += seconds

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock alone ahead, or back, by so many seconds."""
        self._at += timedelta(seconds=seconds)

    def _wall(self) -> datetime:
        return self._at
