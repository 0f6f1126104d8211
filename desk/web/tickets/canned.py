"""Writing canned replies and macros: everybody their own, supervisors what is shared."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.tickets import canned
from desk.errors import Invalid
from desk.http.context import reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import CannedReply, Queue
from desk.models.canned import LANGUAGES
from desk.queries.tickets.canned import PLACES, canned_of, kind_of, may_change
from desk.web import words

pages = Blueprint("canned", __name__, url_prefix="/desk/canned")
FIELDS = ("whose", "key", "name", "text_en", "text_zh", "priority", "category", "queue", "owner", "then", "tags", "version")


@pages.get("")
@needs(Right.REPLY)
def everything() -> str:
    with reading() as session:
        found = canned_of(session, viewer())
        rows = [(each, kind_of(each), may_change(viewer(), each)) for each in found]
        return render_template("canned/list.html", rows=rows, **_shared(session))


@pages.get("/new")
@needs(Right.REPLY)
def new() -> str:
    return _page(None, {"whose": "own"}, {})


@pages.post("/new")
@needs(Right.REPLY)
def add() -> Response | tuple[str, int]:
    return _save(None)


@pages.get("/<int:canned_id>")
@needs(Right.REPLY)
def one(canned_id: int) -> str:
    with writing() as tx:
        found = canned.changeable(tx, viewer(), canned_id)
    return _page(found, _values(found), {})


@pages.post("/<int:canned_id>")
@needs(Right.REPLY)
def change(canned_id: int) -> Response | tuple[str, int]:
    return _save(canned_id)


@pages.post("/<int:canned_id>/remove")
@needs(Right.REPLY)
def remove(canned_id: int) -> Response:
    with writing() as tx:
        canned.remove_canned(tx, canned.changeable(tx, viewer(), canned_id))
    flash(gettext("Removed."), "good")
    return redirect(url_for("canned.everything"), 303)


def _save(canned_id: int | None) -> Response | tuple[str, int]:
    values = {name: request.form.get(name, "") for name in FIELDS}
    found = None
    try:
        with writing() as tx:
            found = canned.changeable(tx, viewer(), canned_id) if canned_id is not None else None
            canned.write_canned(
                tx,
                viewer(),
                found,
                whose=values["whose"],
                key=values["key"],
                name=values["name"],
                texts={lang: values[f"text_{lang}"] for lang in LANGUAGES},
                steps=canned.steps_from(values),
                version=whole(values["version"]) or 0,
            )
    except Invalid as wrong:
        errors = {name: gettext(sentence) for name, sentence in wrong.fields.items()} or {"name": say(wrong)}
        return _page(found, values, errors), 422
    flash(gettext("Saved."), "good")
    return redirect(url_for("canned.everything"), 303)


def _values(found: CannedReply) -> dict[str, Any]:
    texts = {f"text_{lang}": found.texts.get(lang, "") for lang in LANGUAGES}
    steps = {**found.steps, "tags": ", ".join(found.steps.get("tags", ()))}
    return {"whose": kind_of(found), "key": found.key, "name": found.name, "version": found.version, **texts, **steps}


def _page(found: CannedReply | None, values: dict[str, Any], errors: dict[str, str]) -> str:
    with reading() as session:
        return render_template(
            "canned/one.html", canned=found, values=values, errors=errors, places=PLACES, **_shared(session)
        )  # fmt: skip


def _shared(session: Session) -> dict[str, Any]:
    queues = session.scalars(select(Queue).order_by(Queue.position, Queue.id)).all()
    return {"words": words.everything(), "queues": queues}
