"""Reading the public help centre: articles by topic, one article with its twin."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Article
from desk.models.article import PUBLISHED

READABLE = "public"
MOST_ARTICLES = 2_000


@dataclass(frozen=True)
class Topic:
    """A heading and its articles, the most helpful first."""

    name: str
    articles: list[tuple[str, str, str]]  # (key, title, summary)


def popular_by_topic(session: Session, lang: str, *, topics: int = 8, per_topic: int = 5) -> list[Topic]:
    """The topics with the most articles, each with its most helpful ones. An article's first tag is its topic."""
    rows = session.execute(
        select(Article.key, Article.title, Article.summary, Article.tags, Article.helpful, Article.unhelpful)
        .where(Article.state == PUBLISHED, Article.audience == READABLE, Article.lang == lang)
        .order_by(Article.updated_at.desc())
        .limit(MOST_ARTICLES)
    )
    found: dict[str, list[tuple[int, str, str, str]]] = {}
    for key, title, summary, tags, helpful, unhelpful in rows:
        found.setdefault(tags[0] if tags else "", []).append((unhelpful - helpful, title, key, summary))
    largest = sorted(found.items(), key=lambda entry: (not entry[0], -len(entry[1]), entry[0]))[:topics]
    return [
        Topic(name, [(key, title, summary) for _, title, key, summary in sorted(articles)[:per_topic]])
        for name, articles in largest
    ]


def public_article(session: Session, key: str) -> tuple[Article, Article | None]:
    """A published article for everybody, and the same in the other language if there is one; raises `NotFound`."""
    article = _published(session, key)
    if article is None:
        raise NotFound("There is no such article.")
    return article, _published(session, article.twin_key) if article.twin_key else None


def _published(session: Session, key: str) -> Article | None:
    query = select(Article).where(Article.key == key, Article.state == PUBLISHED, Article.audience == READABLE)
    return session.scalar(query)
