"""The database below the store: declarative base, column types and an engine set up alike for SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    ScalarSelect,
    String,
    case,
    create_engine,
    event,
    literal,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from desk.config import CONNECTIONS

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
WRITE_WAIT_S = 20
POOL_WAIT_S = 10  # for a connection, when all of the process are in use
KNOWN_STATEMENTS = 1000  # that a connection to SQLite need not read again
LONGEST_LOG = 8192  # pages of 4 kB; what writes them back before that is work/checkpoint.py
BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite only counts up by itself in INTEGER columns


# A machine that vanishes without a word is noticed within about eleven seconds, by whoever is left: its locks go to another.
_WE_NOTICE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
_SERVER_NOTICES = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000"


class Moment(TypeDecorator[datetime]):
    """A point in time: aware in Python, UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text that every database keeps.

    Whatever door it came through, NUL and halves of surrogate pairs are left at this one: PostgreSQL refuses the first, no
    database can encode the second, and nobody can read either.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return keepable(value) if isinstance(value, str) else value


def keepable(text: str) -> str:
    """The text without NUL, and with a replacement character in the place of half a surrogate pair."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Base(DeclarativeBase):
    """The nouns' common root: every `datetime` is a `Moment`, every text `Words`, every number is wide enough for any id."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Moment, str: Words, int: BIG}  # noqa: RUF012 - SQLAlchemy reads it here


def only_where(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows for which `where` holds; to change any other row costs it nothing."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def asked_of_each(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, put so that few rows found by others are asked one by one, and nothing is gathered by it first."""
    return case((condition, 1), else_=0) == 1


def there_is(model: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """1 where a row of the model fulfils them, else nothing: many such questions are one statement."""
    return select(literal(1)).select_from(model).where(*conditions).limit(1).scalar_subquery()


@dataclass(frozen=True)
class Limits:
    """How long PostgreSQL lets things take, in seconds; 0: as long as they need.

    `statement_s` one statement, waiting for locks and all; `lock_s` one lock; `idle_s` a transaction of which nothing is heard,
    as whoever opened it stands still: its locks are others' then.
    """

    statement_s: float = 0.0
    lock_s: float = 0.0
    idle_s: float = 0.0

    @property
    def options(self) -> str:
        """As a connection says them at its start."""
        names = {
            "statement_timeout": self.statement_s,
            "lock_timeout": self.lock_s,
            "idle_in_transaction_session_timeout": self.idle_s,
        }
        return " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in names.items() if seconds)


NO_LIMITS = Limits()
OF_SHORT_WORDS = Limits(statement_s=60, lock_s=20, idle_s=30)  # what is said over a connection of `connect` takes milliseconds


def make_engine(url: str, *, connections: int = CONNECTIONS, limits: Limits = NO_LIMITS) -> Engine:
    """An engine set up for the desk: SQLite with WAL and foreign keys, durable by the store; PostgreSQL in UTC, pre-pinged.

    SQLite knows no `limits` but the wait for the writer's turn, and needs no `connections` to be counted.
    """
    if not url.startswith("sqlite"):
        # Compiling a plan takes a tenth of a second and more; by its guesses PostgreSQL does so for questions of a millisecond.
        options = f"-c timezone=utc -c jit=off {_SERVER_NOTICES} {limits.options}".rstrip()
        return create_engine(
            url,
            pool_size=(kept := max(1, connections * 2 // 3)),
            max_overflow=connections - kept,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": 10, **_WE_NOTICE},
            json_serializer=to_json,
        )
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=40,
        connect_args={"timeout": WRITE_WAIT_S, "check_same_thread": False, "cached_statements": KNOWN_STATEMENTS},
        json_serializer=to_json,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        _set_up_sqlite(connection)
        connection.execute("PRAGMA synchronous=NORMAL")  # the store brings to the disk what it has committed, see `durable`

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return engine


def connect(url: str) -> Any:
    """A connection of the driver itself, set up like the engine's, for one owner who keeps it. Each statement commits by itself.

    Statements are prepared once and planned once: what is said over it is short and always the same.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        connection = sqlite3.connect(address.database or "", timeout=WRITE_WAIT_S, check_same_thread=False)
        _set_up_sqlite(connection)
        return connection
    return psycopg.connect(
        address.set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
        prepare_threshold=0,
        connect_timeout=10,
        options=f"-c timezone=utc -c plan_cache_mode=force_generic_plan {_SERVER_NOTICES} {OF_SHORT_WORDS.options}",
        **_WE_NOTICE,
    )


def _set_up_sqlite(connection: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    waits = (f"busy_timeout={WRITE_WAIT_S * 1000}", f"wal_autocheckpoint={LONGEST_LOG}")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", *waits):
        connection.execute(f"PRAGMA {pragma}")


def to_json(value: Any) -> str:
    """The value as JSON text that every database keeps."""
    text = _JSON.encode(value)
    return keepable(_NUL_IN_JSON.sub(r"\1", text) if "\\u0000" in text else text)


_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
