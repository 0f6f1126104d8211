"""Keeps the equal words of this process's search in step with the table, whichever process has changed it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError

from desk.events import Event
from desk.installation import Installation
from desk.models import EqualWords


def follow(desk: Installation) -> None:
    """Use the words as they are, and from now on as they become."""
    _load(desk)

    def changed(events: Sequence[Event]) -> None:
        if any(event.kind == "article.words_set" for event in events):
            _load(desk)

    desk.store.subscribe(changed)


def _load(desk: Installation) -> None:
    try:
        with desk.store.read() as reading:
            groups = list(reading.scalars(select(EqualWords.words)))
    except (OperationalError, ProgrammingError):  # a database that has not been prepared has no table yet, and no words
        return
    desk.knowledge.use_equal_words(groups)
