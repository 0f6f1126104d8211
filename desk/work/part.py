"""A background part: one thread that sleeps until it is woken or until its next moment, and shows that it lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from desk.clock import Clock
from desk.places import Places, give_way

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 5.0  # also the pace of the heartbeat
AFTER_FAILURE_S = 1.0
LONGEST_TURN_S = 15.0  # that is waited for at the end


class Part:
    """Calls `turn()` again and again. `turn` does what is due and returns the seconds until the next thing, or None.

    A turn that raises is logged and tried again soon: a part never dies of one bad row. What it reads and writes gives way to
    those who have `places`; a part that people wait for does it `soon`. Turns begin at least `apart_s` after one another, so
    that what comes thick and fast is done together.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        turn: Callable[[], float | None],
        places: Places | None = None,
        *,
        soon: bool = False,
        apart_s: float = 0.0,
    ) -> None:
        self.name = name
        self._clock = clock
        self._places, self._soon = places, soon
        self._turn = turn
        self._apart_s = apart_s
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._beat = clock.monotonic()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something has happened that may concern this part."""
        self._wake.set()

    def end(self) -> None:
        """Let the present turn be the last; does not wait for it."""
        self._ending.set()
        self._wake.set()

    def stop(self, patience_s: float = LONGEST_TURN_S) -> None:
        """Let the present turn end, then no more."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(timeout=max(0.0, patience_s))
        if self._thread.is_alive():
            log.warning("%s is still at work and is left behind", self.name)

    @property
    def healthy(self) -> bool:
        """Whether the last turn was lately and went well."""
        return not self._failing and self._clock.monotonic() - self._beat < 4 * LONGEST_SLEEP_S

    def _run(self) -> None:
        if self._places is not None:
            give_way(self._places, soon=self._soon)
        while not self._ending.is_set():
            self._wake.clear()
            began = self._clock.monotonic()
            try:
                rest = self._turn()
                self._failing = False
            except Exception:
                log.exception("%s stumbled and goes on", self.name)
                self._failing = True
                rest = AFTER_FAILURE_S
            self._beat = self._clock.monotonic()
            self._wake.wait(LONGEST_SLEEP_S if rest is None else max(0.0, min(rest, LONGEST_SLEEP_S)))
            if (soonest := began + self._apart_s) > (now := self._clock.monotonic()):
                self._ending.wait(soonest - now)
