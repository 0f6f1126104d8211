"""Reading the public help centre: articles by topic, one article with its twin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Article, ArticleProduct, Product
from desk.models.article import PUBLISHED, VALIDATED
from desk.queries.articles.products import about
from knowledge.index import Hit, KnowledgeIndex

READABLE = "public"
READERS = frozenset({READABLE})
MOST_ADDRESSES = 50_000  # as many as one sitemap may have
LEAST_TYPED = 12  # letters, from which on it can be said what somebody writes about
MOST_ARTICLES = 2_000
MOST_PRODUCTS, MOST_OF_PRODUCT = 40, 50
OPEN_TO_ALL = (Article.state == PUBLISHED, Article.audience == READABLE, Article.confidence == VALIDATED)


@dataclass(frozen=True)
class Topic:
    """A heading and its articles, the most helpful first."""

    name: str
    articles: list[tuple[str, str, str]]  # (key, title, summary)


def popular_by_topic(session: Session, lang: str, *, topics: int = 8, per_topic: int = 5) -> list[Topic]:
    """The topics with the most articles, each with its most helpful ones. An article's first tag is its topic."""
    rows = session.execute(
        select(Article.key, Article.title, Article.summary, Article.tags, Article.helpful, Article.unhelpful)
        .where(*OPEN_TO_ALL, Article.lang == lang)
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


def public_products(session: Session, lang: str) -> list[str]:
    """The products that somebody outside can read about in this language."""
    articles = select(ArticleProduct.article_id).join(Article, Article.id == ArticleProduct.article_id)
    has_one = articles.where(ArticleProduct.product_id == Product.id, *OPEN_TO_ALL, Article.lang == lang).exists()
    return list(session.scalars(select(Product.name).where(has_one).order_by(Product.name).limit(MOST_PRODUCTS)))


def of_product(session: Session, lang: str, product: str) -> Topic | None:
    """The articles about a product in a language, the most helpful first; None when nothing can be read about it."""
    rows = session.execute(
        select(Article.key, Article.title, Article.summary)
        .where(*OPEN_TO_ALL, Article.lang == lang, about(product))
        .order_by((Article.helpful - Article.unhelpful).desc(), Article.id)
        .limit(MOST_OF_PRODUCT)
    )
    found = [(key, title, summary) for key, title, summary in rows]
    return Topic(product, found) if found else None


def public_article(session: Session, key: str) -> tuple[Article, Article | None]:
    """A published article for everybody, and the same in the other language if there is one; raises `NotFound`.

    Of one that was merged into another it is the other.
    """
    article = _published(session, key) or _merged(session, key)
    if article is None:
        raise NotFound("There is no such article.")
    return article, _published(session, article.twin_key) if article.twin_key else None


def all_public(session: Session) -> list[tuple[str, datetime, dict[str, str]]]:
    """(key, last change, key of each language) of what everybody may read."""
    rows = session.execute(
        select(Article.key, Article.lang, Article.twin_key, Article.updated_at)
        .where(*OPEN_TO_ALL)
        .order_by(Article.updated_at.desc())
        .limit(MOST_ADDRESSES)
    ).all()
    langs = {key: lang for key, lang, _, _ in rows}
    return [
        (key, at, {lang: key} | ({langs[twin]: twin} if twin in langs and langs[twin] != lang else {}))
        for key, lang, twin, at in rows
    ]


def suggested(index: KnowledgeIndex, text: str, most: int = 3) -> list[Hit]:
    """What might answer somebody who is writing to us. Chinese says in four characters what takes twelve letters."""
    weight = sum(3 if ord(character) > 0x2E80 else 1 for character in text)
    return index.suggest(text, audiences=READERS, limit=most) if weight >= LEAST_TYPED else []


def _merged(session: Session, key: str) -> Article | None:
    into = select(Article.merged_into_id).where(Article.key == key, Article.merged_into_id.is_not(None)).scalar_subquery()
    return session.scalar(select(Article).where(Article.id == into, *OPEN_TO_ALL))


def _published(session: Session, key: str) -> Article | None:
    return session.scalar(select(Article).where(Article.key == key, *OPEN_TO_ALL))
