"""One folder for the servers of a test run, and a keeper that stops them however the run ends."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# `read` returns when the other end of the pipe is gone, which the kernel sees to even when the run is killed outright.
STOP_ALL = 'read -r _; for stop in "$0"/*.stop; do [ ! -e "$stop" ] || sh "$stop"; done; rm -rf "$0"'


MEMORY, ROOM = Path("/dev/shm"), 2 << 30
"""Where a run has room for its databases in memory: what a disk would keep for ever is thrown away in minutes anyway."""


class Keeper:
    """Holds `folder` until `stop`, or until this process is gone; then runs every `*.stop` script in it and removes it."""

    def __init__(self) -> None:
        # Directly below one of these because the path of a socket may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="desk-tests-", dir=MEMORY if _has_room(MEMORY) else "/tmp"))
        self.folder.chmod(0o755)
        # A session of its own, so that Ctrl-C stops the tests and not the keeper.
        self._process = subprocess.Popen(
            ["sh", "-c", STOP_ALL, str(self.folder)], stdin=subprocess.PIPE, cwd="/", start_new_session=True
        )

    def stop(self) -> None:
        """Stop every server of the run and wait until they are gone."""
        self._process.communicate(timeout=60)


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free > ROOM


@contextmanager
def only_one(folder: Path, what: str) -> Iterator[None]:
    """Let one test worker at a time start `what`."""
    with (folder / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
