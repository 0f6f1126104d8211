"""The store: one database, reached only through transactions that know who acts and when.

SQLite and PostgreSQL behave alike through here: a writer holds the write lock from the start (no upgrade from a read, which
SQLite refuses under load), and events become visible in the order of their ids.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from desk.clock import Clock
from desk.config import Settings
from desk.db import WRITE_WAIT_S
from desk.errors import DeskError
from desk.events import ABOUT, Actor, Event
from desk.sentences import N_

log = logging.getLogger(__name__)

BELL = "desk_events"  # PostgreSQL's NOTIFY channel that rings at every commit with events
CHUNK = 200
EVENT_ORDER_LOCK = 7_305_001  # key of the PostgreSQL advisory lock that makes event ids visible in order


class StoreAway(DeskError):
    """The database did not answer. Nothing was written; try again in a moment."""

    status = 503
    retry_after = 5

    def __init__(self) -> None:
        super().__init__(N_("The desk cannot reach its database just now. Nothing was changed; please try again in a moment."))


class Store:
    """Opens transactions and, after each commit, hands its events to whoever subscribed (live screens, router, worker)."""

    def __init__(self, engine: Engine, clock: Clock, settings: Settings) -> None:
        self.engine = engine
        self.clock = clock
        self.settings = settings
        self._reading = engine.execution_options(reads=True)
        self._ours: set[int] = set()  # ids that this process has published itself, until the feed has passed them
        self._naming = threading.Lock()  # held while a commit is made of which we learn the ids only afterwards
        self._listeners: list[Callable[[Sequence[Event]], None]] = []
        # SQLite admits one writer; queueing here is fair, its own busy-wait is not.
        self._write_turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    def subscribe(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Call `listener(events)` after each commit that recorded events. It must be quick; its failure is logged, no more."""
        self._listeners.append(listener)

    @contextmanager
    def tx(self, actor: Actor) -> Iterator[Tx]:
        """A unit of writing. Commits at the end of the block, or rolls everything back if the block raises.

        Raises `StoreAway` when the database cannot be reached or stays locked.
        """
        with self._turn(), _translated(), Session(self.engine, expire_on_commit=False) as session:
            tx = Tx(session, self.clock.now(), actor, self.settings)
            session.connection()
            yield tx
            session.flush()
            events = self._append(session, tx.pending)
            session.commit()
        self._publish(events)

    def publish_foreign(self, events: Sequence[Event]) -> None:
        """Hand on what other processes have committed; our own commits among `events` have been published already."""
        with self._naming:
            foreign = [event for event in events if event.id not in self._ours]
            self._ours.difference_update(event.id for event in events)
        self._publish(foreign)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view for reading; nothing is written."""
        with _translated(), Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def direct(self, connection: Any, actor: Actor) -> Iterator[Direct]:
        """A unit of writing over the caller's own connection (see `db.connect`), for verbs whose price counts in microseconds.

        The verb commits by itself, one statement or several between BEGIN and COMMIT, and puts what it recorded into `events`.
        Raises `StoreAway` when the database cannot be reached or stays locked.
        """
        unit = Direct(connection.cursor(), self.clock.now(), actor)
        with self._turn(), _translated(), self._naming:
            yield unit
            self._ours.update(event.id for event in unit.events)
        self._publish(unit.events)

    def _append(self, session: Session, pending: list[dict[str, Any]]) -> list[Event]:
        """Insert the events last, so that on PostgreSQL the lock that keeps ids in commit order is held for a moment only."""
        if not pending:
            return []
        if session.get_bind().dialect.name == "postgresql":
            announce = text("SELECT pg_advisory_xact_lock(:key), pg_notify(:bell, '')")
            session.execute(announce, {"key": EVENT_ORDER_LOCK, "bell": BELL})
        connection, record = session.connection(), insert(Event.__table__)  # type: ignore[arg-type]
        if len(pending) == 1:
            ids = [connection.execute(record, pending[0]).inserted_primary_key[0]]
        else:
            record = record.returning(Event.id, sort_by_parameter_order=True)
            # In chunks, because reading the ids back in order takes time that grows with the square of their number.
            chunks = (pending[start : start + CHUNK] for start in range(0, len(pending), CHUNK))
            ids = [event_id for chunk in chunks for event_id in connection.execute(record, chunk).scalars()]
        self._ours.update(ids)
        return [Event(id=event_id, **row) for event_id, row in zip(ids, pending, strict=True)]

    def _publish(self, events: Sequence[Event]) -> None:
        if not events:
            return
        for listener in self._listeners:
            try:
                listener(events)
            except Exception:
                log.exception("a listener failed after commit; what was written stays")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._write_turn is None:
            yield
            return
        if not self._write_turn.acquire(timeout=WRITE_WAIT_S):
            raise StoreAway
        try:
            yield
        finally:
            self._write_turn.release()


class Tx:
    """One unit of writing: `session`, `now` (the clock read once), `actor`, `settings`, and `emit` for what happened."""

    def __init__(self, session: Session, now: datetime, actor: Actor, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.actor = actor
        self.settings = settings
        self.pending: list[dict[str, Any]] = []

    def emit(self, kind: str, *, data: dict[str, Any] | None = None, **about: Any) -> None:
        """Record that something happened.

        `about` names the nouns: ticket=, customer=, agent=, item=, queue=, complaint=, call=, chat=, article=. The kind is
        "noun.happened" (past tense). The row is written in this transaction and published after commit.
        """
        self.session.flush()  # gives new objects the ids that the event refers to
        self.pending.append(
            {
                "at": self.now,
                "kind": kind,
                "actor_kind": self.actor.kind,
                "actor_id": self.actor.id,
                "actor_name": self.actor.name,
                **dict.fromkeys(ABOUT),
                **{f"{noun}_id": getattr(thing, "id", thing) for noun, thing in about.items()},
                "data": data or {},
            }
        )


class Direct:
    """One unit of writing at the driver: `cursor`, `now` (the clock read once), `actor`, and the `events` that it recorded."""

    def __init__(self, cursor: Any, now: datetime, actor: Actor) -> None:
        self.cursor = cursor
        self.now = now
        self.actor = actor
        self.events: list[Event] = []


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, psycopg.OperationalError, sqlite3.OperationalError) as error:
        log.error("the database refused: %s", error)
        raise StoreAway from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreAway from error
        raise
