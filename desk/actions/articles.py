"""Knowledge articles: written, revised, published, put away, and used on tickets."""

from __future__ import annotations

import re

from sqlalchemy import select

from desk.errors import Conflict, Invalid, NotFound
from desk.models import Article, ArticleLink, ArticleRevision, Ticket
from desk.models.article import ARCHIVED, AUDIENCES, DRAFT, PUBLISHED
from desk.sentences import N_
from desk.store import Tx
from knowledge.article import Article as ArticleValue

LANGS = ("en", "zh")
MOST_QUESTION, MOST_SUMMARY = 1000, 300
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def write_article(
    tx: Tx,
    *,
    key: str,
    lang: str,
    title: str,
    text: str,
    question: str = "",
    summary: str = "",
    audience: str = "internal",
    tags: tuple[str, ...] = (),
    twin_key: str | None = None,
    based_on: int | None = None,
) -> Article:
    """Add the article with this key, or write a new version of it.

    `based_on` is the version the writer saw; raises `Conflict` when somebody has saved another one meanwhile.
    """
    _check(key, lang, title, text, audience)
    question, summary = " ".join(question.split()), " ".join(summary.split())
    if len(question) > MOST_QUESTION:
        raise Invalid("This text is too long.", {"question": N_("This text is too long.")})
    if len(summary) > MOST_SUMMARY:
        raise Invalid("A summary has at most 300 characters.", {"summary": N_("Please change this.")})
    article = tx.session.scalar(select(Article).where(Article.key == key))
    author = tx.actor.id if tx.actor.kind == "agent" else None
    if article is None:
        article = Article(key=key, lang=lang, created_at=tx.now, version=0, title="", text="", state=DRAFT)
        tx.session.add(article)
    elif based_on is not None and based_on != article.version:
        raise Conflict("Somebody has changed this article meanwhile. Load it again before saving.")
    elif _as_written(article) == (title.strip(), text, question, summary, audience, tags, twin_key, lang):
        return article
    article.question, article.summary = question, summary
    article.lang, article.title, article.text, article.audience = lang, title.strip(), text, audience
    article.tags, article.twin_key, article.author_id = list(tags), twin_key or None, author
    article.version, article.updated_at = article.version + 1, tx.now
    tx.session.flush()
    tx.session.add(
        ArticleRevision(
            article_id=article.id,
            version=article.version,
            title=article.title,
            text=article.text,
            question=article.question,
            summary=article.summary,
            audience=article.audience,
            author_id=author,
            at=tx.now,
        )
    )
    tx.emit("article.written", article=article, data={"version": article.version})
    return article


def publish(tx: Tx, read: ArticleValue) -> Article:
    """Take in an article that was read from a file, and publish it."""
    article = write_article(
        tx,
        key=read.id,
        lang=read.lang,
        title=read.title,
        text=read.text,
        question=read.question,
        summary=read.summary,
        audience=read.audience,
        tags=read.tags,
        twin_key=read.twin,
    )
    set_state(tx, article, PUBLISHED)
    return article


def set_state(tx: Tx, article: Article, state: str) -> None:
    """Publish an article, put it away, or take it back as a draft."""
    if state not in (DRAFT, PUBLISHED, ARCHIVED):
        raise Invalid("An article is a draft, published or archived.")
    if article.state != state:
        tx.emit("article.state_set", article=article, data={"old": article.state, "new": state})
        article.state, article.updated_at = state, tx.now


def link(tx: Tx, ticket: Ticket, article: Article, agent_id: int | None) -> None:
    """Note that the article helped with the ticket; once is enough."""
    if tx.session.get(ArticleLink, (ticket.id, article.id)) is None:
        tx.session.add(ArticleLink(ticket_id=ticket.id, article_id=article.id, agent_id=agent_id, at=tx.now))
        tx.emit("article.linked", article=article, ticket=ticket)


def vote(tx: Tx, article: Article, *, helpful: bool) -> None:
    """A reader says whether the article helped."""
    if helpful:
        article.helpful += 1
    else:
        article.unhelpful += 1
    tx.emit("article.voted", article=article, data={"helpful": helpful})


def access_article(session: object, key: str, audiences: tuple[str, ...]) -> Article:
    """A published article that this audience may read; raises `NotFound` otherwise."""
    query = select(Article).where(Article.key == key, Article.state == PUBLISHED, Article.audience.in_(audiences))
    article = session.scalar(query)  # type: ignore[attr-defined]
    if article is None:
        raise NotFound("There is no such article.")
    return article


def _as_written(article: Article) -> tuple[object, ...]:
    words = (article.title, article.text, article.question, article.summary)
    return (*words, article.audience, tuple(article.tags), article.twin_key, article.lang)


def _check(key: str, lang: str, title: str, text: str, audience: str) -> None:
    if not _KEY.fullmatch(key):
        wrong = {"key": N_("Please change this.")}
        raise Invalid("An article's key has small letters, digits and hyphens, such as refund-en.", wrong)
    if lang not in LANGS:
        raise Invalid("An article is in English or Chinese.")
    if not title.strip() or len(title) > 200:
        raise Invalid("An article needs a title of at most 200 characters.", {"title": N_("Please change this.")})
    if not text.strip():
        raise Invalid("An article needs a text.", {"text": N_("Please write something.")})
    if audience not in AUDIENCES:
        raise Invalid("Choose who may read the article.")
