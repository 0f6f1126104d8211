"""Articles as staff see them: the list with its filters, one article with its twin, its versions and what changed between two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import ColumnElement, false, func, or_, select, true
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer
from desk.errors import NotFound
from desk.models import Agent, Article, ArticleFlag, ArticleLink, ArticleRevision, Attachment
from desk.models.article import ARCHIVED, COMPLIANCE, DRAFT, INTERNAL
from desk.queries.articles.files import files_of
from desk.queries.articles.products import about, products_of

PAGE = 50
MOST_PEOPLE = 2_000


@dataclass(frozen=True)
class ArticlePage:
    """One article with what stands around it: its author, its twin in the other language, how often it helped a ticket.

    `behind` are the versions of the twin between which it changed since this translation was made; `replaced_by` answers now.
    """

    article: Article
    author: str
    owner: str
    twin: Article | None
    used: int
    behind: tuple[int, int] | None
    replaced_by: Article | None
    flags: list[tuple[ArticleFlag, str]]
    products: tuple[str, ...]
    files: list[tuple[int, Attachment]]


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
    """Drafts are any writer's, what only colleagues read is for those who may say that it is right, the rest for editors.

    Where rules or prices are concerned it is its owner's alone, and the editors'.
    """
    if viewer.can(Right.PUBLISH_ARTICLES):
        return True
    if article.governance == COMPLIANCE and (viewer.agent_id is None or article.owner_id != viewer.agent_id):
        return False
    if article.state == DRAFT:
        return viewer.can(Right.WRITE_ARTICLES)
    return viewer.can(Right.VALIDATE_ARTICLES) and article.audience == INTERNAL and article.state != ARCHIVED


def may_validate(viewer: Viewer, article: Article) -> bool:
    """Whoever may say that an article is right: of an internal one not its last author, of others editors alone."""
    if viewer.can(Right.PUBLISH_ARTICLES):
        return True
    return may_edit(viewer, article) and viewer.can(Right.VALIDATE_ARTICLES) and article.author_id != viewer.agent_id


def article_list(
    session: Session,
    viewer: Viewer,
    *,
    state: str = "",
    lang: str = "",
    audience: str = "",
    confidence: str = "",
    category: str = "",
    product: str = "",
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
    wanted = {
        Article.state: state,
        Article.lang: lang,
        Article.audience: audience,
        Article.confidence: confidence,
        Article.category: category,
    }
    query = query.where(*(column == value for column, value in wanted.items() if value))
    if product:
        query = query.where(about(product))
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
    owner = session.get(Agent, article.owner_id) if article.owner_id else None
    agreed = article.source_version
    behind = (agreed, twin.version) if twin is not None and agreed is not None and agreed < twin.version else None
    used = session.scalar(select(func.count()).select_from(ArticleLink).where(ArticleLink.article_id == article.id)) or 0
    return ArticlePage(
        article,
        author.name if author else "",
        owner.name if owner else "",
        twin,
        used,
        behind,
        session.get(Article, article.merged_into_id) if article.merged_into_id else None,
        _open_flags(session, article),
        products_of(session, [article.id])[article.id],
        files_of(session, article),
    )


def writers(session: Session, article: Article | None = None) -> list[tuple[int, str]]:
    """(id, name) of the colleagues who can look after an article; who owns this one is among them whatever has become of them."""
    rows = session.execute(select(Agent.id, Agent.name, Agent.roles, Agent.active).order_by(Agent.name).limit(MOST_PEOPLE))
    own = article.owner_id if article is not None else None
    return [
        (agent_id, name)
        for agent_id, name, roles, active in rows
        if agent_id == own or (active and any(Right.WRITE_ARTICLES in ROLE_RIGHTS.get(role, ()) for role in roles))
    ]


def facets(session: Session, rows: Sequence[tuple[Article, str]]) -> dict[str, dict[str, int]]:
    """How many of the articles found have each state, language, audience, confidence and topic, and are about each product."""
    names = ("state", "lang", "audience", "confidence", "category")
    products = products_of(session, [article.id for article, _ in rows])
    counted = {name: dict(Counter(getattr(article, name) for article, _ in rows)) for name in names}
    return counted | {"product": dict(Counter(name for of_one in products.values() for name in of_one))}


def _open_flags(session: Session, article: Article) -> list[tuple[ArticleFlag, str]]:
    query = (
        select(ArticleFlag, func.coalesce(Agent.name, ""))
        .outerjoin(Agent, Agent.id == ArticleFlag.agent_id)
        .where(ArticleFlag.article_id == article.id, ArticleFlag.closed_at.is_(None))
    )
    return [(flag, name) for flag, name in session.execute(query.order_by(ArticleFlag.id).limit(PAGE))]


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
