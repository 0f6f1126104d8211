"""The store: one database, reached only through transactions that know who acts and when.

SQLite and PostgreSQL behave alike through here: a writer holds the write lock from the start (no upgrade from a read, which
SQLite refuses under load), and events become visible in the order of their ids.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import psycopg
import psycopg.types.json
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from desk.clock import Clock
from desk.config import Settings
from desk.db import WRITE_WAIT_S, keepable, to_json
from desk.durable import Log
from desk.errors import DeskError
from desk.events import ABOUT, Actor, Event
from desk.limits import report_limits
from desk.places import Places, Turn, aside, left
from desk.replica import Replica
from desk.sentences import N_

log = logging.getLogger(__name__)

BELL = "desk_events"  # PostgreSQL's NOTIFY channel that rings at every commit with events
ATTEMPTS = 3  # of a change that collides with others
AT_ONCE_HERE, AT_ONCE_ELSEWHERE = 1, 4  # who computes at once: to ask SQLite is to compute, to ask PostgreSQL is to wait
LONGEST_S = 5.0  # who waits so long for a place to compute in is served all the same
EVENT_ORDER_LOCK = 7_305_001  # key of the PostgreSQL advisory lock that makes event ids visible in order


Found = TypeVar("Found")


class StoreAway(DeskError):
    """The database did not answer. Nothing was written; try again in a moment."""

    status = 503
    retry_after = 5

    says = N_("The desk cannot reach its database just now. Nothing was changed; please try again in a moment.")

    def __init__(self) -> None:
        super().__init__(self.says)


class Collided(StoreAway):
    """Others had what this transaction waited for, and the database ended it. Nothing was written; doing it again helps."""

    says = N_("Others are changing the same thing just now. Nothing was changed; please try again in a moment.")


class TooSlow(StoreAway):
    """A statement took longer than `db.Limits` let it. Nothing was written; the same again will hardly be faster."""

    says = N_("This took longer than it may, so it was stopped. Nothing was changed; ask for less at once, or try again later.")


class Overrun(StoreAway):
    """So many are being served by this process that no connection to the database got free in time."""

    says = N_("The desk is very busy just now. Nothing was changed; please try again in a moment.")


class Store:
    """Opens transactions and, after each commit, hands its events to whoever subscribed (live screens, router, worker)."""

    def __init__(self, engine: Engine, clock: Clock, settings: Settings) -> None:
        self.engine = engine
        self.clock = clock
        self.settings = settings
        self._reading = engine.execution_options(reads=True)
        self.replica = _replica(settings, clock)
        self._ours: set[int] = set()  # ids that this process has published itself, until the feed has passed them
        self._naming = threading.Lock()  # held while a commit is made of which we learn the ids only afterwards
        self._listeners: list[Callable[[Sequence[Event]], None]] = []
        self._listeners_to_ours: list[Callable[[Sequence[Event]], None]] = []
        # SQLite admits one writer; queueing here is fair, its own busy-wait is not.
        on_sqlite = engine.dialect.name == "sqlite"
        self._write_turn = Turn() if on_sqlite else None
        self._log = Log(engine.url.database) if on_sqlite and engine.url.database else None
        self.places = Places(AT_ONCE_HERE if on_sqlite else AT_ONCE_ELSEWHERE, LONGEST_S)

    def subscribe(self, listener: Callable[[Sequence[Event]], None], *, ours_only: bool = False) -> None:
        """Call `listener(events)` after each commit that recorded events, or only after those of this process.

        It must be quick; its failure is logged, no more.
        """
        (self._listeners_to_ours if ours_only else self._listeners).append(listener)

    @contextmanager
    def tx(self, actor: Actor) -> Iterator[Tx]:
        """A unit of writing. Commits at the end of the block, or rolls everything back if the block raises.

        Raises `StoreAway` when the database cannot be reached or stays locked.
        """
        # Last to end is the waiting for the disk: by then our turn to write is another's.
        session_of_ours = _Session(self.engine, expire_on_commit=False)
        with aside(), ExitStack() as until_kept, self._turn(), _translated(), session_of_ours as session:
            tx = Tx(session, self.clock.now(), actor, self.settings)
            before = _rows_written(session)
            yield tx
            session.flush()
            together = self._log is None and bool(tx.pending)
            events = self._append_and_commit(session, tx.pending) if together else self._append(session, tx.pending)
            if self._log is not None:
                until_kept.enter_context(self._kept(wrote=_rows_written(session) != before))
            session.commit()
        self._publish(events)

    def write(self, actor: Actor, act: Callable[[Tx], Found]) -> Found:
        """What `act` makes of a unit of writing; done anew when it collided with somebody else's, a few times at most.

        What `act` does outside its `tx` would be done again: it should do nothing there. Raises as `tx` does.
        """
        for _ in range(ATTEMPTS - 1):
            with suppress(Collided), self.tx(actor) as tx:
                return act(tx)
        with self.tx(actor) as tx:
            return act(tx)

    def publish_foreign(self, events: Sequence[Event]) -> list[Event]:
        """Hand on what other processes have committed, and say which: our own among `events` have been published already."""
        with self._naming:
            foreign = [event for event in events if event.id not in self._ours]
            self._ours.difference_update(event.id for event in events)
        self._tell(self._listeners, foreign)
        return foreign

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view for reading; nothing is written."""
        with aside(), _translated(), _Reading(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def reports(self) -> Iterator[Session]:
        """The same for a page that reckons over much: it has more time, and is read from a copy where one is near enough.

        `session.info["as_of"]` says of when the copy is; None when it is the database itself.
        """
        with _translated():
            as_of = self.replica.as_of(self.engine) if self.replica is not None else None
            engine = self._reading if as_of is None or self.replica is None else self.replica.engine
            with _Reading(engine, expire_on_commit=False, autoflush=False, info={"as_of": as_of}) as session:
                if as_of is None and engine.dialect.name == "postgresql":
                    most = round(report_limits(self.settings).statement_s * 1000)
                    session.execute(text(f"SET LOCAL statement_timeout = {most}"))
                yield session

    def direct(self, connection: Any, actor: Actor) -> Direct:
        """A unit of writing over the caller's own connection (see `db.connect`), for verbs whose price counts in microseconds.

        The verb commits by itself, one statement or several between BEGIN and COMMIT, and puts what it recorded into `events`.
        Raises `StoreAway` when the database cannot be reached or stays locked.
        """
        return Direct(connection.cursor(), self.clock.now(), actor, self._begin_direct, self._end_direct)

    def _begin_direct(self) -> None:
        self._take_turn()
        self._naming.acquire()

    def _end_direct(self, events: list[Event], error: BaseException | None) -> None:
        if error is None:
            self._ours.update([event.id for event in events])
        self._naming.release()
        self._end_turn()
        if error is None:
            self._publish(events)
        elif isinstance(error, _REFUSALS):
            raise _away(error) from error

    def _append(self, session: Session, pending: list[dict[str, Any]]) -> list[Event]:
        """Insert the events last."""
        if not pending:
            return []
        connection, record = session.connection(), insert(Event.__table__)  # type: ignore[arg-type]
        if len(pending) == 1:
            ids = [connection.execute(record, pending[0]).inserted_primary_key[0]]
        else:
            # With ids that we took before, all rows go at once; to read them back in order would take a statement for each.
            ids = _next_ids(session, Event, len(pending))
            connection.execute(record, [{"id": event_id, **row} for event_id, row in zip(ids, pending, strict=True)])
        self._ours.update(ids)
        return [Event(id=event_id, **row) for event_id, row in zip(ids, pending, strict=True)]

    def _append_and_commit(self, session: Session, pending: list[dict[str, Any]]) -> list[Event]:
        """On PostgreSQL: take the lock that keeps ids in commit order, insert the events and commit, all said in one message.

        The lock is everybody's. Were it held while this process waits for its turn to say the next thing, a busy process, or
        one whose line is cut just then, would hold up all.
        """
        driver: Any = session.connection().connection.driver_connection
        with self._naming, psycopg.ClientCursor(driver) as cursor:
            cursor.execute(*_recording(pending))
            ids = []
            while cursor.nextset():
                ids += sorted(row[0] for row in cursor.fetchall()) if cursor.description else []
            self._ours.update(ids)
        return [Event(id=event_id, **row) for event_id, row in zip(ids, pending, strict=True)]

    def _publish(self, events: Sequence[Event]) -> None:
        self._tell(self._listeners_to_ours, events)
        self._tell(self._listeners, events)

    def _tell(self, listeners: Sequence[Callable[[Sequence[Event]], None]], events: Sequence[Event]) -> None:
        if not events:
            return
        for listener in listeners:
            try:
                listener(events)
            except Exception:
                log.exception("a listener failed after commit; what was written stays")

    @contextmanager
    def _kept(self, *, wrote: bool) -> Iterator[None]:
        """What is committed within the block is on the disk when it ends; and what others had, by which we may answer."""
        assert self._log is not None
        try:
            with self._log.committing() if wrote else self._log.settling():
                yield
        except OSError as error:
            raise StoreAway from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._take_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        if self._write_turn is None or self._write_turn.take_now():
            return
        with left(at_once=True):
            if not self._write_turn.take(WRITE_WAIT_S):
                raise StoreAway

    def _end_turn(self) -> None:
        if self._write_turn is not None:
            self._write_turn.end()


class Tx:
    """One unit of writing: `session`, `now` (the clock read once), `actor`, `settings`, and `emit` for what happened."""

    def __init__(self, session: Session, now: datetime, actor: Actor, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.actor = actor
        self.settings = settings
        self.pending: list[dict[str, Any]] = []

    @contextmanager
    def ahead(self, counts: Mapping[type[Any], int]) -> Iterator[None]:
        """Give out ids before the rows are written: what is added in this block is inserted at its end, table by table.

        `counts` says how many rows of each model come, in an order in which they can be written. Within the block a query does
        not find what was added in it.
        """
        session = self.session
        assert isinstance(session, _Session)
        ids = {model: deque(_next_ids(session, model, count)) for model, count in counts.items() if count}

        def give(_session: Session, row: Any) -> None:
            if row.id is None and ids.get(type(row)):
                row.id = ids[type(row)].popleft()

        event.listen(session, "transient_to_pending", give)
        session.held = True
        try:
            yield
        finally:
            session.held = False
            event.remove(session, "transient_to_pending", give)
        self._write_in_order(list(counts))

    def _write_in_order(self, models: Sequence[type[Any]]) -> None:
        new = list(self.session.new)
        for row in new:
            self.session.expunge(row)
        for model in models:
            self.session.add_all(row for row in new if type(row) is model)
            self.session.flush()
        self.session.add_all(row for row in new if type(row) not in models)
        self.session.flush()

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
    """One unit of writing at the driver: `cursor`, `now` (the clock read once), `actor`, and the `events` that it recorded.

    It is its own context manager, as a generator's layers would be dearer than what they hold.
    """

    __slots__ = ("_begin", "_end", "actor", "cursor", "events", "now")

    def __init__(
        self,
        cursor: Any,
        now: datetime,
        actor: Actor,
        begin: Callable[[], None],
        end: Callable[[list[Event], BaseException | None], None],
    ) -> None:
        self._begin, self._end = begin, end
        self.cursor = cursor
        self.now = now
        self.actor = actor
        self.events: list[Event] = []

    def __enter__(self) -> Direct:
        self._begin()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._end(self.events, error)


class _Session(Session):
    """A session that can be told to keep what is new to itself until the end of a block.

    What it has asked for by its key it does not ask for again: a row would be forgotten as soon as nobody holds it, and that
    there is no row of a name (settings that are as they ship) would not be remembered at all.
    """

    held = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._had: list[Any] = []
        self._missing: set[tuple[Any, str]] = set()

    def flush(self, objects: Any = None) -> None:
        if not self.held:
            if self.new:
                self._missing.clear()
            super().flush(objects)

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        by_name = isinstance(ident, str) and not any(options.values())
        if by_name and (entity, ident) in self._missing:
            return None
        found = super().get(entity, ident, **options)
        if found is not None:
            self._had.append(found)
        elif by_name:
            self._missing.add((entity, ident))
        return found


class _Reading(Session):
    """A session that asks for a row by its key once: what was there or not stays so, as the view is a consistent one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._found: dict[tuple[Any, int | str], Any] = {}

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        if any(options.values()) or not isinstance(ident, (int, str)):
            return super().get(entity, ident, **options)
        key = entity, ident
        if key not in self._found:
            self._found[key] = super().get(entity, ident)
        return self._found[key]


def _replica(settings: Settings, clock: Clock) -> Replica | None:
    address = settings.reports_database_url
    return Replica(address, report_limits(settings), clock) if address and not settings.on_sqlite else None


def _rows_written(session: Session) -> int:
    """How many rows this connection has changed so far, where the driver counts them. Begins the transaction."""
    driver = session.connection().connection.driver_connection
    return driver.total_changes if isinstance(driver, sqlite3.Connection) else 0


def _next_ids(session: Session, model: type[Any], count: int) -> list[int]:
    """Ids for new rows. SQLite has one writer, which we are; PostgreSQL has a sequence."""
    if session.get_bind().dialect.name == "sqlite":
        last = session.scalar(select(func.max(model.id))) or 0
        return list(range(last + 1, last + count + 1))
    sequence = func.pg_get_serial_sequence(model.__tablename__, "id")
    return sorted(session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))))


_ROWS = 500  # of events in one statement
_ANNOUNCE = f"SELECT pg_advisory_xact_lock({EVENT_ORDER_LOCK}), pg_notify('{BELL}', '')"
_COLUMNS = tuple(column.name for column in Event.__table__.columns if column.name != "id")


def _recording(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
    """What is said to PostgreSQL to record these events and commit, and what goes with it."""
    one, into = f"({', '.join(['%s'] * len(_COLUMNS))})", f"INSERT INTO event ({', '.join(_COLUMNS)}) VALUES"
    parts = [len(rows[at : at + _ROWS]) for at in range(0, len(rows), _ROWS)]
    inserts = [f"{into} {', '.join([one] * part)} RETURNING id" for part in parts]
    return "; ".join((_ANNOUNCE, *inserts, "COMMIT")), [_driven(row[name]) for row in rows for name in _COLUMNS]


def _driven(value: Any) -> Any:
    """The value as the model would hand it to the driver."""
    if isinstance(value, str):
        return keepable(value)
    return psycopg.types.json.Json(value, dumps=to_json) if isinstance(value, dict) else value


_STOPPED = (psycopg.errors.QueryCanceled, psycopg.errors.IdleInTransactionSessionTimeout)
_COLLISIONS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable)
_REFUSALS = (OperationalError, psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout, sqlite3.OperationalError)


def _away(error: BaseException) -> StoreAway:
    cause = getattr(error, "orig", error)
    if isinstance(cause, _COLLISIONS):
        log.warning("two transactions collided: %s", error)
        return Collided()
    if isinstance(cause, _STOPPED):
        log.warning("the database stopped what took too long: %s", error)
        return TooSlow()
    log.error("the database refused: %s", error)
    return StoreAway()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        raise _away(error) from error
    except NoConnectionFree as error:
        log.warning("no connection got free: %s", error)
        raise Overrun from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, _STOPPED):
            raise _away(error) from error
        raise
