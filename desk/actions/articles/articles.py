"""Knowledge articles: written, revised, published, put away, and used on tickets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from desk.actions.articles.files import add_files, put_back_files
from desk.actions.articles.gaps import article_published
from desk.actions.articles.health import renew_health
from desk.actions.articles.revisions import REVISED, write_revision
from desk.actions.timers import clear_timer
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.models import Article, ArticleLink, ArticleProduct, ArticleRevision, ArticleVote, Product, SearchLog, Ticket
from desk.models.article import (
    ARCHIVED,
    AUDIENCES,
    CONFIDENCES,
    DRAFT,
    INSERTED,
    INTERNAL,
    LINKED,
    NOT_VALIDATED,
    PUBLISHED,
    STATES,
    VALIDATED,
    WIP,
    WRITTEN,
)
from desk.models.ticket import CATEGORIES
from desk.queries.articles.products import key_of, products_of
from desk.sentences import N_
from desk.store import Tx
from knowledge.article import Article as ArticleValue
from knowledge.private import secrets_in

LANGS = ("en", "zh")
MOST_QUESTION, MOST_SUMMARY, MOST_CAUSE = 1000, 300, 20_000
MOST_PRODUCTS, LONGEST_PRODUCT = 20, 60
USES = (LINKED, INSERTED, WRITTEN)
PUBLISH_TIMER, ARCHIVE_TIMER = "article.publish", "article.archive"
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
# What comes from elsewhere keeps its name there, as far as it can be part of an address and of a file's name.
_KEY_FROM_ELSEWHERE = re.compile(r"\w[^\s/\\?#%\x00-\x1f\x7f]{0,199}")


def write_article(
    tx: Tx,
    *,
    key: str,
    lang: str,
    title: str,
    text: str,
    question: str = "",
    summary: str = "",
    environment: str | None = None,
    cause: str | None = None,
    category: str | None = None,
    audience: str = INTERNAL,
    tags: tuple[str, ...] = (),
    products: Sequence[str] | None = None,
    twin_key: str | None = None,
    based_on: int | None = None,
    agrees: bool = False,
) -> Article:
    """Add the article with this key, or write a new version of it. What is None stays as it is.

    `based_on` is the version the writer saw; raises `Conflict` when somebody has saved another one meanwhile. With `agrees` it
    says what its twin says now: it is a translation of that version.
    """
    _check(lang, title, text, audience)
    question, summary = " ".join(question.split()), " ".join(summary.split())
    if len(question) > MOST_QUESTION:
        raise Invalid("This text is too long.", {"question": N_("This text is too long.")})
    if len(summary) > MOST_SUMMARY:
        raise Invalid("A summary has at most 300 characters.", {"summary": N_("Please change this.")})
    article = tx.session.scalar(select(Article).where(Article.key == key))
    if article is None and not _KEY.fullmatch(key) and not (tx.actor.kind == "system" and _KEY_FROM_ELSEWHERE.fullmatch(key)):
        wrong = {"key": N_("Please change this.")}
        raise Invalid("An article's key has small letters, digits and hyphens, such as refund-en.", wrong)
    environment = " ".join((environment if environment is not None else article.environment if article else "").split())
    cause = (cause if cause is not None else article.cause if article else "").strip()
    category = category if category is not None else article.category if article else ""
    if len(environment) > MOST_SUMMARY or len(cause) > MOST_CAUSE:
        field = "cause" if len(cause) > MOST_CAUSE else "environment"
        raise Invalid("This text is too long.", {field: N_("This text is too long.")})
    if category and category not in CATEGORIES:
        raise Invalid("Please choose one of the topics.", {"category": N_("Please change this.")})
    said = products_of(tx.session, [article.id])[article.id] if article else ()
    names = _products(products) if products is not None else list(said)
    author = tx.actor.agent_id
    new = (title.strip(), text, question, summary, environment, cause, category, audience, tags, twin_key, lang)
    if article is None:
        article = Article(key=key, lang=lang, created_at=tx.now, version=0, title="", text="", state=DRAFT, owner_id=author)
        tx.session.add(article)
    elif based_on is not None and based_on != article.version:
        raise Conflict("Somebody has changed this article meanwhile. Load it again before saving.")
    elif _as_written(article) == new and set(map(key_of, said)) == set(map(key_of, names)) and not agrees:
        return article
    article.question, article.summary, article.environment, article.cause = question, summary, environment, cause
    article.lang, article.title, article.text, article.audience = lang, title.strip(), text, audience
    article.category, article.tags, article.twin_key, article.author_id = category, list(tags), twin_key or None, author
    article.updated_at = tx.now
    tx.session.flush()
    if products is not None:
        _set_products(tx, article, names)
    _follow_twin(tx, article, agrees)
    write_revision(tx, article)
    renew_health(tx, [article])
    tx.emit("article.written", article=article, data={"version": article.version})
    return article


def restore(tx: Tx, article: Article, version: int, based_on: int | None = None) -> Article:
    """Write an earlier version once more, with its files, as the newest one; raises `NotFound` when there was none."""
    of_article = ArticleRevision.article_id == article.id
    old = tx.session.scalar(select(ArticleRevision).where(of_article, ArticleRevision.version == version))
    if old is None:
        raise NotFound("There is no such version.")
    words = {name: getattr(old, name) for name in REVISED if name != "audience"}
    kept = {"audience": article.audience, "tags": tuple(article.tags), "twin_key": article.twin_key}
    write_article(tx, key=article.key, lang=article.lang, based_on=based_on, **words, **kept)
    put_back_files(tx, article, version)
    return article


def publish(tx: Tx, read: ArticleValue, files: Sequence[KeptFile] = ()) -> Article:
    """Take in an article that was read from a file, with its own files, and publish it unless it says that it is not finished.

    Of an article that is there already, what the file does not say stays as it is.
    """
    if read.state not in ("", *STATES) or read.confidence not in ("", *CONFIDENCES):
        raise Invalid("An article is a draft, published or archived.")
    article = write_article(
        tx,
        key=read.id,
        lang=read.lang,
        title=read.title,
        text=read.text,
        question=read.question,
        summary=read.summary,
        environment=read.environment or None,
        cause=read.cause or None,
        category=read.category or None,
        audience=read.audience,
        tags=read.tags,
        products=read.products or None,
        twin_key=read.twin,
    )
    add_files(tx, article, files)
    set_state(tx, article, read.state or PUBLISHED)
    if read.confidence and read.confidence != article.confidence:
        tx.emit("article.confidence_set", article=article, data={"old": article.confidence, "new": read.confidence})
        article.confidence = read.confidence
        renew_health(tx, [article])
    return article


def set_state(tx: Tx, article: Article, state: str) -> None:
    """Publish an article, put it away, or take it back as a draft. Who publishes it for customers says that it is right."""
    if state not in STATES:
        raise Invalid("An article is a draft, published or archived.")
    if article.state == state:
        return
    tx.emit("article.state_set", article=article, data={"old": article.state, "new": state})
    article.state, article.updated_at = state, tx.now
    if state == PUBLISHED and article.audience != INTERNAL:
        article.confidence = VALIDATED
    elif state == PUBLISHED and article.confidence == WIP:
        article.confidence = NOT_VALIDATED
    if state == PUBLISHED:
        article_published(tx, article)
    if state != ARCHIVED:
        article.merged_into_id = None
    for timer, at in ((PUBLISH_TIMER, "publish_at"), (ARCHIVE_TIMER, "archive_at")):
        if state == ARCHIVED or (timer == PUBLISH_TIMER and state == PUBLISHED):
            clear_timer(tx, timer, str(article.id))
            setattr(article, at, None)
    renew_health(tx, [article])


def link(tx: Tx, ticket: Ticket, article: Article, agent_id: int | None, how: str = LINKED) -> None:
    """Note that the article helped with the ticket; once is enough, though what was inserted says more than a link."""
    found = tx.session.get(ArticleLink, (ticket.id, article.id))
    if found is None:
        tx.session.add(ArticleLink(ticket_id=ticket.id, article_id=article.id, agent_id=agent_id, at=tx.now, how=how))
        tx.emit("article.linked", article=article, ticket=ticket, data={"how": how})
        renew_health(tx, [article])
    elif found.how == LINKED and how != LINKED:
        found.how = how
        tx.emit("article.linked", article=article, ticket=ticket, data={"how": how})


def vote(tx: Tx, article: Article, *, helpful: bool, search_id: int | None = None) -> int:
    """A reader says whether the article helped, perhaps after a search; returns the vote's id, to say why later."""
    said = ArticleVote(article_id=article.id, at=tx.now, helpful=helpful)
    tx.session.add(said)
    search = tx.session.get(SearchLog, search_id) if search_id is not None else None
    if search is not None:
        search.helped = search.helped or helpful
    if helpful:
        article.helpful += 1
    else:
        article.unhelpful += 1
    renew_health(tx, [article])
    tx.emit("article.voted", article=article, data={"helpful": helpful})
    return said.id


def _follow_twin(tx: Tx, article: Article, agrees: bool) -> None:
    """A translation remembers which version it says; the first time that two are joined, both know of it."""
    twin = tx.session.scalar(select(Article).where(Article.key == article.twin_key)) if article.twin_key else None
    if article.twin_key == article.key or (twin is not None and twin.lang == article.lang):
        raise Invalid("The twin of an article is in the other language.", {"twin_key": N_("Please change this.")})
    if twin is None:
        article.source_version = None
        return
    if twin.twin_key is None:
        twin.twin_key = article.key
    if agrees:
        article.source_version, twin.source_version = twin.version, None


def _as_written(article: Article) -> tuple[object, ...]:
    words = (article.title, article.text, article.question, article.summary, article.environment, article.cause)
    return (*words, article.category, article.audience, tuple(article.tags), article.twin_key, article.lang)


def _products(names: Sequence[str]) -> list[str]:
    clean = {key_of(name): " ".join(name.split()) for name in names if key_of(name)}
    if len(clean) > MOST_PRODUCTS or any(len(name) > LONGEST_PRODUCT for name in clean.values()):
        raise Invalid(
            "An article names at most %(count)s products, each with at most %(length)s characters.",
            {"products": N_("Please change this.")},
            count=MOST_PRODUCTS,
            length=LONGEST_PRODUCT,
        )
    return list(clean.values())


def _set_products(tx: Tx, article: Article, names: Sequence[str]) -> None:
    """Say which products it is about; one that is known already is written as it was first."""
    keys = {key_of(name): name for name in names}
    known = select(Product.id).where(Product.key.in_(keys))
    there = set(tx.session.scalars(select(Product.key).where(Product.key.in_(keys))))
    for key in sorted(keys.keys() - there):
        with suppress(IntegrityError), tx.session.begin_nested():  # somebody else may name it first at this moment
            tx.session.add(Product(key=key, name=keys[key]))
    tx.session.execute(delete(ArticleProduct).where(ArticleProduct.article_id == article.id))
    tx.session.add_all(
        ArticleProduct(article_id=article.id, product_id=product_id) for product_id in tx.session.scalars(known).all()
    )


def _check(lang: str, title: str, text: str, audience: str) -> None:
    if lang not in LANGS:
        raise Invalid("An article is in English or Chinese.")
    if not title.strip() or len(title) > 200:
        raise Invalid("An article needs a title of at most 200 characters.", {"title": N_("Please change this.")})
    if not text.strip():
        raise Invalid("An article needs a text.", {"text": N_("Please write something.")})
    if audience not in AUDIENCES:
        raise Invalid("Choose who may read the article.", {"audience": N_("Please change this.")})
    if secrets_in(f"{title}\n{text}"):
        raise Invalid(
            "The text holds what looks like a card or an identity number. Take it out: an article is read by many.",
            {"text": N_("Please change this.")},
        )
