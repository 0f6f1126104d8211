"""When an agent has a chat before their eyes: the windows that show its ticket, from when to when.

A spell is written when it ends: the window shows another ticket, is out of sight, or has gone. What a killed process had not
written yet is lost, which is minutes of one agent's day at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from desk.actions.chats.attention import note_spell
from desk.events import SYSTEM
from desk.installation import Installation
from desk.queries.chats.chats import chat_held
from desk.store import StoreAway

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What one window shows, to whom, and since when."""

    topic: str
    agent_id: int
    since: datetime


class Attention:
    """What each window shows, by connection. Safe for threads."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._looks: dict[str, Look] = {}
        self._lock = threading.Lock()

    def looks(self, sid: str, agent_id: int, topic: str) -> None:
        """The window shows this ticket now; an empty topic is none, or one that is out of sight."""
        now = self._desk.clock.now()
        with self._lock:
            before = self._looks.get(sid)
            if before is not None and before.topic == topic:
                return
            if topic:
                self._looks[sid] = Look(topic, agent_id, now)
            else:
                self._looks.pop(sid, None)
        self._write(before, now)

    def turns_away(self, sid: str, topics: Collection[str] | None = None) -> None:
        """The window has gone from these tickets, or altogether."""
        with self._lock:
            before = self._looks.get(sid)
            if before is None or (topics is not None and before.topic not in topics):
                return
            del self._looks[sid]
        self._write(before, self._desk.clock.now())

    def _write(self, look: Look | None, now: datetime) -> None:
        if look is None:
            return
        number = int(look.topic.partition(":")[2])
        try:
            with self._desk.store.read() as reading:  # of most tickets nothing is to be written
                if chat_held(reading, number, look.agent_id) is None:
                    return
            with self._desk.store.tx(SYSTEM) as tx:
                note_spell(tx, number, look.agent_id, look.since, now)
        except StoreAway:
            log.warning("the database is away: a spell of attention is not counted")
