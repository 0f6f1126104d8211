"""Bringing the database to the shape that this version needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from desk.errors import Conflict
from desk.online import ONLINE

LOCK_WAIT_S = 10
MIGRATES = 7_305_020  # key of the PostgreSQL advisory lock of whoever migrates
FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, to: str = "head") -> None:
    """Run the migrations that are not in yet. Running it again changes nothing.

    They are one transaction; only what is built beside those who work (`desk.online`) ends one and begins another.
    Raises `Conflict` when others hold what is to be changed: whoever comes after a change that waits would wait behind it;
    and when somebody else is still migrating.
    """
    try:
        _upgrade(engine, to)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Conflict(
                "The database is in use by a process that would not let go within %(seconds)s seconds. Nothing is left half "
                "done; stop the desk's processes and run “python -m desk migrate” again.",
                seconds=LOCK_WAIT_S,
            ) from error
        raise


def _upgrade(engine: Engine, to: str) -> None:
    config = alembic_config()
    with engine.connect() as connection, foreign_keys_later(connection):
        config.attributes["connection"] = connection
        if connection.dialect.name == "postgresql":
            with _patient(connection), _alone(connection):
                config.attributes[ONLINE] = True
                command.upgrade(config, to)
        else:
            with connection.begin():
                command.upgrade(config, to)
                check_foreign_keys(connection)


@contextmanager
def _patient(connection: Connection) -> Iterator[None]:
    """With the limits of one who migrates. The connection is closed afterwards: neither they nor its locks go to others."""
    connection.exec_driver_sql(f"SET lock_timeout = {round(LOCK_WAIT_S * 1000)}")
    connection.exec_driver_sql("SET statement_timeout = 0")
    connection.commit()
    try:
        yield
    finally:
        connection.invalidate()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """One migrates at a time. Asks again and again: an index that is being built waits for whoever waits within a statement."""
    end = time.monotonic() + LOCK_WAIT_S
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({MIGRATES})").scalar():
        connection.rollback()
        if time.monotonic() > end:
            raise Conflict("Another “migrate” is at work on this database. Run this one again when that one is done.")
        time.sleep(0.05)
    connection.commit()
    yield
    connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATES})")  # closing the connection would, a moment later
    connection.commit()


@contextmanager
def foreign_keys_later(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making another and dropping the first, to which rows may point; it asks for this beforehand.

    Whoever asked looks with `check_foreign_keys` before they commit.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def check_foreign_keys(connection: Connection) -> None:
    """Raises `RuntimeError` when a row of SQLite points nowhere; PostgreSQL looks by itself."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("there would be rows that point nowhere; nothing was changed")


def is_current(engine: Engine) -> bool:
    """Whether the database has the shape that this version needs."""
    with engine.connect() as connection:
        return revision_of(connection) == _head()


def revision_of(connection: Connection) -> str | None:
    """The last migration that the database has been through."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str) -> bool:
    """Whether this version has the migration."""
    return revision in {each.revision for each in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def alembic_config() -> Config:
    """Alembic's settings; there is no ini file to find."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
