"""What only one process of all may do at a time: whoever holds PostgreSQL's lock for it. The others stand by and look."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from desk import db
from desk.installation import Installation

log = logging.getLogger(__name__)

STANDBY_S = 2.0
CLASS = 7_305_010  # the first key of these advisory locks; the second is made of the name


class Alone:
    """The turn of a part that is taken only while the lock `name` is ours. On SQLite there is one process, and it always is.

    `lost` is called when the lock has gone with its connection. Nobody holds it for longer than the connection lives.
    """

    def __init__(
        self, desk: Installation, name: str, turn: Callable[[], float | None], lost: Callable[[], None] = lambda: None
    ) -> None:
        self._desk = desk
        self._name = name
        self._turn = turn
        self._lost = lost
        self._connection: Any = None
        self._ours = False

    def turn(self) -> float | None:
        """The part's own turn, or the seconds until the next look."""
        if not self._desk.settings.on_sqlite and not self._hold():
            return STANDBY_S
        return self._turn()

    def release(self) -> None:
        """Let another process do it at once."""
        connection, self._connection, self._ours = self._connection, None, False
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _hold(self) -> bool:
        try:
            if self._connection is None:
                self._connection = db.connect(self._desk.settings.database_url)
            if self._ours:
                self._connection.execute("SELECT 1")
            else:
                asked = "SELECT pg_try_advisory_lock(%s, %s)"
                [self._ours] = self._connection.execute(asked, (CLASS, zlib.crc32(self._name.encode()) - 2**31)).fetchone()
        except psycopg.Error as error:
            held = self._ours
            self.release()
            if held:
                log.warning("the lock of “%s” is lost: %s", self._name, error)
                self._lost()
            return False
        return self._ours
