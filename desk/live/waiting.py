"""Whoever waits for a chat is told their place and the minutes when these have changed: all of a line at once, and not too often.

Each piece of work that comes, is offered or ends moves those behind it. In a long line to tell everybody of each would leave a
process time for nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from flask_socketio import SocketIO

from desk.installation import Installation
from desk.queries.chats import chats as seen

log = logging.getLogger(__name__)

PACE_S = 1.0  # from one telling to the next, at least
SHARE = 10  # and so many times as long as the last one took
BREATH = 20  # windows that are told before others have their turn


class Waiting:
    """Tells the waiting windows of this process; `here` names the chats that have one, `tell` says something to a chat's."""

    def __init__(
        self,
        socketio: SocketIO,
        desk: Installation,
        here: Callable[[], set[int]],
        tell: Callable[[str, dict[str, Any], int], None],
    ) -> None:
        self._socketio, self._desk = socketio, desk
        self._here, self._tell = here, tell
        self._lock = threading.Lock()
        self._moved: set[int] = set()
        self._at_it = False
        self._next = 0.0

    def moved(self, queue_ids: Collection[int]) -> None:
        """Something happened in these queues."""
        with self._lock:
            self._moved.update(queue_ids)
            if self._at_it or not self._moved:
                return
            self._at_it = True
        self._socketio.start_background_task(self._run)

    def _run(self) -> None:
        while True:
            self._socketio.sleep(max(0.0, self._next - time.monotonic()))
            with self._lock:
                moved, self._moved = self._moved, set()
                if not moved:
                    self._at_it = False
                    return
            began = time.monotonic()
            try:
                self._tell_all(moved)
            except Exception:
                log.exception("waiting visitors could not be told their places; they are at the next change")
            took = time.monotonic() - began
            self._next = began + max(PACE_S, SHARE * took)

    def _tell_all(self, queue_ids: Collection[int]) -> None:
        with self._desk.store.read() as reading:
            states = seen.states_of_waiting(reading, queue_ids, self._here(), self._desk.clock.now())
        for number, (chat_id, state) in enumerate(states):
            self._tell("state", state, chat_id)
            if number % BREATH == BREATH - 1:
                self._socketio.sleep(0)
