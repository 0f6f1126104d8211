"""Articles as staff see them: the list with its filters, one article with its twin, its versions and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.errors import NotFound
from desk.models import Agent, Article, ArticleLink, ArticleRevision
from desk.models.article import DRAFT

PAGE = 50


@dataclass(frozen=True)
class ArticlePage:
    """One article with what stands around it: its author, its twin in the other language, how often it helped a ticket."""

    article: Article
    author: str
    twin: Article | None
    used: int


@dataclass(frozen=True)
class Line:
    """One line of a comparison: `kind` is same, out or new."""

    kind: str
    text: str


def visible_articles(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `Article`: colleagues read everything, drafts too; administrators see no content."""
    return true() if viewer.can(Right.READ_ARTICLES) else false()


def access_article(session: Session, viewer: Viewer, key: str) -> Article:
    """The article with this key if the viewer may read it; raises `NotFound` otherwise, whichever the reason."""
    article = session.scalar(select(Article).where(Article.key == key, visible_articles(viewer)))
    if article is None:
        raise NotFound("There is no such article.")
    return article


def may_edit(viewer: Viewer, article: Article) -> bool:
    """Drafts are any writer's; what customers may already read changes only by those who publish."""
    return viewer.can(Right.PUBLISH_ARTICLES) or (viewer.can(Right.WRITE_ARTICLES) and article.state == DRAFT)


def article_list(
    session: Session,
    viewer: Viewer,
    *,
    state: str = "",
    lang: str = "",
    audience: str = "",
    search: str = "",
    ranked: Sequence[str] = (),
    before: tuple[datetime, int] | None = None,
) -> list[tuple[Article, str]]:
    """A page of articles with their authors, the latest change first. One row more than `PAGE` says that there is another page.

    With `search` it is one page: `ranked` are the keys that the index found, best first; then titles that begin like it, so that
    drafts, which are in no index, are found too.
    """
    query = select(Article, func.coalesce(Agent.name, "")).outerjoin(Agent, Agent.id == Article.author_id)
    query = query.where(visible_articles(viewer))
    for column, value in ((Article.state, state), (Article.lang, lang), (Article.audience, audience)):
        if value:
            query = query.where(column == value)
    if search:
        start = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(
            or_(
                Article.key.in_(ranked), Article.title.like(f"%{start}%", escape="\\"), Article.key.like(f"{start}%", escape="\\")
            )
        )
    if before is not None:
        query = query.where(or_(Article.updated_at < before[0], (Article.updated_at == before[0]) & (Article.id < before[1])))
    rows = session.execute(query.order_by(Article.updated_at.desc(), Article.id.desc()).limit(PAGE + 1))
    found = [(article, author) for article, author in rows]
    if search:
        places = {key: place for place, key in enumerate(ranked)}
        found.sort(key=lambda row: places.get(row[0].key, len(places)))
    return found


def article_page(session: Session, viewer: Viewer, key: str) -> ArticlePage:
    """One article for its page; raises `NotFound`."""
    article = access_article(session, viewer, key)
    author = session.get(Agent, article.author_id) if article.author_id else None
    twin = None
    if article.twin_key:
        twin = session.scalar(select(Article).where(Article.key == article.twin_key, visible_articles(viewer)))
    used = session.scalar(select(func.count()).select_from(ArticleLink).where(ArticleLink.article_id == article.id)) or 0
    return ArticlePage(article, author.name if author else "", twin, used)


def versions(session: Session, article: Article) -> list[tuple[ArticleRevision, str]]:
    """All versions with their authors, the latest first."""
    query = (
        select(ArticleRevision, func.coalesce(Agent.name, ""))
        .outerjoin(Agent, Agent.id == ArticleRevision.author_id)
        .where(ArticleRevision.article_id == article.id)
        .order_by(ArticleRevision.version.desc())
    )
    return [(revision, author) for revision, author in session.execute(query)]


def compare(old: str, new: str) -> list[Line]:
    """Two texts line by line."""
    before, after = old.splitlines(), new.splitlines()
    lines: list[Line] = []
    for what, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [Line("same", text) for text in before[i1:i2]]
        else:
            lines += [Line("out", text) for text in before[i1:i2]]
            lines += [Line("new", text) for text in after[j1:j2]]
    return lines
