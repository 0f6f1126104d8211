"""The files that belong to articles: whoever may read an article may have its files, and nobody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Article, ArticleFile, Attachment

MOST_FILES = 10  # of one article


def files_of(session: Session, article: Article) -> list[tuple[int, Attachment]]:
    """(id, file) of each file of an article, in the order in which they came."""
    return files_of_all(session, [article.id])[article.id]


def files_of_all(session: Session, article_ids: Sequence[int]) -> dict[int, list[tuple[int, Attachment]]]:
    """The same of several articles; one without files has an empty list."""
    found: dict[int, list[tuple[int, Attachment]]] = defaultdict(list)
    query = select(ArticleFile.article_id, ArticleFile.id, Attachment)
    query = query.join(Attachment, Attachment.id == ArticleFile.attachment_id).order_by(ArticleFile.id)
    for article_id, file_id, file in session.execute(query.where(ArticleFile.article_id.in_(article_ids))):
        found[article_id].append((file_id, file))
    return {article_id: found.get(article_id, []) for article_id in article_ids}


def file_of(session: Session, article: Article, file_id: int) -> Attachment:
    """A file of this very article, which the reader has been found to be allowed to read; raises `NotFound`."""
    query = select(Attachment).join(ArticleFile, ArticleFile.attachment_id == Attachment.id)
    file = session.scalar(query.where(ArticleFile.id == file_id, ArticleFile.article_id == article.id))
    if file is None:
        raise NotFound("There is no such file.")
    return file
