"""Rows as lines that either database reads: times in UTC, bytes in base64, JSON as its text. Nothing passes through the ORM."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Date, LargeBinary, Table, Text, cast, column, func, select
from sqlalchemy import table as sql_table
from sqlalchemy.sql import ColumnElement

from desk import models
from desk.db import Moment
from desk.migrate import foreign_keys_later

CHUNK_ROWS = 5_000
PLAIN, TIME, DAY, BYTES, FLAG, DOCUMENT = "plain", "time", "day", "bytes", "flag", "json"

Columns = list[tuple[str, str]]  # name and kind, in the order of each line's values


def tables() -> Sequence[Table]:
    """All of them, those that are pointed to first."""
    return models.Event.metadata.sorted_tables


def columns_of(table: Table) -> Columns:
    """What a line has; what the database works out by itself is left to it."""
    return [(column.name, _kind(column.type)) for column in table.columns if column.computed is None]


def dump(connection: Connection, table: Table) -> Iterator[tuple[int, bytes]]:
    """The table's rows in the order of their key, as (number of rows, gzipped lines of JSON), a few thousand at a time."""
    columns = columns_of(table)
    chosen = [_as_kept(table.c[name], kind) for name, kind in columns]
    query = select(*chosen).order_by(*table.primary_key.columns)
    rows = connection.execution_options(stream_results=True, max_row_buffer=CHUNK_ROWS).execute(query)
    writers = [_WRITERS.get(kind) for _, kind in columns]
    for part in rows.partitions(CHUNK_ROWS):
        lines = (
            json.dumps(
                _through(writers, row),
                ensure_ascii=False,
                separators=(",", ":"),
            )
            for row in part
        )
        yield len(part), gzip.compress("\n".join(lines).encode(), compresslevel=3, mtime=0)


def load(connection: Connection, table: str, columns: Columns, chunks: Iterable[bytes]) -> int:
    """Put the rows back; returns how many. The caller sees to foreign keys (`apart`)."""
    into = _copy if connection.dialect.name == "postgresql" else _insert
    return sum(into(connection, table, columns, [json.loads(line) for line in lines(chunk)]) for chunk in chunks)


def apart(connection: Connection) -> AbstractContextManager[None]:
    """Let rows of this transaction point to rows that come later; PostgreSQL checks them at the end of this."""
    return _without_constraints(connection) if connection.dialect.name == "postgresql" else nullcontext()


def before(connection: Connection) -> AbstractContextManager[None]:
    """What SQLite asks for before the transaction of `apart`."""
    return foreign_keys_later(connection)


def count_on(connection: Connection, table: str, columns: Columns) -> None:
    """Let new rows of PostgreSQL have numbers after those that were put back; SQLite counts on by itself."""
    if connection.dialect.name != "postgresql" or ("id", PLAIN) not in columns:
        return
    sequence = connection.exec_driver_sql("SELECT pg_get_serial_sequence(%s, 'id')", (table,)).scalar()
    last = connection.scalar(select(func.max(sql_table(table, column("id")).c.id)))
    if sequence is not None and last is not None:
        connection.exec_driver_sql("SELECT setval(%s, %s)", (sequence, last))


def count(connection: Connection, table: str) -> int:
    """How many rows it has."""
    return int(connection.execute(select(func.count()).select_from(sql_table(table))).scalar() or 0)


def clear(connection: Connection, table: str) -> None:
    """Take away what the migrations begin an empty desk with."""
    connection.execute(sql_table(table).delete())


def lines(chunk: bytes) -> list[bytes]:
    """One row each."""
    return gzip.decompress(chunk).split(b"\n")


def _kind(type_: Any) -> str:
    kinds = ((Moment, TIME), (Date, DAY), (LargeBinary, BYTES), (Boolean, FLAG), (JSON, DOCUMENT))
    return next((kind for class_, kind in kinds if isinstance(type_, class_)), PLAIN)


def _as_kept(kept: Column[Any], kind: str) -> ColumnElement[Any]:
    return cast(kept, Text) if kind == DOCUMENT else kept  # NULL and JSON's null stay two things


_WRITERS: dict[str, Callable[[Any], Any]] = {
    TIME: lambda at: at.strftime("%Y-%m-%d %H:%M:%S.%f"),  # which is in UTC
    DAY: lambda day: day.isoformat(),
    BYTES: lambda value: base64.b64encode(value).decode("ascii"),
}


def _through(ways: list[Callable[[Any], Any] | None], row: Sequence[Any]) -> list[Any]:
    return [way(value) if way and value is not None else value for way, value in zip(ways, row, strict=True)]


def _insert(connection: Connection, table: str, columns: Columns, rows: list[list[Any]]) -> int:
    coded = [at for at, (_, kind) in enumerate(columns) if kind == BYTES]
    for row in rows:
        for at in coded:
            row[at] = None if row[at] is None else base64.b64decode(row[at])
    names = [name for name, _ in columns]
    into = sql_table(table, *map(column, names)).insert()  # of no type: the values go as they are
    connection.execute(into, [dict(zip(names, row, strict=True)) for row in rows])
    return len(rows)


def _copy(connection: Connection, table: str, columns: Columns, rows: list[list[Any]]) -> int:
    names = ", ".join(_quoted(name) for name, _ in columns)
    readers = [_READERS.get(kind) for _, kind in columns]
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                [read(value) if read and value is not None else value for read, value in zip(readers, row, strict=True)]
            )
    return len(rows)


_READERS: dict[str, Callable[[Any], Any]] = {TIME: lambda text: f"{text}+00", BYTES: base64.b64decode}


@contextmanager
def _without_constraints(connection: Connection) -> Iterator[None]:
    """Only the owner of a database may defer what was not made deferrable, by taking it away and putting it back."""
    found = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    ).all()
    for table, name, _ in found:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {_quoted(name)}")
    yield
    for table, name, definition in found:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {definition}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
