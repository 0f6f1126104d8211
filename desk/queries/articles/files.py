"""The files that belong to articles: whoever may read an article may have its files, and nobody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Article, ArticleFile, Attachment

MOST_FILES = 10  # of one article


def files_of(session: Session, article: Article, version: int | None = None) -> list[tuple[int, Attachment]]:
    """(id, file) of each file of an article as it is, or was in a version, in the order in which they came."""
    return files_of_all(session, [article.id], version)[article.id]


def files_of_all(
    session: Session, article_ids: Sequence[int], version: int | None = None
) -> dict[int, list[tuple[int, Attachment]]]:
    """The same of several articles; one without files has an empty list."""
    found: dict[int, list[tuple[int, Attachment]]] = defaultdict(list)
    query = select(ArticleFile.article_id, ArticleFile.id, Attachment)
    query = query.join(Attachment, Attachment.id == ArticleFile.attachment_id).order_by(ArticleFile.id)
    for article_id, file_id, file in session.execute(query.where(ArticleFile.article_id.in_(article_ids), _in(version))):
        found[article_id].append((file_id, file))
    return {article_id: found.get(article_id, []) for article_id in article_ids}


def changed_files(session: Session, article: Article, old: int, new: int) -> list[tuple[str, int, Attachment]]:
    """(same, out or new; id; file) of all files that one of two versions has; 0 is before the first."""
    before, after = ({file.id: row_id for row_id, file in files_of(session, article, version)} for version in (old, new))
    both = {file.id: file for version in (old, new) for _, file in files_of(session, article, version)}
    how = {file_id: "out" if file_id not in after else "same" if file_id in before else "new" for file_id in both}
    return [(how[file_id], (before | after)[file_id], file) for file_id, file in both.items()]


def file_of(session: Session, article: Article, file_id: int, *, or_earlier: bool = False) -> Attachment:
    """A file of this very article, which the reader has been found to be allowed to read; raises `NotFound`.

    With `or_earlier` also one that has been taken away, for those who may read earlier versions.
    """
    query = select(Attachment).join(ArticleFile, ArticleFile.attachment_id == Attachment.id)
    query = query.where(ArticleFile.id == file_id, ArticleFile.article_id == article.id)
    file = session.scalar(query if or_earlier else query.where(_in(None)))
    if file is None:
        raise NotFound("There is no such file.")
    return file


def _in(version: int | None) -> ColumnElement[bool]:
    """The condition on `ArticleFile` that the file is there now, or was in a version."""
    if version is None:
        return ArticleFile.removed_in.is_(None)
    return and_(ArticleFile.added_in <= version, or_(ArticleFile.removed_in.is_(None), ArticleFile.removed_in > version))
