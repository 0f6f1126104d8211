"""The file store: bytes under their SHA-256, written once, never changed.

A file is on disk before the row that names it is committed; a crash in between leaves a file that nobody names, never a
row without its file.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from desk.errors import NotFound

_HEAD = 4096  # bytes that tell what kind of file it is


@dataclass(frozen=True)
class KeptFile:
    """A file whose bytes are in the store, ready to be named by a row."""

    sha256: str
    name: str
    content_type: str
    size: int
    claimed_type: str = ""
    content_id: str = ""


class FileStore:
    """A folder of files, two levels deep by hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep the bytes durably and return their SHA-256 in hex; the same bytes again cost nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(path.parent)
        return sha256

    def keep(self, data: bytes, name: str, claimed_type: str = "", content_id: str = "") -> KeptFile:
        """Store an attachment; its type is told by its bytes, its name loses any folder and whatever cannot be seen."""
        return _described(self.put(data), data, name, claimed_type, content_id)

    def keep_pieces(self, pieces: Iterable[bytes], name: str, claimed_type: str = "") -> KeptFile:
        """As `keep`, for what is too long to be held in memory at once. When the pieces break off nothing is kept."""
        handle, written = tempfile.mkstemp(dir=self._incoming())
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    head = (head + piece)[:_HEAD] if len(head) < _HEAD else head
            self.settle([(digest.hexdigest(), written)])
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise
        return replace(_described(digest.hexdigest(), head, name, claimed_type, ""), size=size)

    def write(self, data: bytes, name: str, claimed_type: str = "", content_id: str = "") -> tuple[KeptFile, str]:
        """As `keep`, but only written beside the store: many such files cost less when `settle` takes them in together.

        Returns the file and where it was written, which is empty when the store has these bytes already.
        """
        sha256, written = hashlib.sha256(data).hexdigest(), ""
        if not self._path(sha256).exists():
            handle, written = tempfile.mkstemp(dir=self._incoming())
            with os.fdopen(handle, "wb") as file:
                file.write(data)
        return _described(sha256, data, name, claimed_type, content_id), written

    def settle(self, files: Iterable[tuple[str, str]]) -> None:
        """Make files that `write` has written, given as (SHA-256, where), durable parts of the store, all at once."""
        moved = [(written, self._path(sha256)) for sha256, written in files if written]
        if not moved:
            return
        with ThreadPoolExecutor(max_workers=8) as together:  # the disk answers many at once in the time of a few
            list(together.map(_sync, [written for written, _ in moved]))
            for written, path in moved:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(written, path)
            list(together.map(_sync, {folder for _, path in moved for folder in (path.parent, path.parent.parent, self.folder)}))

    def clear_unsettled(self) -> None:
        """Remove what was written and never settled, because the process ended in between."""
        for path in self._incoming().iterdir():
            path.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes lie; raises `NotFound` when they do not."""
        path = self._path(sha256)
        if not path.exists():
            raise NotFound("This file is not there.")
        return path

    def remove(self, sha256: str) -> None:
        """Destroy the bytes; whoever asks has made sure that no row names them any more. Absent ones are no error."""
        self._path(sha256).unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Each file's name and bytes, in no order; what is removed meanwhile is left out."""
        for path in self.folder.glob("??/??/*"):
            with suppress(FileNotFoundError):
                yield path.name, path.read_bytes()

    def _incoming(self) -> Path:
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:4] / sha256


def content_type_of(data: bytes, name: str = "") -> str:
    """The type that the bytes themselves show (a short list that browsers may be shown), else `application/octet-stream`."""
    for start, content_type in _MAGIC:
        if data.startswith(start):
            return content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if b"\x00" not in data[:_HEAD] and not name.lower().endswith((".html", ".htm", ".svg", ".xml", ".js")):
        try:
            data[:_HEAD].decode("utf-8", "strict" if len(data) <= _HEAD else "ignore")
        except UnicodeDecodeError:
            return "application/octet-stream"
        return "text/plain"
    return "application/octet-stream"


# Line ends would break the header that names the file; turned writing would show “exe.pdf” for what ends in “fdp.exe”.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"ID3", "audio/mpeg"),
    *((bytes((0xFF, second)), "audio/mpeg") for second in (0xFB, 0xFA, 0xF3, 0xF2)),  # MP3 that begins with its first frame
)


def _described(sha256: str, data: bytes, name: str, claimed_type: str, content_id: str) -> KeptFile:
    name = _UNSEEN.sub(" ", name).replace("\\", "/").rpartition("/")[2].strip()[:200] or "file"
    return KeptFile(sha256, name, content_type_of(data, name), len(data), claimed_type[:100], content_id)


def _sync(path: str | Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
