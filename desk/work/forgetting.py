"""Forgets by the day what nobody needs any more, so little at a time that nobody waits for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from desk.actions.forgetting import KINDS, Forgotten, forget_some
from desk.events import SYSTEM
from desk.installation import Installation

log = logging.getLogger(__name__)

FIRST_S = 600.0  # a process that has just begun has more urgent things to do
EVERY_S = 24 * 3600.0
REST_S = 0.2  # between two batches: the database is others' meanwhile


class Forgetting:
    """A part of the worker. Each turn is one batch of one kind, in a transaction of its own.

    A process that ends in the middle loses only its place: what is gone is gone, and the next walk begins with what is left.
    """

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._walk = self._walks()
        self._again_at = desk.clock.monotonic() + FIRST_S

    def turn(self) -> float | None:
        """The next batch, if it is time; returns the seconds until the next."""
        now = self._desk.clock.monotonic()
        if now < self._again_at:
            return self._again_at - now
        try:
            next(self._walk)
        except StopIteration:
            self._again_at, self._walk = now + EVERY_S, self._walks()
            return EVERY_S
        except Exception:
            self._walk = self._walks()  # a generator that failed is at its end
            raise
        return REST_S

    def _walks(self) -> Iterator[None]:
        for name in KINDS:
            rows, after = 0, None
            while True:
                found = self._batch(name, after)
                rows, after = rows + found.rows, found.after
                if after is None:
                    break
                yield
            if rows:
                log.info("forgot %d rows: %s", rows, name)
            yield

    def _batch(self, name: str, after: Any) -> Forgotten:
        with self._desk.store.tx(SYSTEM) as tx:
            return forget_some(tx, KINDS[name], after)
