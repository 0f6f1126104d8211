"""Lets go by night of what tickets said that were kept long enough, where somebody has switched that on."""

from __future__ import annotations

import logging

from desk.actions.privacy import keeping as letting
from desk.events import SYSTEM
from desk.installation import Installation
from desk.queries.privacy.keeping import keeping, next_over

log = logging.getLogger(__name__)

FIRST_S = 900.0  # a process that has just begun has more urgent things to do
EVERY_S = 24 * 3600.0
REST_S = 0.5  # between two batches: the database is others' meanwhile
BATCH = 20


class KeepingJob:
    """A part of the worker. A batch is one transaction: killed in between, the next begins with what is left."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._again_at = desk.clock.monotonic() + FIRST_S

    def turn(self) -> float | None:
        now = self._desk.clock.monotonic()
        if now < self._again_at:
            return self._again_at - now
        if self.let_go_of_some():
            return REST_S
        self._again_at = now + EVERY_S
        return EVERY_S

    def let_go_of_some(self) -> bool:
        """The next batch; False when there is none."""
        with self._desk.store.read() as reading:
            ids = next_over(reading, self._desk.clock.now(), BATCH) if keeping(reading).on else []
        if not ids:
            return False
        with self._desk.store.tx(SYSTEM) as tx:
            files = letting.let_go(tx, ids)
            # Before the commit: should we die in between, the rows still name them and the next night comes back.
            for sha256 in files:
                self._desk.files.remove(sha256)
        log.info("%d tickets lost their words, as their time is over", len(ids))
        return True
