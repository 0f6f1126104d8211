"""Files in a store that speaks S3, for a desk on several machines: each machine keeps a copy of what it has used lately.

The object is under its SHA-256 like a local file, and there before the row that names it is committed. What is fetched is
checked against its name; a damaged object is refused, never passed on. The library is imported only when the setting is used.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qs, unquote, urlsplit

from desk.clock import Clock
from desk.errors import DeskError, NotFound
from desk.files import FileStore
from desk.sentences import N_

log = logging.getLogger(__name__)

SCHEMES = ("s3+https", "s3+http")
GONE = ("NoSuchKey", "NoSuchObject")  # “NoSuchBucket” is no answer about a file
CONNECT_S, ANSWER_S, TRIES = 3.0, 20.0, 3
AT_ONCE = 8
PIECE = 1 << 20
UNUSED_S = 24 * 3600.0  # a copy that nobody has asked for so long is removed from this machine
TIDY_EVERY_S = 3600.0


class FilesAway(DeskError):
    """The store of files did not answer. What was to be kept is not kept; try again in a moment."""

    status = 503
    retry_after = 5

    def __init__(self) -> None:
        super().__init__(N_("The desk cannot reach its files just now. Nothing was changed; please try again in a moment."))


@dataclass(frozen=True)
class Place:
    """Where the objects lie: `s3+https://KEY:SECRET@HOST[:PORT]/BUCKET[/PREFIX][?region=R]`."""

    secure: bool
    host: str
    key: str
    secret: str
    bucket: str
    prefix: str
    region: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ValueError` for what is no such address."""
        parts = urlsplit(text)
        bucket, _, prefix = parts.path.strip("/").partition("/")
        if parts.scheme not in SCHEMES or not (parts.hostname and parts.username and parts.password and len(bucket) >= 3):
            raise ValueError("give s3+https://KEY:SECRET@HOST/BUCKET, with %-signs for special characters in key and secret")
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        region = parse_qs(parts.query).get("region", ["us-east-1"])[0]
        prefix = f"{prefix.strip('/')}/" if prefix else ""
        return cls(parts.scheme == "s3+https", host, unquote(parts.username), unquote(parts.password), bucket, prefix, region)


def open_files(folder: Path, url: str, clock: Clock) -> FileStore:
    """The store of files that the settings name: the folder itself, or objects elsewhere with copies in the folder."""
    return FilesElsewhere(folder, Place.parse(url), clock) if url else FileStore(folder)


class FilesElsewhere(FileStore):
    """The same store; `folder` holds this machine's copies, and what is being written."""

    def __init__(self, folder: Path, place: Place, clock: Clock) -> None:
        super().__init__(folder)
        self._place, self._clock = place, clock
        self._client = _client(place)
        self._tidy_at = float("-inf")

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self._send(sha256, io.BytesIO(data), len(data))
        self._keep_copy(sha256, [data])
        return sha256

    def settle(self, files: Iterable[tuple[str, str]]) -> None:
        """Each is sent, or known to be there. What `write` found among our copies is made sure of too: others may remove."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as together:
            list(together.map(self._settle_one, files))

    def path(self, sha256: str) -> Path:
        path = self._path(sha256)
        if not path.exists():
            with self._asked():
                answer = self._client.get_object(self._place.bucket, self._name(sha256))
                try:
                    self._keep_copy(sha256, answer.stream(PIECE))
                finally:
                    answer.close()
                    answer.release_conn()
        used_at = self._clock.now().timestamp()
        with suppress(OSError):
            os.utime(path, (used_at, used_at))
        self._tidy()
        return path

    def remove(self, sha256: str) -> None:
        """Other machines lose their copies when they tidy; no row names them, so nobody is shown them meanwhile."""
        with suppress(NotFound), self._asked():
            self._client.remove_object(self._place.bucket, self._name(sha256))
        super().remove(sha256)

    def everything(self) -> Iterator[tuple[str, bytes]]:
        with self._asked():
            start = self._place.prefix
            for found in self._client.list_objects(self._place.bucket, prefix=start, recursive=True):
                with suppress(NotFound):
                    yield found.object_name.rpartition("/")[2], self._bytes(found.object_name)

    def check(self) -> None:
        """Write, read and remove something; raises `FilesAway` or `NotFound` when any of it cannot be done."""
        data, name = b"written by doctor", f"{self._place.prefix}doctor"
        with self._asked():
            self._client.put_object(self._place.bucket, name, io.BytesIO(data), len(data))
        if self._bytes(name) != data:
            raise FilesAway
        with self._asked():
            self._client.remove_object(self._place.bucket, name)

    def _settle_one(self, file: tuple[str, str]) -> None:
        sha256, written = file
        path = Path(written) if written else self._path(sha256)
        if not path.exists():  # our copy was tidied away since: then it is there, or what asked for it is done again
            self.path(sha256)
            return
        with path.open("rb") as data:
            self._send(sha256, data, path.stat().st_size)
        if written:
            place = self._path(sha256)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)

    def _send(self, sha256: str, data: BinaryIO, size: int) -> None:
        with self._asked():
            if not self._is_there(sha256):
                self._client.put_object(self._place.bucket, self._name(sha256), data, size)

    def _is_there(self, sha256: str) -> bool:
        from minio.error import S3Error

        try:
            self._client.stat_object(self._place.bucket, self._name(sha256))
        except S3Error as error:
            if error.code in GONE:
                return False
            raise
        return True

    def _bytes(self, name: str) -> bytes:
        with self._asked():
            answer = self._client.get_object(self._place.bucket, name)
            try:
                return answer.read()
            finally:
                answer.close()
                answer.release_conn()

    def _keep_copy(self, sha256: str, pieces: Iterable[bytes]) -> None:
        """A copy on this machine, if it is what its name says. It need not survive a power cut."""
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._incoming(), delete=False) as file:
            written = Path(file.name)
            try:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
                if digest.hexdigest() != sha256:
                    log.error("the object %s is damaged in the store of files", sha256)
                    raise NotFound("This file is not there.")
            except BaseException:
                written.unlink(missing_ok=True)
                raise
        place = self._path(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        written.replace(place)

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        if now < self._tidy_at + TIDY_EVERY_S:
            return
        self._tidy_at = now
        old = self._clock.now().timestamp() - UNUSED_S
        for path in self.folder.glob("??/??/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < old:
                    path.unlink()

    def _name(self, sha256: str) -> str:
        return f"{self._place.prefix}{sha256[:2]}/{sha256[2:4]}/{sha256}"

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Raises `NotFound` for what is not there, `FilesAway` when the store does not answer or refuses."""
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        try:
            yield
        except S3Error as error:
            if error.code in GONE:
                raise NotFound("This file is not there.") from error
            log.error("the store of files refuses: %s", error.code)
            raise FilesAway from error
        except (MinioException, HTTPError, OSError) as error:
            log.error("the store of files does not answer: %s", error)
            raise FilesAway from error


def _client(place: Place) -> Any:
    import certifi
    import urllib3
    from minio import Minio

    http = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S),
        maxsize=AT_ONCE * 2,
        retries=urllib3.Retry(total=TRIES, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
    )
    return Minio(
        place.host,
        access_key=place.key,
        secret_key=place.secret,
        secure=place.secure,
        region=place.region,
        http_client=http,
    )
