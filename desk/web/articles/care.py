"""What is done with an article besides writing it: published, trusted, looked after, timed, merged, found faulty, put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right, Viewer
from desk.actions.articles import articles, care
from desk.errors import Invalid, NotAllowed
from desk.http.context import installation, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Article
from desk.models.article import VALIDATED
from desk.queries.articles.articles import access_article, may_edit, may_validate
from desk.sentences import N_
from desk.store import Tx
from desk.web.articles.editor import based_on

pages = Blueprint("article_care", __name__, url_prefix="/desk/articles/<key>")


@contextmanager
def changing(
    key: str, may: Callable[[Viewer, Article], bool] | None = None, refusal: str = "Your role does not allow this."
) -> Iterator[tuple[Tx, Article]]:
    """A transaction with the article in it; raises `NotAllowed` with `refusal` when the viewer `may` not."""
    with writing() as tx:
        article = access_article(tx.session, viewer(), key)
        if may is not None and not may(viewer(), article):
            raise NotAllowed(refusal)
        yield tx, article


@pages.post("/state")
@needs(Right.PUBLISH_ARTICLES)
def set_state(key: str) -> Response:
    with changing(key) as (tx, article):
        articles.set_state(tx, article, request.form.get("state", ""))
    return back(key)


@pages.post("/confidence")
@needs(Right.WRITE_ARTICLES)
def set_confidence(key: str) -> Response:
    """How sure we are of it. That it is right, its last author does not say alone."""
    confidence = request.form.get("confidence", "")
    may = may_validate if confidence == VALIDATED else may_edit
    with changing(key, may, N_("Somebody else has to say that this article is right.")) as (tx, article):
        care.set_confidence(tx, article, confidence)
    return back(key)


@pages.post("/care")
@needs(Right.PUBLISH_ARTICLES)
def look_after(key: str) -> Response:
    owner = request.form.get("owner", "")
    with changing(key) as (tx, article):
        care.look_after(
            tx,
            article,
            owner_id=_owner(owner),
            review_at=_moment("review_at", whole_day=True),
            governance=request.form.get("governance", ""),
        )
    flash(gettext("Saved."), "good")
    return back(key)


@pages.post("/reviewed")
@needs(Right.WRITE_ARTICLES)
def reviewed(key: str) -> Response:
    with changing(key, may_edit) as (tx, article):
        care.reviewed(tx, article)
    flash(gettext("Noted: it still holds. The next look is in half a year."), "good")
    return back(key)


@pages.post("/schedule")
@needs(Right.PUBLISH_ARTICLES)
def schedule(key: str) -> Response:
    with changing(key) as (tx, article):
        care.schedule(tx, article, publish_at=_moment("publish_at"), archive_at=_moment("archive_at"))
    flash(gettext("Saved."), "good")
    return back(key)


@pages.post("/merge")
@needs(Right.PUBLISH_ARTICLES)
def merge(key: str) -> Response:
    with changing(key) as (tx, article):
        into = tx.session.scalar(select(Article).where(Article.key == request.form.get("into", "").strip()))
        if into is None:
            raise Invalid("There is no article with this key.", {"into": N_("Please change this.")})
        files_go_along = care.merge(tx, article, into)
    flash(gettext("Merged. Whoever asks for the other one is led here."), "good")
    if not files_go_along:
        flash(gettext("Its files stayed with it: more people may read this article than could read that one."), "warn")
    return back(into.key)


@pages.post("/restore")
@needs(Right.WRITE_ARTICLES)
def restore(key: str) -> Response:
    version = whole(request.form.get("version", ""))
    refusal = N_("Only editors change what is published. Copy it as a draft and ask an editor to publish yours.")
    with changing(key, may_edit, refusal) as (tx, article):
        articles.restore(tx, article, version or 0, based_on(request.form.get("based_on", "")))
    flash(gettext("Version %(version)s is the newest again.", version=version), "good")
    return back(key)


@pages.post("/flag")
@needs(Right.READ_ARTICLES)
def flag(key: str) -> Response:
    with changing(key) as (tx, article):
        care.flag(tx, article, reason=request.form.get("reason", ""), note=request.form.get("note", ""))
    flash(gettext("Thank you. An editor will look at it."), "good")
    return back(key)


@pages.post("/flags/<int:flag_id>/close")
@needs(Right.WRITE_ARTICLES)
def close_flag(key: str, flag_id: int) -> Response:
    with changing(key, may_edit) as (tx, article):
        care.close_flag(tx, article, flag_id)
    return back(key)


def back(key: str) -> Response:
    """To the page of the article."""
    return redirect(url_for("articles.one", key=key), 303)


def _owner(text: str) -> int | None:
    """Nobody, or the colleague with this id; what is no id is nobody who works here."""
    if not text:
        return None
    owner = whole(text)
    return owner if owner is not None else 0


def _moment(field: str, *, whole_day: bool = False) -> datetime | None:
    """A time as a form says it, in the company's zone; a day alone ends with the day. None: empty."""
    text = request.form.get(field, "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(f"{text}T23:59" if whole_day else text)
        if at.tzinfo is not None:
            raise ValueError(text)
        return at.replace(tzinfo=ZoneInfo(installation().settings.timezone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("Choose a time in the next five years.", {field: N_("Please change this.")}) from error
