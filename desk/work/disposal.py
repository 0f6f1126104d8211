"""Works off the confirmed list of cases to delete, a few at a time; the files go with their rows."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.complaints import disposal
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Disposal
from desk.models.complaint_keeping import CONFIRMED


class DisposalJob:
    """A part of the worker. A batch is one transaction: killed in between, it is done again from where it was."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk

    def turn(self) -> float | None:
        with self._desk.store.read() as reading:
            waiting = reading.scalar(select(Disposal.id).where(Disposal.state == CONFIRMED).limit(1))
        if waiting is None:
            return None
        with self._desk.store.tx(SYSTEM) as tx:
            files = disposal.work_off(tx, tx.session.get_one(Disposal, waiting, with_for_update=True))
            # Before the commit: should we die in between, the rows still name them and the next turn comes back.
            for sha256 in files:
                self._desk.files.remove(sha256)
        return 0.0
