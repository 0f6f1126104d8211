"""What other processes commit: read from the event table by cursor and handed to the same listeners as our own commits.

The event table is the only bus. Its ids become visible in order, so the last id read is all there is to remember. PostgreSQL
rings a bell (NOTIFY) at each commit; without it the table is looked at every other second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import func, select

from desk.db import connect
from desk.events import Event
from desk.installation import Installation
from desk.store import BELL

log = logging.getLogger(__name__)

PACE_S = 2.0
APART_S = 0.015  # looks begin so far apart: each reads, and tells screens, of all that came meanwhile
BATCH = 1000
RECONNECT_S = 2.0


class Feed:
    """Follows the event table from `begin` on."""

    def __init__(self, desk: Installation) -> None:
        self._store, self._figures = desk.store, desk.figures
        self._cursor = 0

    def begin(self) -> None:
        """Remember where the table ends now. Whoever is to hear of all that comes reads the rows only after this."""
        with self._store.read() as reading:
            self._cursor = reading.scalar(select(func.max(Event.id))) or 0

    def turn(self) -> float:
        """Publish what others have committed since; returns the seconds until the next look."""
        with self._store.read() as reading:
            newer = select(Event).where(Event.id > self._cursor).order_by(Event.id).limit(BATCH)
            events = list(reading.scalars(newer))
        if events:
            self._cursor = events[-1].id
            self._figures.heard(self._store.publish_foreign(events))
        return 0.0 if len(events) == BATCH else PACE_S


class Bell:
    """Listens on PostgreSQL's NOTIFY and wakes the feed. When the connection is lost the feed goes on at its pace."""

    def __init__(self, database_url: str, ring: Callable[[], None]) -> None:
        self._database_url = database_url
        self._ring = ring
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("the database's bell is silent (%s); looking every %s s meanwhile", error, PACE_S)
                self._stopping.wait(RECONNECT_S)

    def _listen(self) -> None:
        with connect(self._database_url) as connection:
            connection.execute(f"LISTEN {BELL}")
            self._ring()
            while not self._stopping.is_set():
                for _note in connection.notifies(timeout=1.0):
                    self._ring()
