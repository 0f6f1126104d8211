"""SQLite's log is carried into the database here, beside the writers: inside a commit it would keep whoever commits waiting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk.db import connect
from desk.installation import Installation

EVERY_S = 1.0
MOST_BYTES = 16 * 1024 * 1024  # of log, before it is carried over even while mail is being delivered


class Checkpoint:
    """Writes back what is in the log when nobody is in a hurry, and in any case when the log has become long.

    It never waits for a reader nor a writer (a passive checkpoint). If it does not run at all, the connections do the same when
    the log is twice as long (`db.LONGEST_LOG`).
    """

    def __init__(self, desk: Installation, *, hurried: Callable[[], bool] = lambda: False) -> None:
        self._desk = desk
        self._hurried = hurried
        self._connection: Any = None

    def turn(self) -> float:
        """Carry over what there is; returns the seconds until it is worth looking again."""
        if self._connection is None:
            self._connection = connect(self._desk.settings.database_url)
        if not self._hurried() or self._log_size() > MOST_BYTES:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return EVERY_S

    def close(self) -> None:
        """Give back the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _log_size(self) -> int:
        _, _, file = self._connection.execute("PRAGMA database_list").fetchone()
        log = Path(f"{file}-wal")
        return log.stat().st_size if log.exists() else 0
