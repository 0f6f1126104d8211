"""The file of a backup: a tar that is written once from the front to the end, its table of contents last.

Members: `rows/TABLE/000001.jsonl.gz` (see `rows`), `files/SHA256`, `keys/NAME`, `manifest.json`. The manifest has the checksums
of all but the files, whose names are theirs. Without it the file is only the beginning of a backup.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from desk.errors import Invalid
from desk.sentences import N_

FORMAT = 1
MANIFEST = "manifest.json"
NO_BACKUP = N_("%(path)s is not a backup, or only the beginning of one.")
DAMAGED = N_("The backup is damaged: %(member)s is not what it was. Take another one.")
MISSING = N_("The backup is damaged: %(count)s of its files are missing. Take another one.")
NEWER = N_("This backup was made by a newer version of the desk. Install that version first.")


class Writer:
    """Collects members; what it has seen of them goes into the manifest."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}
        self._files = self._file_bytes = 0

    def add(self, name: str, data: bytes) -> None:
        self._sums[name] = hashlib.sha256(data).hexdigest()
        self._put(name, data)

    def add_file(self, sha256: str, data: bytes) -> None:
        """Bytes that are called by their checksum."""
        self._files += 1
        self._file_bytes += len(data)
        self._put(f"files/{sha256}", data)

    def finish(self, about: dict[str, Any]) -> dict[str, Any]:
        manifest = {"format": FORMAT, **about, "files": self._files, "file_bytes": self._file_bytes, "sha256": self._sums}
        self._put(MANIFEST, json.dumps(manifest, indent=1).encode())
        return manifest

    def _put(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new backup under this name, complete on the disk or not there at all; only its owner may read it."""
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class Reader:
    """A backup that is there to be read; nothing of it is unpacked to a name that it brings."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._members = {member.name: member for member in tar.getmembers() if member.isfile()}
        if MANIFEST not in self._members:
            raise Invalid(NO_BACKUP, path=str(path))
        self.manifest: dict[str, Any] = json.loads(self._bytes(MANIFEST))
        if self.manifest.get("format", 0) > FORMAT:
            raise Invalid(NEWER)

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Raises `Invalid` for what is not a backup."""
        try:
            tar = tarfile.open(path)  # noqa: SIM115 - closed below
        except (OSError, tarfile.TarError) as error:
            raise Invalid(NO_BACKUP, path=str(path)) from error
        with tar:
            try:
                reader = cls(tar, path)
            except (tarfile.TarError, ValueError) as error:
                raise Invalid(NO_BACKUP, path=str(path)) from error
            yield reader

    def check(self) -> None:
        """Read everything once. Raises `Invalid` for the first member that is not what it was, or is not there."""
        for name in self.manifest["sha256"]:
            self.read(name)
        files = sum(1 for _ in self.files())
        if files != self.manifest["files"]:
            raise Invalid(MISSING, count=str(self.manifest["files"] - files))

    def read(self, name: str) -> bytes:
        """A member, checked."""
        data = self._bytes(name) if name in self._members else b""
        if hashlib.sha256(data).hexdigest() != self.manifest["sha256"][name]:
            raise Invalid(DAMAGED, member=name)
        return data

    def chunks(self, table: str) -> Iterator[bytes]:
        """The table's rows as they were dumped, in order."""
        for name in self.manifest["sha256"]:
            if name.startswith(f"rows/{table}/"):
                yield self.read(name)

    def secrets(self) -> Iterator[tuple[str, bytes]]:
        for name in self.manifest["sha256"]:
            if name.startswith("keys/"):
                yield name.removeprefix("keys/"), self.read(name)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each file with its checksum, which it has."""
        for name in self._members:
            if name.startswith("files/"):
                data, sha256 = self._bytes(name), name.removeprefix("files/")
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise Invalid(DAMAGED, member=name)
                yield sha256, data

    def _bytes(self, name: str) -> bytes:
        file = self._tar.extractfile(self._members[name])
        assert file is not None
        return file.read()
