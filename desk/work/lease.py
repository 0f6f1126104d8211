"""Who routes: one router of all that run, which every claim proves by its epoch.

PostgreSQL: the router keeps a connection of its own that holds an advisory lock, and makes its claims over it. A router that
dies frees the lock with its connection. One that stands still is thrown out by whoever stands by: the lease is renewed, by the
database's clock, for as long as somebody watches, and when it runs out the holder's connection is ended; with it ends whatever
was under way on it, so that a router that was stopped can say nothing more after it has been replaced.

SQLite: all routers are on one machine, and the lease names a process. One that has gone, or stands still, is replaced; what the
system does not tell of another container's process, the lease's end does. It is renewed rarely: an idle desk lets its disk rest.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from desk import db
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import RouterLease
from desk.store import StoreAway, Tx

log = logging.getLogger(__name__)

STANDBY_S = 0.5  # how often whoever stands by looks
STILL_S = 2.0  # a router that gives no sign for so long is replaced
READING_S = 15.0  # and after so long one that has everything to read first
BEAT_S = 0.5
SLOW_FOR_S = 300.0  # a router that was replaced in this time and is alive is only slow: each time it asks for twice as long
SQLITE_LEASE_S = 60.0
ROUTES, WATCHES = 7_305_002, 7_305_003  # keys of PostgreSQL's advisory locks

_HELD = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = %s AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_BEAT = f"""
WITH beat AS (
  UPDATE router_lease SET until = clock_timestamp() + interval '1 second' * %s
  WHERE id = 1 AND epoch = %s AND (%s OR EXISTS ({_HELD}))
)
SELECT epoch FROM router_lease WHERE id = 1
"""  # noqa: S608 - made of constants
_LATE = "SELECT backend FROM router_lease WHERE id = 1 AND until < clock_timestamp()"


class Lease:
    """Our hold of the lease: `epoch` while it is ours, and `connection`, over which claims are made."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._on_sqlite = desk.settings.on_sqlite
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{_born(os.getpid())}:{id(self)}"
        self._beat_at = self._watched_since = float("-inf")
        self._replaced_at: list[float] = []
        self._still_since: float | None = None
        self._seen = 0
        self._ends: tuple[datetime, float] | None = None  # when another's lease ends: as stored, and monotonic
        self.epoch: int | None = None
        self.connection: Any = None

    def hold(self, *, reading: bool = False) -> int | None:
        """The epoch, if it is we who route: still, or from now on. None when somebody else does.

        With `reading` everything is to be read now: until we ask again, that is given more time than a sign of life is.
        A lost connection loses the lease. Raises `StoreAway` when the database cannot be reached at all.
        """
        try:
            if self.connection is None:
                self.connection = db.connect(self._desk.settings.database_url)
            if self.epoch is not None:
                self._keep(reading)
            elif self._is_free_in_sqlite() if self._on_sqlite else self._lock():
                self._take()
        except StoreAway:
            self.lose()
            raise
        except (psycopg.OperationalError, sqlite3.OperationalError) as error:
            held = self.epoch
            self.lose()
            if held is None:
                raise StoreAway from error
            self._replaced_at.append(self._desk.clock.monotonic())
            log.warning("the connection that holds the lease of epoch %s is lost: %s", held, error)
        return self.epoch

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """A transaction of whoever routes; nobody takes over before its end. Raises `StoreAway` when we route no more."""
        with self._desk.store.tx(SYSTEM) as tx:
            self._end_if_still(tx.session)
            mine = select(RouterLease.epoch).where(RouterLease.id == 1).with_for_update(read=True, key_share=True)
            if tx.session.scalar(mine) != self.epoch:
                raise StoreAway
            yield tx

    def rest_s(self) -> float:
        """Seconds until `hold` should be asked again."""
        return SQLITE_LEASE_S / 2 if self._on_sqlite else max(0.0, self._beat_at + BEAT_S - self._desk.clock.monotonic())

    def lose(self) -> None:
        """Whatever we held is gone, or uncertain: begin again with a new connection."""
        self.epoch, connection, self.connection = None, self.connection, None
        self._watched_since = float("-inf")
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def release(self) -> None:
        """Let another router take over at once."""
        if self.epoch is not None and self._on_sqlite:
            with self._desk.store.tx(SYSTEM) as tx:
                lease = tx.session.get_one(RouterLease, 1)
                if lease.epoch == self.epoch:
                    lease.until = tx.now
        elif self.connection is not None and not self._on_sqlite:
            with suppress(psycopg.Error):  # the server takes a moment to notice that a connection was closed
                self._ask("SELECT pg_advisory_unlock_all()")
        self.lose()

    def _keep(self, reading: bool) -> None:
        now = self._desk.clock.monotonic()
        if self._on_sqlite:
            epoch = self._ask("SELECT epoch FROM router_lease WHERE id = 1")
            if epoch == self.epoch and now - self._beat_at >= SQLITE_LEASE_S / 2:
                self._renew_in_sqlite()
        elif reading or now - self._beat_at >= BEAT_S:
            # Who has just read all says so even if nobody watches yet: the time that it was given is over.
            epoch = self._ask(
                _BEAT, READING_S if reading else self._sign_s(now), self.epoch, self._beat_at == float("-inf"), WATCHES
            )
            self._beat_at = float("-inf") if reading else now
        else:
            return
        if epoch != self.epoch:
            log.warning("another router has taken over: the epoch is %s, ours was %s", epoch, self.epoch)
            self._replaced_at.append(now)
            self.lose()  # and with the connection the lock

    def _sign_s(self, now: float) -> float:
        """For how long our sign of life holds. On a machine that is busy all the time routers would else replace one another."""
        self._replaced_at = [at for at in self._replaced_at if now - at < SLOW_FOR_S]
        return min(READING_S, STILL_S * 2 ** max(0, len(self._replaced_at) - 1))

    def _renew_in_sqlite(self) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            lease = tx.session.get_one(RouterLease, 1)
            if lease.epoch == self.epoch:
                lease.until = tx.now + timedelta(seconds=SQLITE_LEASE_S)
        self._beat_at = self._desk.clock.monotonic()

    def _lock(self) -> bool:
        """Get PostgreSQL's lock, or watch whoever has it. True when it is ours."""
        free = self._ask("SELECT pg_try_advisory_lock(%s)", ROUTES) or self._replace_still()
        if free and self._watched_since > float("-inf"):
            self._ask("SELECT pg_advisory_unlock_shared(%s)", WATCHES)
        return free

    def _replace_still(self) -> bool:
        """End the connection of a router that has given no sign while we watched. True when its lock has come to us."""
        now = self._desk.clock.monotonic()
        if self._watched_since == float("-inf"):
            self._ask("SELECT pg_advisory_lock_shared(%s)", WATCHES)
            self._watched_since = now
        if now - self._watched_since < STILL_S:
            return False
        still = self._ask(_LATE)
        if still is None or self._ask(_HELD, ROUTES) != still:
            return False
        log.warning("the router on connection %s gives no sign; taking its place", still)
        self._ask("SELECT pg_terminate_backend(%s, 1000)", still)
        return bool(self._ask("SELECT pg_try_advisory_lock(%s)", ROUTES))

    def _is_free_in_sqlite(self) -> bool:
        """Whether nobody holds the lease any more: it ran out, or its process is gone or has stood still for a while."""
        with self._desk.store.read() as reading:
            lease = reading.get(RouterLease, 1)
        self._seen, now = lease.epoch if lease is not None else 0, self._desk.clock.monotonic()
        if lease is None:
            return True
        if self._ends is None or self._ends[0] != lease.until:  # a leap of the wall clock does not end it
            self._ends = lease.until, now + (lease.until - self._desk.clock.now()).total_seconds()
        if self._ends[1] <= now:
            return True
        state = _state_of(lease.holder)
        if state != "still":
            self._still_since = None
        elif self._still_since is None:
            self._still_since = now
        return state == "gone" or (self._still_since is not None and now - self._still_since >= STILL_S)

    def _take(self) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            self._end_if_still(tx.session)
            lease = tx.session.get(RouterLease, 1, with_for_update=True)
            if lease is None:
                lease = RouterLease(id=1, epoch=0, holder="", until=tx.now)
                tx.session.add(lease)
            if self._on_sqlite and lease.epoch != self._seen:
                return  # somebody else was quicker
            lease.epoch, lease.holder = lease.epoch + 1, self._holder
            if self._on_sqlite:
                lease.backend, lease.until = None, tx.now + timedelta(seconds=SQLITE_LEASE_S)
            else:
                lease.backend = self.connection.info.backend_pid
                lease.until = tx.session.scalar(select(func.clock_timestamp())) + timedelta(seconds=READING_S)
            tx.emit("router.took_over", data={"epoch": lease.epoch})
        self.epoch = lease.epoch
        self._beat_at = self._desk.clock.monotonic() if self._on_sqlite else float("-inf")
        self._watched_since, self._still_since = float("-inf"), None

    def _end_if_still(self, session: Session) -> None:
        """A process that is stopped within a transaction must not keep its rows from whoever goes on without it."""
        if not self._on_sqlite:
            session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{STILL_S}s'"))

    def _ask(self, question: str, *values: Any) -> Any:
        row = self.connection.execute(question, values).fetchone()
        return None if row is None else row[-1]


def _state_of(holder: str) -> str:
    """Whether the process that a lease names is "gone", "still" (stopped), "alive", or on a machine that we do not "know"."""
    host, _, rest = holder.partition(":")
    number, _, rest = rest.partition(":")
    if host != socket.gethostname() or not number.isdigit():
        return "unknown"
    pid, born = int(number), rest.partition(":")[0]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass  # it is there, and another user's
    if born != _born(pid):
        return "gone"  # its number has been given to another
    return {"T": "still", "t": "still", "Z": "gone"}.get((_status(pid) or [""])[0], "alive")


def _born(pid: int) -> str:
    """When the process began, as the system counts; empty where the system does not tell."""
    status = _status(pid)
    return status[19] if len(status) > 19 else ""


def _status(pid: int) -> list[str]:
    """The fields of Linux's /proc/PID/stat from the process's state on; none elsewhere."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return []
