"""Each version of an article is kept as it read."""

from __future__ import annotations

from desk.models import Article, ArticleRevision
from desk.store import Tx

REVISED = ("title", "text", "question", "summary", "environment", "cause", "audience")


def write_revision(tx: Tx, article: Article) -> None:
    """The article as it reads now becomes its next version."""
    article.version, article.updated_at = article.version + 1, tx.now
    author = tx.actor.id if tx.actor.kind == "agent" else None
    words = {name: getattr(article, name) for name in REVISED}
    tx.session.add(ArticleRevision(article_id=article.id, version=article.version, author_id=author, at=tx.now, **words))
