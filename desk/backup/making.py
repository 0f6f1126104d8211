"""Making a backup while the desk runs: one moment of the database, then every file that it may name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from desk.backup import rows
from desk.backup.archive import Reader, writing
from desk.errors import Invalid
from desk.files import FileStore
from desk.migrate import is_current, revision_of
from desk.models import Attachment, RawMail
from desk.sentences import N_

KEYS = ("secret_key", "dkim_key.pem")  # without them sealed passwords cannot be read and addresses that we gave are not ours
NAME = "desk-%Y%m%d-%H%M%SZ.tar"
NAMING = (Attachment.sha256, RawMail.sha256)
ASKED_AT_ONCE = 500  # files that were not found
OLD_SHAPE = N_("The database is not in the shape of this version. Run “python -m desk migrate” first.")


def make(engine: Engine, data_dir: Path, path: Path, at: datetime, files: FileStore | None = None) -> dict[str, Any]:
    """Write a backup and read it again; returns its manifest. `files` is the store of files, when it is not in the data folder.

    The rows are those of one moment. Files are written before the rows that name them and never changed, so that those which are
    there after that moment are all that its rows name, but for what retention has deleted since. A file that is not what its name
    says any more is left out and named (`damaged`), and so is one that is not there though rows name it (`missing`).
    """
    if not is_current(engine):
        raise Invalid(OLD_SHAPE)
    counts: dict[str, int] = {}
    with writing(path) as archive:
        with _one_moment(engine) as connection:
            revision = revision_of(connection)
            for table in rows.tables():
                counts[table.name] = 0
                for number, (length, chunk) in enumerate(rows.dump(connection, table), 1):
                    archive.add(f"rows/{table.name}/{number:06}.jsonl.gz", chunk)
                    counts[table.name] += length
            named = {sha256 for column in NAMING for sha256 in connection.scalars(select(column).where(column != "").distinct())}
        damaged = []
        for sha256, data in (files or FileStore(data_dir / "files")).everything():
            named.discard(sha256)
            if hashlib.sha256(data).hexdigest() == sha256:
                archive.add_file(sha256, data)
            else:
                damaged.append(sha256)
        for name in KEYS:
            if (data_dir / name).is_file():
                archive.add(f"keys/{name}", (data_dir / name).read_bytes())
        archive.finish(
            {
                "made_at": at.isoformat(),
                "revision": revision,
                "database": engine.dialect.name,
                "rows": counts,
                "damaged": damaged,
                "missing": _still_named(engine, sorted(named)),
                "columns": {table.name: rows.columns_of(table) for table in rows.tables()},
            }
        )
    with Reader.open(path) as kept:
        kept.check()
        return kept.manifest


def kept_in(folder: Path) -> list[Path]:
    """The backups in a folder, the oldest first."""
    return sorted(folder.glob("desk-*Z.tar"))


def _still_named(engine: Engine, missing: list[str]) -> list[str]:
    """Without what retention has deleted meanwhile."""
    still: set[str] = set()
    with _one_moment(engine) as connection:
        for at in range(0, len(missing), ASKED_AT_ONCE):
            for column in NAMING:
                still.update(connection.scalars(select(column).where(column.in_(missing[at : at + ASKED_AT_ONCE]))))
    return sorted(still)


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            connection.execution_options(reads=True)
        with connection.begin():
            yield connection
