"""Putting a backup back into an empty desk, on either database."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine, inspect

from desk.backup import rows
from desk.backup.archive import NEWER, Reader
from desk.backup.making import KEYS
from desk.errors import Invalid
from desk.files import FileStore
from desk.migrate import check_foreign_keys, is_known, upgrade
from desk.sentences import N_

NOT_EMPTY = N_("There is a desk in this database already. Restore into an empty one: set DESK_DATABASE_URL or DESK_DATA_DIR.")
LOST = N_("Of %(table)s %(found)s rows came back instead of %(wanted)s; nothing was restored.")


def restore(engine: Engine, data_dir: Path, backup: Reader, files: FileStore | None = None) -> None:
    """Everything or nothing: files first, then all rows in one transaction, then what newer versions have changed.

    Raises `Invalid` for a damaged backup, one of a newer version, or a database that is not empty; then nothing has changed.
    """
    revision = backup.manifest["revision"]
    if not is_known(revision):
        raise Invalid(NEWER)
    _must_be_empty(engine)
    backup.check()
    upgrade(engine, to=revision)
    files = files or FileStore(data_dir / "files")
    for _, data in backup.files():
        files.put(data)
    for name, data in backup.secrets():
        if name in KEYS:
            _keep(data_dir / name, data)
    _load(engine, backup)
    upgrade(engine)


def _must_be_empty(engine: Engine) -> None:
    with engine.connect().execution_options(reads=True) as connection:
        there = set(inspect(connection).get_table_names())
        if any(name in there and rows.count(connection, name) for name in ("agent", "customer", "ticket", "event")):
            raise Invalid(NOT_EMPTY)


def _load(engine: Engine, backup: Reader) -> None:
    wanted, columns = backup.manifest["rows"], backup.manifest["columns"]
    with engine.connect() as connection, rows.before(connection), connection.begin(), rows.apart(connection):
        for table in reversed(wanted):
            if table != "event":
                rows.clear(connection, table)
        for table, number in wanted.items():
            described = [(name, kind) for name, kind in columns[table]]
            rows.load(connection, table, described, backup.chunks(table))
            rows.count_on(connection, table, described)
            found = rows.count(connection, table)
            if found != number:
                raise Invalid(LOST, table=table, found=str(found), wanted=str(number))
        check_foreign_keys(connection)


def _keep(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
