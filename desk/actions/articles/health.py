"""How well articles are kept, written down with them so that lists can be in that order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from desk.models import Article, ArticleFlag, ArticleLink
from desk.models.article import ARCHIVED
from desk.store import Tx
from knowledge.health import Signs, health

USE_WINDOW = timedelta(days=90)
BATCH = 500


def renew_health(tx: Tx, articles: Sequence[Article]) -> None:
    """Look at these again. Nothing is said of it: the figure follows from what was said before."""
    tx.session.flush()
    ids = [article.id for article in articles]
    used = dict(
        tx.session.execute(
            select(ArticleLink.article_id, func.count())
            .where(ArticleLink.article_id.in_(ids), ArticleLink.at >= tx.now - USE_WINDOW)
            .group_by(ArticleLink.article_id)
        ).all()
    )
    flags = dict(
        tx.session.execute(
            select(ArticleFlag.article_id, func.count())
            .where(ArticleFlag.article_id.in_(ids), ArticleFlag.closed_at.is_(None))
            .group_by(ArticleFlag.article_id)
        ).all()
    )
    for article in articles:
        article.health = health(
            Signs(
                age_s=(tx.now - article.updated_at).total_seconds(),
                review_in_s=(article.review_at - tx.now).total_seconds() if article.review_at else None,
                helpful=article.helpful or 0,
                unhelpful=article.unhelpful or 0,
                used_90_days=used.get(article.id, 0),
                open_flags=flags.get(article.id, 0),
                is_complete=bool(article.question and article.environment and article.summary),
            )
        )


def renew_all(tx: Tx, after: int = 0) -> int | None:
    """The next articles after this id; returns the last id that was looked at, None when there are no more."""
    query = select(Article).where(Article.id > after, Article.state != ARCHIVED).order_by(Article.id).limit(BATCH)
    articles = tx.session.scalars(query).all()
    if not articles:
        return None
    renew_health(tx, articles)
    return articles[-1].id
