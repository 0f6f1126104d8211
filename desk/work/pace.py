"""Who comes first: while senders wait for their `250`, the reader of what they sent takes a tenth of the time and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from desk.clock import Clock

RECENT_S = 0.25
HURRIED, AT_LEISURE = 8, 32
LONGEST_REST_S = 2.0
SHARE = 9.0  # for each second of reading, so many seconds for whoever delivers


class Pace:
    """Knows whether mail is being delivered just now. There is one write lock and one interpreter: both go to the door first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = float("-inf")
        self._busy = 0
        self._stopping = threading.Event()

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Somebody waits at the door for the end of this block."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._last = self._clock.monotonic()

    def batch(self) -> int:
        """How many mails to record in one transaction: few while somebody waits for the database."""
        return HURRIED if self.is_busy() else AT_LEISURE

    def rest(self, worked_s: float) -> None:
        """Called after so much work on what has been received: gives way while there is more at the door."""
        if self.is_busy():
            self._stopping.wait(min(worked_s * SHARE, LONGEST_REST_S))

    def is_busy(self) -> bool:
        """Whether mail is being delivered."""
        return self._busy > 0 or self._clock.monotonic() - self._last < RECENT_S

    def stop(self) -> None:
        """Nobody needs to wait any more."""
        self._stopping.set()
