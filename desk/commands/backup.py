"""`backup` and `restore`: everything that a desk knows in one file, and back, on either database."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from desk.actions.privacy import again
from desk.app import install
from desk.backup.archive import Reader
from desk.backup.making import NAME, kept_in, make
from desk.backup.restoring import restore
from desk.clock import Clock
from desk.config import Settings
from desk.db import make_engine
from desk.files import FileStore
from desk.files_elsewhere import open_files
from desk.work.erasing import erase_again


def add(commands: Any) -> None:
    parser: ArgumentParser = commands.add_parser("backup", help="keep database, files and keys in one file, while the desk runs")
    parser.add_argument("path", nargs="?", type=Path, help="file to write; default: a new one in DATA_DIR/backups")
    parser.add_argument("--keep", type=_some, metavar="N", help="afterwards delete all but the newest N of DATA_DIR/backups")
    parser.add_argument("--list", action="store_true", help="say which backups are in DATA_DIR/backups")
    parser.set_defaults(run=run_backup)
    parser = commands.add_parser("restore", help="put a backup into an empty desk; either database reads what the other wrote")
    parser.add_argument("path", type=Path)
    parser.add_argument("--erased", type=Path, metavar="FILE", help=f"the list of who was erased; default: DATA_DIR/{again.NAME}")
    parser.add_argument("--check", action="store_true", help="only read the backup and say what is in it")
    parser.set_defaults(run=run_restore)


def run_backup(chosen: Namespace) -> int:
    settings, clock = Settings.from_env(), Clock()
    folder = settings.data_dir / "backups"
    if chosen.list:
        for path in kept_in(folder):
            with Reader.open(path) as kept:
                print(f"{path}  {_said(kept)}")
        return 0
    now = clock.now()
    path = chosen.path or folder / now.strftime(NAME)
    try:
        with _engine(settings) as engine:
            made = make(engine, settings.data_dir, path, now, _files(settings, clock))
    except OSError as error:
        print(f"The backup could not be written to {path}: {error.strerror}.", file=sys.stderr)
        return 1
    with Reader.open(path) as kept:
        print(f"{path}  {_said(kept)}")
    if settings.secret_key:
        print("The secret of this desk is in DESK_SECRET_KEY: it is not in the backup. Keep it with it.")
    for old in kept_in(folder)[: -chosen.keep] if chosen.keep else ():
        old.unlink()
        print(f"{old}  deleted")
    where = "in the store of files" if settings.files_url else "on this disk"
    for sha256 in made["damaged"]:
        print(f"The file {sha256} is damaged {where}: it is not in the backup. Older backups may have it.", file=sys.stderr)
    for sha256 in made["missing"]:
        print(f"The file {sha256} is not {where}, though rows name it. Older backups may have it.", file=sys.stderr)
    return 1 if made["damaged"] or made["missing"] else 0


def run_restore(chosen: Namespace) -> int:
    with Reader.open(chosen.path) as backup:
        if chosen.check:
            backup.check()
            print(f"{chosen.path}  {_said(backup)}; every checksum is right.")
            return 0
        settings = Settings.from_env()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with _engine(settings) as engine:
            restore(engine, settings.data_dir, backup, _files(settings, Clock()))
        print(f"Restored: {_said(backup)}. The search index is made anew at the first start.")
    _erase_again(settings, chosen.erased or settings.data_dir / again.NAME)
    return 0


def _erase_again(settings: Settings, path: Path) -> None:
    """Who was erased since the backup was made does not come back with it."""
    if not path.is_file():
        print(f"There is no list of erased customers ({path}). If anybody was erased since, run restore with --erased.")
        return
    desk = install(settings)
    count = erase_again(desk, path)
    print(f"{count} customers were erased since; they are erased again.")
    desk.store.engine.dispose()
    desk.knowledge.close()


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def _files(settings: Settings, clock: Clock) -> FileStore:
    return open_files(settings.data_dir / "files", settings.files_url, clock)


def _said(backup: Reader) -> str:
    about = backup.manifest
    rows, files, size = sum(about["rows"].values()), about["files"], about["file_bytes"] / 1024**2
    return f"{about['made_at'][:19]}Z, {about['database']}, {rows} rows, {files} files ({size:.0f} MB)"


def _some(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ArgumentTypeError("a number from 1")
    return int(text)
