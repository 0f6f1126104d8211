"""Who has a screen open, and whose last one has been gone for long enough. This process's own; `together` knows of all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from desk.store import StoreAway

Watcher = Callable[[int], None]
LATER_S = 5.0  # when what became of somebody could not be written: so long until it is tried again


class Attendance:
    """Tells the watcher of a kind (`agent`, `chat`) when somebody has been gone for their grace. Safe for threads."""

    def __init__(self) -> None:
        self._leaving: dict[tuple[str, int], threading.Timer] = {}
        self._lock = threading.Lock()
        self._closed = False
        self.here: dict[str, Callable[[], set[int]]] = {}  # who of each kind has a screen of this process now
        self.gone: dict[str, Watcher] = {}
        self.back: dict[str, Watcher] = {}  # asked for only by who finds late that somebody was not gone

    def came(self, kind: str, key: int) -> None:
        """Somebody has a screen, the first or one more."""
        with self._lock:
            leaving = self._leaving.pop((kind, key), None)
        if leaving is not None:
            leaving.cancel()

    def left(self, kind: str, key: int, grace_s: float) -> None:
        """Their last screen has gone. They count as gone `grace_s` from now, unless one is back by then."""
        timer = threading.Timer(grace_s, partial(self._end, kind, key))
        timer.daemon = True
        with self._lock:
            if self._closed:
                return
            self._leaving[kind, key] = timer
        timer.start()

    def forget(self, kind: str, key: int) -> None:
        """Their last screen has gone, and whoever says so has seen to it."""

    def close(self) -> None:
        """Forget who is leaving; at the end of the process nobody is left to be marked, and nobody marks them."""
        with self._lock:
            self._closed = True
            leaving, self._leaving = list(self._leaving.values()), {}
        for timer in leaving:
            timer.cancel()

    def _end(self, kind: str, key: int) -> None:
        with self._lock:
            if self._leaving.pop((kind, key), None) is None:
                return
        try:
            self.gone[kind](key)
        except StoreAway:
            self.left(kind, key, LATER_S)
