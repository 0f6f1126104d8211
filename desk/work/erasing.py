"""Carries out what two people agreed on: customers are erased a few tickets at a time, or restricted as long as a duty asks.

Who is on the list beside the database and back in it, because an older backup was restored, is erased again before all others.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from desk.actions import search_words
from desk.actions.privacy import again, erasing
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Erasure, Setting
from desk.models.search import CUSTOMERS, HEADS, TICKETS
from desk.queries.privacy import erasures

EVERY_S = 3600.0


class Erasing:
    """A part of the worker. A step is one transaction: killed in between, the next begins with what is left."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._list = desk.data_dir / again.NAME
        self._has_looked = False
        self._stuck: set[int] = set()

    def turn(self) -> float | None:
        if not self._has_looked:
            repeat(self._desk, self._list)
            self._has_looked = True
        with self._desk.store.read() as reading:
            due = [each for each in erasures.next_due(reading, self._desk.clock.now()) if each not in self._stuck]
            missing = again.unwritten(reading, self._list)
            to_squeeze = reading.get(Setting, search_words.TO_SQUEEZE) is not None
        again.write_down(self._list, missing)
        if due:
            if not self._step(due[0]):
                self._stuck.add(due[0])
            return 0.0
        self._stuck.clear()
        if to_squeeze:
            self._squeeze()
        return None

    def _step(self, erasure_id: int) -> bool:
        """Whether there is more to do at once."""
        with self._desk.store.read() as reading:
            loose = self._loose(reading, erasure_id)
        with self._desk.store.tx(SYSTEM) as tx:
            erasure = tx.session.get_one(Erasure, erasure_id, with_for_update=True)
            step = erasing.carry_on(tx, erasure, loose)
            # Before the commit: should we die in between, the rows still name the files, and the step is made again.
            for sha256 in step.files:
                self._desk.files.remove(sha256)
            again.write_down(self._list, [erasure])
        return step.goes_on

    def _squeeze(self) -> None:
        """What is gone from the index of words goes from its pages as well, a few at a time."""
        for table in (TICKETS, HEADS, CUSTOMERS):
            first, more = True, True
            while more:
                with self._desk.store.tx(SYSTEM) as tx:
                    more = search_words.squeeze(tx, table, first=first)
                first = False
        with self._desk.store.tx(SYSTEM) as tx:
            search_words.squeezed(tx)

    def _loose(self, reading: Session, erasure_id: int) -> list[int]:
        """Only the last step needs the whole log read."""
        erasure = reading.get_one(Erasure, erasure_id)
        if erasure.customer_id is None or erasures.has_tickets_left(reading, erasure.customer_id):
            return []
        return list(erasures.loose_entries(reading, erasure.customer_id))


def repeat(desk: Installation, path: Path) -> int:
    """Ask once more for what the list says and the database does not know. Answers for how many customers."""
    lines = again.read(path)
    if not lines:
        return 0
    with desk.store.tx(SYSTEM) as tx:
        return again.ask_again(tx, lines)


def erase_again(desk: Installation, path: Path) -> int:
    """The same, and carried out before anybody sees the desk: for whoever has just restored a backup."""
    asked = repeat(desk, path)
    again.take_over(path, desk.data_dir / again.NAME)
    part = Erasing(desk)
    while part.turn() is not None:
        pass
    return asked
