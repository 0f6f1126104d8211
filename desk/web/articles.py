"""The knowledge pages of staff: find, read, write with a preview, publish, and see what changed."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions import articles
from desk.errors import Conflict, Invalid, NotAllowed
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment, whole
from desk.http.problems import say
from desk.models import Article
from desk.models.article import AUDIENCES
from desk.queries.articles import PAGE, access_article, article_list, article_page, compare, may_edit, versions
from desk.sentences import N_
from desk.web.words import everything
from knowledge.markdown import to_html

pages = Blueprint("articles", __name__)

STATES = ("draft", "published", "archived")
LANGS = ("en", "zh")
FIELDS = ("key", "lang", "title", "text", "question", "summary", "audience", "tags", "twin_key", "based_on")
RESERVED = ("new", "preview")  # addresses of pages of our own
MOST_HITS = 50
MOST_TEXT = 200_000


@pages.get("/desk/articles")
@needs(Right.READ_ARTICLES)
def found() -> str:
    asked = {
        "q": request.args.get("q", "").strip()[:200],
        "state": _one_of(request.args.get("state", ""), STATES),
        "lang": _one_of(request.args.get("in", ""), LANGS),
        "audience": _one_of(request.args.get("audience", ""), AUDIENCES),
    }
    ranked: list[str] = []
    if asked["q"]:
        hits = installation().knowledge.search(
            asked["q"], audiences=set(AUDIENCES), lang=asked["lang"] or None, limit=MOST_HITS, snippets=False
        )
        ranked = [hit.id for hit in hits]
    with reading() as session:
        rows = article_list(
            session,
            viewer(),
            state=asked["state"],
            lang=asked["lang"],
            audience=asked["audience"],
            search=asked["q"],
            ranked=ranked,
            before=_cursor(request.args.get("before", "")),
        )
    return render_template(
        "articles/_list.html" if is_fragment() else "articles/list.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE and not asked["q"],
        asked=asked,
        states=STATES,
        audiences=AUDIENCES,
        terms=everything(),
    )


@pages.get("/desk/articles/new")
@needs(Right.WRITE_ARTICLES)
def new() -> str:
    """An empty article, or a copy of one to change: what is published is changed by those who publish."""
    filled: dict[str, Any] = {"lang": viewer().locale, "audience": "internal"}
    if request.args.get("from"):
        with reading() as session:
            filled = _filled(access_article(session, viewer(), request.args["from"])) | {"key": "", "based_on": ""}
    return _editor(filled, {}, None)


@pages.post("/desk/articles/new")
@needs(Right.WRITE_ARTICLES)
def create() -> Response | tuple[str, int]:
    filled = {name: request.form.get(name, "") for name in FIELDS}
    key = filled["key"].strip() or _key_for(filled["title"], filled["lang"])
    try:
        with writing() as tx:
            if key in RESERVED or tx.session.scalar(select(Article.id).where(Article.key == key)) is not None:
                raise Invalid("Another article has this key.", {"key": N_("Another article has this key.")})
            article = articles.write_article(tx, **_values(filled) | {"key": key})
    except Invalid as wrong:
        return _editor(filled, _errors(wrong), None), wrong.status
    flash(gettext("Saved as a draft."), "good")
    return redirect(url_for("articles.one", key=article.key), 303)


@pages.post("/desk/articles/preview")
@needs(Right.WRITE_ARTICLES)
def preview() -> str:
    """The text as it will look."""
    text = request.form.get("text", "")
    if len(text) > MOST_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long.")})
    return render_template(
        "articles/_preview.html",
        body=Markup(to_html(text)),  # noqa: S704  cleaned twice by knowledge.markdown
        title=request.form.get("title", ""),
    )


@pages.get("/desk/articles/<key>")
@needs(Right.READ_ARTICLES)
def one(key: str) -> str:
    with reading() as session:
        page = article_page(session, viewer(), key)
    return render_template(
        "articles/_article.html" if is_fragment() else "articles/one.html",
        page=page,
        article=page.article,
        body=Markup(to_html(page.article.text)),  # noqa: S704  cleaned twice by knowledge.markdown
        may_edit=may_edit(viewer(), page.article),
        terms=everything(),
    )


@pages.get("/desk/articles/<key>/edit")
@needs(Right.WRITE_ARTICLES)
def edit(key: str) -> str:
    with reading() as session:
        article = access_article(session, viewer(), key)
    _check_may_edit(article)
    return _editor(_filled(article), {}, article)


@pages.post("/desk/articles/<key>/edit")
@needs(Right.WRITE_ARTICLES)
def save(key: str) -> Response | tuple[str, int]:
    """A new version, unless somebody has saved one meanwhile: then what was typed stays on the page beside the newer one."""
    filled = {name: request.form.get(name, "") for name in FIELDS}
    with reading() as session:
        article = access_article(session, viewer(), key)
    _check_may_edit(article)
    try:
        with writing() as tx:
            _check_may_edit(access_article(tx.session, viewer(), key))
            articles.write_article(tx, **_values(filled) | {"key": key, "based_on": _based_on(filled)})
    except Conflict as newer:
        return _editor(filled, {"text": say(newer)}, article, newer=article), newer.status
    except Invalid as wrong:
        return _editor(filled, _errors(wrong), article), wrong.status
    flash(gettext("Saved."), "good")
    return redirect(url_for("articles.one", key=key), 303)


@pages.post("/desk/articles/<key>/state")
@needs(Right.PUBLISH_ARTICLES)
def set_state(key: str) -> Response:
    with writing() as tx:
        articles.set_state(tx, access_article(tx.session, viewer(), key), request.form.get("state", ""))
    return redirect(url_for("articles.one", key=key), 303)


@pages.get("/desk/articles/<key>/versions")
@needs(Right.READ_ARTICLES)
def history(key: str) -> str:
    """All versions, and what changed between two of them (the last two at first)."""
    with reading() as session:
        article = access_article(session, viewer(), key)
        all_ = versions(session, article)
    texts = {revision.version: revision for revision, _author in all_}
    new_version = request.args.get("new", article.version, type=int)
    old_version = request.args.get("old", new_version - 1, type=int)
    old, new_ = texts.get(old_version), texts.get(new_version)
    return render_template(
        "articles/versions.html",
        article=article,
        versions=all_,
        old=old,
        new=new_,
        lines=compare(old.text if old else "", new_.text) if new_ else [],
        terms=everything(),
    )


def _editor(filled: dict[str, Any], errors: dict[str, str], article: Article | None, newer: Article | None = None) -> str:
    return render_template(
        "articles/edit.html",
        filled=filled,
        errors=errors,
        article=article,
        newer=newer,
        body=Markup(to_html(str(filled.get("text", ""))[:MOST_TEXT])),  # noqa: S704  cleaned twice by knowledge.markdown
        audiences=AUDIENCES,
        terms=everything(),
    )


def _filled(article: Article) -> dict[str, Any]:
    return {
        "key": article.key,
        "lang": article.lang,
        "title": article.title,
        "text": article.text,
        "question": article.question,
        "summary": article.summary,
        "audience": article.audience,
        "tags": ", ".join(article.tags),
        "twin_key": article.twin_key or "",
        "based_on": article.version,
    }


def _values(filled: dict[str, str]) -> dict[str, Any]:
    if len(filled["text"]) > MOST_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long.")})
    tags = tuple(tag.strip()[:40] for tag in re.split(r"[,，、]", filled["tags"]) if tag.strip())
    return {
        "lang": filled["lang"],
        "title": filled["title"],
        "text": filled["text"].replace("\r\n", "\n"),
        "question": filled["question"],
        "summary": filled["summary"],
        "audience": filled["audience"],
        "tags": tags[:20],
        "twin_key": filled["twin_key"].strip() or None,
    }


def _errors(wrong: Invalid) -> dict[str, str]:
    """The sentence at each field; the whole one where the action names no field."""
    if len(wrong.fields) == 1:
        return {name: say(wrong) for name in wrong.fields}
    return {name: gettext(sentence) for name, sentence in wrong.fields.items()} or {"audience": say(wrong)}


def _based_on(filled: dict[str, str]) -> int:
    version = whole(filled["based_on"])
    if version is None:
        raise Invalid("This form is incomplete. Load the page again and send it once more.")
    return version


def _check_may_edit(article: Article) -> None:
    if not may_edit(viewer(), article):
        raise NotAllowed("Only editors change what is published. Copy it as a draft and ask an editor to publish yours.")


def _key_for(title: str, lang: str) -> str:
    """A key that nobody had to think of: the Latin words of the title, or a few random letters."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-")
    return f"{words or 'article-' + secrets.token_hex(3)}-{lang}"


def _one_of(value: str, values: tuple[str, ...]) -> str:
    return value if value in values else ""


def _cursor(text: str) -> tuple[datetime, int] | None:
    at, _, article_id = text.rpartition(":")
    since, last = moment(at), whole(article_id)
    return None if since is None or last is None else (since, last)
