"""The one clock. Everything else is told the time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Wall time for what is stored (never running backwards within a process) and monotonic time for deadlines."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time in UTC. A wall clock that is set back stands still until it has caught up."""
        with self._lock:
            self._last = max(self._last, datetime.now(UTC))
            return self._last

    def monotonic(self) -> float:
        """Seconds since some fixed moment; for deadlines inside this process."""
        return time.monotonic()


class FrozenClock(Clock):
    """A clock that moves only when told to; ships with the product because the demo and simulations use it too."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._elapsed

    def tick(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self._at += timedelta(seconds=seconds)
        self._elapsed += seconds
