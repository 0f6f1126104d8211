"""Each version of an article is kept as it read."""

from __future__ import annotations

from desk.models import Article, ArticleRevision
from desk.store import Tx

REVISED = ("title", "text", "question", "summary", "environment", "cause", "audience")


def write_revision(tx: Tx, article: Article) -> None:
    """The article as it reads now becomes its next version."""
    article.version, article.updated_at = article.version + 1, tx.now
    words = {name: getattr(article, name) for name in REVISED}
    by = {"author_id": tx.actor.agent_id, "at": tx.now}
    tx.session.add(ArticleRevision(article_id=article.id, version=article.version, **by, **words))


def have_own_version(tx: Tx, article: Article) -> None:
    """What follows belongs to the version that this transaction has written, or to a new one."""
    if not any(event["kind"] == "article.written" and event["article_id"] == article.id for event in reversed(tx.pending)):
        write_revision(tx, article)
