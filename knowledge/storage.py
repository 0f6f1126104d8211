"""Where the index lies on disk: a folder for each rebuild, a stamp that names the live one, and checksums of what was written.

Whoosh renames its files into place but never calls fsync, and notices no damage before it reads it. So each commit is forced to
the disk here and sealed with checksums, which are compared when the process starts.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage

_SEALS = "seals.json"
_REACHED = "reached.json"
_BLOCK = 1 << 20


class Storage:
    """The folders under `root`. `version` is what the index in them must have been written with to be of use."""

    def __init__(self, root: Path, version: str) -> None:
        self.root = root
        self._version = version
        self._current = root / "current.json"
        self._writing = threading.Lock()

    def live(self) -> Path | None:
        """The folder to search in, or None if there is none of this version."""
        stamp = _read_json(self._current)
        folder = self.root / str(stamp.get("folder"))
        return folder if stamp.get("version") == self._version and folder.is_dir() else None

    def switches(self) -> tuple[int, int] | None:
        """Something that differs after each switch, by whichever process; cheap enough to ask before every search."""
        try:
            status = self._current.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def reached(self) -> float | None:
        """Up to which moment the live index has followed what it is made from, as it was last told; None: nobody said so."""
        told = _read_json(self.root / _REACHED)
        return told.get("at") if told.get("folder") == _read_json(self._current).get("folder") else None

    def set_reached(self, at: float) -> None:
        """The live index holds whatever was changed before this moment."""
        _write_json(self.root / _REACHED, {"folder": _read_json(self._current).get("folder"), "at": at})

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Hold this to write: one writer at a time, in this process and all others (a reindex command beside a running desk)."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self._writing:
            lock = FileStorage(str(self.root)).lock("writer.lock")
            lock.acquire(blocking=True)
            try:
                yield
            finally:
                lock.release()

    @contextmanager
    def replacement(self) -> Iterator[Path]:
        """A new folder to fill; live as soon as the block ends well, gone if it raises. Needs the writer lock.

        The folder that was live stays until the next replacement, because another process may still read it.
        """
        folder = self.root / f"index-{secrets.token_hex(6)}"
        folder.mkdir()
        try:
            yield folder
            seal(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        keep = {folder.name, _read_json(self._current).get("folder")}
        _write_json(self._current, {"folder": folder.name, "version": self._version})
        for other in self.root.glob("index-*"):
            if other.name not in keep:
                shutil.rmtree(other, ignore_errors=True)


def seal(folder: Path) -> None:
    """Force a commit to the disk and note the checksum of each of its files. Files are never changed once written, only added."""
    known = _read_json(folder / _SEALS)
    files = list(_files(folder))
    _sync([path for path in files if path.name not in known])
    _write_json(folder / _SEALS, {path.name: known.get(path.name) or _checksum(path) for path in files})


def seals_hold(folder: Path) -> bool | None:
    """Whether the files are as they were sealed. None: those are, but a commit after them was not sealed (its process died)."""
    seals = _read_json(folder / _SEALS)
    present = {path.name: path for path in _files(folder)}
    if any(_checksum(present[name]) != checksum for name, checksum in seals.items() if name in present):
        return False
    return True if seals.keys() == present.keys() else None


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.suffix in (".toc", ".seg"))


def _checksum(path: Path) -> list[int]:
    size = checksum = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            checksum = zlib.crc32(block, checksum)
    return [size, checksum]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value), "utf-8")
    _sync([new])
    os.replace(new, path)
    _sync([path.parent])


def _sync(paths: Iterable[Path]) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
