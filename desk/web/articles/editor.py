"""Writing an article with a preview: a new one, a copy, a translation, one from a ticket or for a gap; and a new version."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.articles import articles, gaps
from desk.actions.articles.articles import link
from desk.errors import Conflict, Invalid, NotAllowed
from desk.http.context import reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import Article
from desk.models.article import AUDIENCES, WRITTEN
from desk.models.ticket import CATEGORIES
from desk.queries.articles.articles import access_article, may_edit
from desk.queries.articles.products import all_products, products_of
from desk.queries.articles.sources import from_gap, from_ticket
from desk.sentences import N_
from desk.store import Tx
from desk.web.articles.words import knowledge_words
from knowledge.markdown import to_html

pages = Blueprint("article_editor", __name__)

WORDS = ("title", "text", "question", "summary", "environment", "cause", "category")
FIELDS = (*WORDS, "key", "lang", "audience", "tags", "products", "twin_key", "based_on", "agrees", "ticket", "gap")
RESERVED = ("new", "preview", "work", "words", "gaps", "suggestions")  # addresses of pages of our own
MOST_TEXT = 200_000
MOST_SHOWN = 20  # products that are there already


@pages.get("/desk/articles/new")
@needs(Right.WRITE_ARTICLES)
def new() -> str:
    """An empty article; a copy to change (`from`) or to translate (`translate`); what is known of a ticket or a gap."""
    asked = request.args
    filled: dict[str, Any] = {"lang": viewer().locale, "audience": "internal"}
    source = None
    with reading() as session:
        if asked.get("from"):
            filled = _filled(session, access_article(session, viewer(), asked["from"])) | {"key": "", "based_on": ""}
        elif asked.get("translate"):
            source = access_article(session, viewer(), asked["translate"])
            filled = _to_translate(session, source)
        elif asked.get("ticket"):
            number = whole(asked["ticket"])
            ticket = access_ticket(session, viewer(), number if number is not None else 0)
            filled |= from_ticket(session, ticket)
        elif asked.get("gap"):
            filled |= from_gap(session, whole(asked["gap"]) or 0)
    return _editor(filled, {}, None, source=source)


@pages.post("/desk/articles/new")
@needs(Right.WRITE_ARTICLES)
def create() -> Response | tuple[str, int]:
    filled = {name: request.form.get(name, "") for name in FIELDS}
    try:
        with writing() as tx:
            key = filled["key"].strip() or _free_key(tx.session, filled["title"], filled["lang"])
            if key in RESERVED or _is_taken(tx.session, key):
                raise Invalid("Another article has this key.", {"key": N_("Another article has this key.")})
            article = articles.write_article(tx, **_values(filled) | {"key": key})
            _note_origin(tx, article, filled)
    except Invalid as wrong:
        return _editor(filled, _errors(wrong), None), wrong.status
    flash(gettext("Saved as a draft."), "good")
    return redirect(url_for("articles.one", key=article.key), 303)


@pages.post("/desk/articles/preview")
@needs(Right.WRITE_ARTICLES)
def preview() -> str:
    """The article as it will look."""
    filled = {name: request.form.get(name, "") for name in ("title", "text", "environment", "cause")}
    if len(filled["text"]) > MOST_TEXT or len(filled["cause"]) > MOST_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long.")})
    return render_template("articles/_preview.html", title=filled["title"], environment=filled["environment"], **_shown(filled))


@pages.get("/desk/articles/<key>/edit")
@needs(Right.WRITE_ARTICLES)
def edit(key: str) -> str:
    with reading() as session:
        article = access_article(session, viewer(), key)
        source = _source_of(session, article)
        filled = _filled(session, article)
    _check_may_edit(article)
    return _editor(filled, {}, article, source=source)


@pages.post("/desk/articles/<key>/edit")
@needs(Right.WRITE_ARTICLES)
def save(key: str) -> Response | tuple[str, int]:
    """A new version, unless somebody has saved one meanwhile: then what was typed stays on the page beside the newer one."""
    filled = {name: request.form.get(name, "") for name in FIELDS}
    with reading() as session:
        article = access_article(session, viewer(), key)
        source = _source_of(session, article)
    _check_may_edit(article)
    try:
        with writing() as tx:
            _check_may_edit(access_article(tx.session, viewer(), key))
            articles.write_article(tx, **_values(filled) | {"key": key, "based_on": based_on(filled["based_on"])})
    except Conflict as newer:
        return _editor(filled, {"text": say(newer)}, article, newer=article, source=source), newer.status
    except Invalid as wrong:
        return _editor(filled, _errors(wrong), article, source=source), wrong.status
    flash(gettext("Saved."), "good")
    return redirect(url_for("articles.one", key=key), 303)


def based_on(text: str) -> int:
    """The version that a form was made from; raises `Invalid` for a form without one."""
    version = whole(text)
    if version is None:
        raise Invalid("This form is incomplete. Load the page again and send it once more.")
    return version


def _note_origin(tx: Tx, article: Article, filled: dict[str, str]) -> None:
    """Where it came from: the ticket is linked, and the gap that it is to close knows of it."""
    if number := whole(filled["ticket"]):
        ticket = access_ticket(tx.session, viewer(), number)
        link(tx, ticket, article, viewer().agent_id, WRITTEN)
        gaps.answer_by_ticket(tx, ticket.id, article)
    if gap_id := whole(filled["gap"]):
        gaps.answer(tx, gaps.access_gap(tx, gap_id), article)


def _editor(
    filled: dict[str, Any],
    errors: dict[str, str],
    article: Article | None,
    newer: Article | None = None,
    source: Article | None = None,
) -> str:
    with reading() as session:
        products = all_products(session)
    return render_template(
        "articles/edit.html",
        products=products[:MOST_SHOWN],
        filled=filled,
        errors=errors,
        article=article,
        newer=newer,
        source=source,
        source_body=Markup(to_html(source.text)) if source else "",  # noqa: S704  cleaned twice by knowledge.markdown
        audiences=AUDIENCES,
        categories=CATEGORIES,
        terms=knowledge_words(),
        **_shown(filled),
    )


def _shown(filled: dict[str, Any]) -> dict[str, Any]:
    """The texts as they are read; a cause that is empty is not shown at all."""
    text, cause = str(filled.get("text", ""))[:MOST_TEXT], str(filled.get("cause", ""))[:MOST_TEXT]
    return {
        "body": Markup(to_html(text)),  # noqa: S704  cleaned twice by knowledge.markdown
        "cause": Markup(to_html(cause)) if cause.strip() else "",  # noqa: S704
    }


def _filled(session: Session, article: Article) -> dict[str, Any]:
    return {
        **{name: getattr(article, name) for name in (*WORDS, "key", "lang", "audience")},
        "tags": ", ".join(article.tags),
        "products": ", ".join(products_of(session, [article.id])[article.id]),
        "twin_key": article.twin_key or "",
        "based_on": article.version,
        "agrees": "",
    }


def _to_translate(session: Session, source: Article) -> dict[str, Any]:
    """What is the same in both languages; the words are the translator's."""
    return {
        "lang": "zh" if source.lang == "en" else "en",
        "audience": source.audience,
        "category": source.category,
        "products": ", ".join(products_of(session, [source.id])[source.id]),
        "twin_key": source.key,
        "key": "" if source.twin_key else _key_in(source),
        "agrees": "1",
    }


def _key_in(source: Article) -> str:
    """`refund-en` becomes `refund-zh`; where a key says no language it cannot be told."""
    base = source.key.removesuffix(f"-{source.lang}")
    return "" if base == source.key else f"{base}-{'zh' if source.lang == 'en' else 'en'}"


def _source_of(session: Any, article: Article) -> Article | None:
    """What a translation is made from, to be read beside it."""
    if article.source_version is None or not article.twin_key:
        return None
    return session.scalar(select(Article).where(Article.key == article.twin_key))


def _values(filled: dict[str, str]) -> dict[str, Any]:
    if len(filled["text"]) > MOST_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long.")})
    tags = tuple(tag[:40] for tag in _listed(filled["tags"]))
    return {
        **{name: filled[name].replace("\r\n", "\n") for name in WORDS},
        "lang": filled["lang"],
        "audience": filled["audience"],
        "tags": tags[:20],
        "products": _listed(filled["products"]),
        "twin_key": filled["twin_key"].strip() or None,
        "agrees": bool(filled["agrees"]),
    }


def _listed(text: str) -> list[str]:
    return [each.strip() for each in re.split(r"[,，、]", text) if each.strip()]


def _errors(wrong: Invalid) -> dict[str, str]:
    """The sentence at each field; the whole one where the action names no field."""
    if len(wrong.fields) == 1:
        return {name: say(wrong) for name in wrong.fields}
    return {name: gettext(sentence) for name, sentence in wrong.fields.items()} or {"audience": say(wrong)}


def _check_may_edit(article: Article) -> None:
    if not may_edit(viewer(), article):
        raise NotAllowed("Only editors change what is published. Copy it as a draft and ask an editor to publish yours.")


def _free_key(session: Session, title: str, lang: str) -> str:
    """A key that nobody had to think of: the Latin words of the title, with a few random letters where they are taken or none."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-")
    key = f"{words}-{lang}"
    return key if words and not _is_taken(session, key) else f"{words or 'article'}-{secrets.token_hex(3)}-{lang}"


def _is_taken(session: Session, key: str) -> bool:
    return session.scalar(select(Article.id).where(Article.key == key)) is not None
