"""SQLite's log brought to the disk, for many at once. Why: `docs/decisions/0013-one-sync-for-many-commits.md`."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk.places import left

log = logging.getLogger(__name__)

_sync = getattr(os, "fdatasync", os.fsync)


class Log:
    """The write-ahead log beside the database file `database`.

    One flush serves everybody who had written before it began; who comes meanwhile waits for the next one, with the others.
    """

    def __init__(self, database: str) -> None:
        self._path = Path(f"{database}-wal")
        self._changed = threading.Condition()
        self._asked = self._done = self._failed = 0
        self._open = 0
        self._busy = False

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Commit within the block; when it ends, all that was committed is on the disk. Raises OSError when it may not be."""
        with self._changed:
            self._open += 1
        try:
            yield
            self._keep()
        finally:
            with self._changed:
                self._open -= 1

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Only read within the block: when it ends, what others had committed is on the disk. Who answers by it promises it."""
        yield
        with self._changed:
            if not self._open:
                return
        self._keep()

    def _keep(self) -> None:
        with left(), self._changed:
            self._asked += 1
            mine = self._asked
            while self._done < mine:
                if self._busy:
                    self._changed.wait()
                else:
                    self._flush()
            if mine <= self._failed:
                raise OSError(f"{self._path} could not be brought to the disk")

    def _flush(self) -> None:
        """For all who have asked so far. Called with the lock held, which is free while the disk works."""
        self._busy, upto, good = True, self._asked, False
        self._changed.release()
        try:
            self._bring()
            good = True
        except OSError:
            log.exception("the disk did not keep what was committed")
        finally:
            self._changed.acquire()
            self._busy, self._done = False, upto
            if not good:
                self._failed = upto
            self._changed.notify_all()

    def _bring(self) -> None:
        try:
            file = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            return  # the last connection was closed, which carried the log into the database and synced that
        try:
            _sync(file)
        finally:
            os.close(file)
