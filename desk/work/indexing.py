"""Keeps the search index in step with the articles in the database; the index is derived and can always be made again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.installation import Installation
from desk.models import Article as Row
from desk.models.article import ARCHIVED
from desk.queries.articles.products import products_of
from knowledge.article import Article

OVERLAP = timedelta(minutes=5)  # clocks of machines differ, and a change is heard of a little after it was made
MOST_LATE = 2_000  # more than that are written sooner as a new index
BATCH = 500
CHANGING = frozenset(f"article.{what}" for what in ("written", "state_set", "confidence_set", "merged"))


class Indexing:
    """One writer: collects what has changed and writes it in one go."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._changed: set[int] = set()
        self._lock = threading.Lock()

    def follow(self, events: Sequence[Event]) -> bool:
        """Note which articles have changed. True when there is something to write."""
        ids = {event.article_id for event in events if event.article_id is not None and event.kind in CHANGING}
        with self._lock:
            self._changed |= ids
        return bool(ids)

    def check(self) -> None:
        """At start: open the index and write what a process that was killed did not come to.

        It is built anew when it is missing, damaged, old, or does not hold what it should.
        """
        knowledge = self._desk.knowledge
        has_to_be_built, reached = knowledge.open(), knowledge.reached
        begun = self._desk.clock.now()
        late: Sequence[Row] = []
        if not has_to_be_built and reached is not None:
            since = datetime.fromtimestamp(reached, UTC) - OVERLAP
            with self._desk.store.read() as reading:
                late = reading.scalars(select(Row).where(Row.updated_at >= since).limit(MOST_LATE + 1)).all()
                changed = _split(reading, late) if 0 < len(late) <= MOST_LATE else None
            if changed is not None:
                knowledge.update(*changed)
        with self._desk.store.read() as reading:
            held = reading.scalar(select(func.count()).where(Row.state != ARCHIVED)) or 0
        if has_to_be_built or reached is None or len(late) > MOST_LATE or knowledge.count() != held:
            self.rebuild()
        else:
            knowledge.set_reached(begun.timestamp())

    def rebuild(self) -> int:
        """Write the whole index again; returns how many articles it holds."""
        begun = self._desk.clock.now()
        count = self._desk.knowledge.rebuild(self._all())
        self._desk.knowledge.set_reached(begun.timestamp())
        return count

    def turn(self) -> float | None:
        """Write what has changed since."""
        with self._lock:
            ids, self._changed = self._changed, set()
        if not ids:
            return None
        begun = self._desk.clock.now()
        try:
            with self._desk.store.read() as reading:
                changed = _split(reading, reading.scalars(select(Row).where(Row.id.in_(ids))).all())
            self._desk.knowledge.update(*changed)
            self._desk.knowledge.set_reached(begun.timestamp())
        except Exception:
            with self._lock:
                self._changed |= ids
            raise
        return None

    def _all(self) -> Iterator[Article]:
        """Some at a time, and read only when they are asked for: what is changed meanwhile is in it or is written afterwards."""
        last = 0
        while True:
            with self._desk.store.read() as reading:
                query = select(Row).where(Row.id > last, Row.state != ARCHIVED).order_by(Row.id).limit(BATCH)
                rows = reading.scalars(query).all()
                articles, _ = _split(reading, rows)
            if not rows:
                return
            last = rows[-1].id
            yield from articles


def to_article(row: Row, products: tuple[str, ...] = ()) -> Article:
    """The row as the index reads it: whatever is not finished is for colleagues, whoever it is meant for."""
    return Article(
        id=row.key,
        lang=row.lang,  # type: ignore[arg-type]
        title=row.title,
        text=row.text,
        question=row.question,
        summary=row.summary,
        environment=row.environment,
        cause=row.cause,
        category=row.category,
        products=products,
        audience=row.shown_to,  # type: ignore[arg-type]
        tags=tuple(row.tags),
        twin=row.twin_key,
        updated_at=row.updated_at.timestamp(),
    )


def _split(reading: Session, rows: Sequence[Row]) -> tuple[list[Article], list[str]]:
    """What to put into the index, and what to take out."""
    products = products_of(reading, [row.id for row in rows])
    upserts, deletes = [], []
    for row in rows:
        if row.state != ARCHIVED:
            upserts.append(to_article(row, products[row.id]))
        else:
            deletes.append(row.key)
    return upserts, deletes
