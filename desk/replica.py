"""A streaming copy of the database (hot standby), read by pages that reckon over much and may be a little old.

How old is measured, not assumed: the place to which the copy has come in PostgreSQL's log is compared with where the database
itself is at this moment. What is too old, away, or no copy at all is not read.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from desk.clock import Clock
from desk.db import Limits, make_engine

log = logging.getLogger(__name__)

MOST_AGE = timedelta(minutes=5)
LEFT_ALONE_S = 30  # after it did not answer: whoever reads a report does not wait for that each time
CONNECTIONS = 15
HERE = text("SELECT pg_current_wal_insert_lsn()")  # of what is committed, though it may not be written yet
THERE = text(
    "SELECT pg_is_in_recovery() AS copies, pg_last_wal_replay_lsn() >= CAST(:here AS pg_lsn) AS has_all,"
    " pg_last_xact_replay_timestamp() AS last"
)


class Replica:
    """The copy at `url`; safe for threads."""

    def __init__(self, url: str, limits: Limits, clock: Clock) -> None:
        self.engine = make_engine(url, connections=CONNECTIONS, limits=limits)
        self._clock = clock
        self._again_at = float("-inf")

    def as_of(self, database: Engine) -> datetime | None:
        """The moment as of which the copy has everything, up to now; None when the database itself is to be read."""
        if self._clock.monotonic() < self._again_at:
            return None
        now = self._clock.now()
        with database.connect() as connection:
            here = connection.scalar(HERE)
        try:
            with self.engine.connect() as connection:
                there = connection.execute(THERE, {"here": str(here)}).one()
        except SQLAlchemyError as error:
            return self._leave_alone(f"does not answer: {error}")
        if not there.copies:
            return self._leave_alone("is no copy that follows the database")
        as_of = now if there.has_all else there.last
        if as_of is None or now - as_of > MOST_AGE:
            return self._leave_alone(f"is as of {as_of}")
        return as_of

    def _leave_alone(self, why: str) -> None:
        log.warning("reports are read from the database itself: its copy %s", why)
        self._again_at = self._clock.monotonic() + LEFT_ALONE_S
