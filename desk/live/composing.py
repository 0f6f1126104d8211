"""Who writes to a visitor just now and is slow at it: of the signs that screens give, what the router has to know.

For most agents nothing is written: whose usual answer takes no longer than `SLOW_S` may write and take one more.
"""

from __future__ import annotations

import logging
import threading

from desk.actions.chats.composing import composes
from desk.events import SYSTEM
from desk.installation import Installation
from desk.queries.chats.chats import active_chat_of
from desk.queries.chats.pace import usual_reply_s
from desk.store import StoreAway

log = logging.getLogger(__name__)

SLOW_S = 60
EVERY_S = 8.0  # of the signs from one agent in one chat so many seconds apart one is looked at; one holds for `COMPOSING_S`
MOST = 2000  # signs that are remembered


class Composing:
    """When we last looked, by agent and ticket. Safe for threads."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._looked: dict[tuple[int, int], float] = {}
        self._lock = threading.Lock()

    def writes(self, number: int, agent_id: int) -> None:
        """There is a sign that the agent writes on this ticket."""
        now = self._desk.clock.monotonic()
        with self._lock:
            if now - self._looked.get((agent_id, number), -EVERY_S) < EVERY_S:
                return
            if len(self._looked) >= MOST:
                self._looked.clear()
            self._looked[agent_id, number] = now
        try:
            with self._desk.store.read() as reading:
                chat = active_chat_of(reading, number)
                if chat is None or chat.agent_id != agent_id or (usual_reply_s(reading, agent_id) or 0) <= SLOW_S:
                    return
            self._desk.store.write(SYSTEM, lambda tx: composes(tx, chat.id, agent_id))
        except StoreAway:
            log.warning("the database is away: the router does not hear that somebody writes")
