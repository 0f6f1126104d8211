"""All articles as they are carried to another desk, with their products and files, finished or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.files import FileStore
from desk.models import Article as Row
from desk.models.article import ARCHIVED, PUBLISHED
from desk.queries.articles.files import files_of_all
from desk.queries.articles.products import products_of
from knowledge.article import Article, File

BATCH = 100


def exported(reading: Callable[[], AbstractContextManager[Session]], store: FileStore) -> Iterator[Article]:
    """Everything that is not put away, the oldest first, a few at a time: their files are in memory meanwhile."""
    last = 0
    while True:
        with reading() as session:
            rows = session.scalars(select(Row).where(Row.id > last, Row.state != ARCHIVED).order_by(Row.id).limit(BATCH)).all()
            ids = [row.id for row in rows]
            products, files = products_of(session, ids), files_of_all(session, ids)
            articles = [(row, [(file.name, file.sha256) for _, file in files[row.id]]) for row in rows]
        if not rows:
            return
        last = ids[-1]
        for row, named in articles:
            yield _value(row, products[row.id], tuple(File(name, store.get(sha256)) for name, sha256 in named))


def _value(row: Row, products: tuple[str, ...], files: tuple[File, ...]) -> Article:
    finished = row.state == PUBLISHED
    return Article(
        id=row.key,
        lang=row.lang,  # type: ignore[arg-type]
        title=row.title,
        text=row.text,
        audience=row.audience,  # type: ignore[arg-type]
        tags=tuple(row.tags),
        twin=row.twin_key,
        updated_at=row.updated_at.timestamp(),
        question=row.question,
        summary=row.summary,
        environment=row.environment,
        cause=row.cause,
        category=row.category,
        products=products,
        files=files,
        state="" if finished else row.state,
        confidence=row.confidence,
    )
