"""The knowledge pages of staff: find, read, and see what changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import get_locale, gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.searches import log_search, note_opened
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment, whole
from desk.models.article import AUDIENCES, CONFIDENCES, STATES
from desk.models.ticket import CATEGORIES
from desk.queries.articles.articles import (
    PAGE,
    access_article,
    article_list,
    article_page,
    compare,
    facets,
    may_edit,
    may_validate,
    versions,
    writers,
)
from desk.queries.articles.files import changed_files
from desk.queries.articles.products import all_products
from desk.web.articles.words import knowledge_words
from knowledge.markdown import to_html

pages = Blueprint("articles", __name__)

LANGS = ("en", "zh")
MOST_HITS = 50
COMPARED = ("title", "question", "environment", "cause", "summary", "audience")  # besides the text


@pages.get("/desk/articles")
@needs(Right.READ_ARTICLES)
def found() -> str:
    """What is searched is noted, as a gap in the knowledge shows by what is found; nobody's turning of filters counts again."""
    asked = {
        "q": request.args.get("q", "").strip()[:200],
        "state": _one_of(request.args.get("state", ""), STATES),
        "lang": _one_of(request.args.get("in", ""), LANGS),
        "audience": _one_of(request.args.get("audience", ""), AUDIENCES),
        "confidence": _one_of(request.args.get("confidence", ""), CONFIDENCES),
        "category": _one_of(request.args.get("topic", ""), CATEGORIES),
        "product": request.args.get("product", "").strip()[:200],
    }
    ranked: list[str] = []
    meant = None
    if asked["q"]:
        index = installation().knowledge
        lang = asked["lang"] or None
        hits = index.search(asked["q"], audiences=AUDIENCES, lang=lang, product=asked["product"], limit=MOST_HITS, snippets=False)
        ranked = [hit.id for hit in hits]
        meant = index.did_you_mean(asked["q"], audiences=AUDIENCES, lang=lang)
        if not is_fragment():
            with writing() as tx:
                session["searched"] = log_search(tx, "console", asked["q"], get_locale().language, len(ranked), _visit())
    with reading() as rows_of:
        wanted = {name: value for name, value in asked.items() if name != "q"}
        before = _cursor(request.args.get("before", ""))
        rows = article_list(rows_of, viewer(), search=asked["q"], ranked=ranked, before=before, **wanted)
        counts = facets(rows_of, rows) if asked["q"] else {}
        products = all_products(rows_of)
    return render_template(
        "articles/_list.html" if is_fragment() else "articles/list.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE and not asked["q"],
        asked=asked,
        meant=meant,
        counts=counts,
        products=products,
        states=STATES,
        audiences=AUDIENCES,
        confidences=CONFIDENCES,
        categories=CATEGORIES,
        terms=knowledge_words(),
    )


@pages.get("/desk/articles/<key>")
@needs(Right.READ_ARTICLES)
def one(key: str) -> str | Response:
    """The article; for one that was merged into another, the other, unless its own page is asked for."""
    with reading() as found_in:
        page = article_page(found_in, viewer(), key)
        people = writers(found_in, page.article) if viewer().can(Right.PUBLISH_ARTICLES) else []
    if page.replaced_by is not None and "itself" not in request.args:
        flash(gettext("“%(title)s” was merged into this article.", title=page.article.title), "info")
        return redirect(url_for("articles.one", key=page.replaced_by.key), 302)
    _note_opened(page.article)
    return render_template(
        "articles/_article.html" if is_fragment() else "articles/one.html",
        page=page,
        article=page.article,
        body=Markup(to_html(page.article.text)),  # noqa: S704  cleaned twice by knowledge.markdown
        cause=Markup(to_html(page.article.cause)) if page.article.cause else "",  # noqa: S704
        may_edit=may_edit(viewer(), page.article),
        may_validate=may_validate(viewer(), page.article),
        people=people,
        terms=knowledge_words(),
    )


@pages.get("/desk/articles/<key>/versions")
@needs(Right.READ_ARTICLES)
def history(key: str) -> str:
    """All versions, and what changed between two of them (the last two at first)."""
    with reading() as found_in:
        article = access_article(found_in, viewer(), key)
        all_ = versions(found_in, article)
        texts = {revision.version: revision for revision, _author in all_}
        new_version = request.args.get("new", article.version, type=int)
        old_version = request.args.get("old", new_version - 1, type=int)
        old, new_ = texts.get(old_version), texts.get(new_version)
        files = changed_files(found_in, article, old_version if old else 0, new_version) if new_ else []
    return render_template(
        "articles/versions.html",
        article=article,
        versions=all_,
        old=old,
        new=new_,
        lines=compare(old.text if old else "", new_.text) if new_ else [],
        others=_other_changes(old, new_),
        files=files,
        may_edit=may_edit(viewer(), article),
        may_destroy=viewer().can(Right.PUBLISH_ARTICLES),
        terms=knowledge_words(),
    )


def _other_changes(old: Any, new: Any) -> list[tuple[str, str, str]]:
    """(field, before, after) of what changed besides the text."""
    if old is None or new is None:
        return []
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in COMPARED)
    return [(name, before, after) for name, before, after in pairs if before != after]


def _note_opened(article: Any) -> None:
    """Whoever searched has found something; once for each search."""
    searched = session.pop("searched", None) if not is_fragment() else None
    if isinstance(searched, int):
        with writing() as tx:
            note_opened(tx, searched, article, _visit())


def _visit() -> str:
    return f"agent:{viewer().agent_id}"


def _one_of(value: str, values: tuple[str, ...]) -> str:
    return value if value in values else ""


def _cursor(text: str) -> tuple[datetime, int] | None:
    at, _, article_id = text.rpartition(":")
    since, last = moment(at), whole(article_id)
    return None if since is None or last is None else (since, last)
