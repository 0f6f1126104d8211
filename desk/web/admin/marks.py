"""What tickets are marked with: the tags of the installation, and its own questions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.tickets import own_fields, tags
from desk.errors import Conflict, DeskError, Invalid
from desk.http.context import reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import TicketField
from desk.models.tag import COLOURS
from desk.models.ticket_field import FIELD_KINDS
from desk.queries.tickets.own_fields import all_fields
from desk.queries.tickets.tags import all_tags
from desk.web.admin.page import field_errors, page

pages = Blueprint("admin_marks", __name__)
FORM = ("key", "kind", "label_en", "label_zh", "choices", "needed", "position")


@pages.get("/admin/tags")
@needs(Right.READ_SETTINGS)
def all_of_them() -> str:
    return _tags({})


@pages.post("/admin/tags")
@needs(Right.ADMINISTER)
def add() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            tags.tag_named(tx, request.form.get("word", ""))
    except (Invalid, Conflict) as wrong:
        return _tags(field_errors(wrong, "word")), wrong.status
    return _back()


@pages.post("/admin/tags/<int:tag_id>")
@needs(Right.ADMINISTER)
def change(tag_id: int) -> Response | tuple[str, int]:
    """Another word or colour."""
    form = request.form
    try:
        with writing() as tx:
            tags.change_tag(tx, tags.tag_of(tx, tag_id), word=form.get("word", ""), colour=form.get("colour", ""))
    except Invalid as wrong:
        return _tags({f"tag-{tag_id}": next(iter(field_errors(wrong).values()))}), 422
    return _back()


@pages.post("/admin/tags/<int:tag_id>/retire")
@needs(Right.ADMINISTER)
def retire(tag_id: int) -> Response:
    """Offer it no more, or with `back` again."""
    with writing() as tx:
        tag = tags.tag_of(tx, tag_id)
        if request.form.get("back"):
            tags.bring_back(tx, tag)
        else:
            tags.retire_tag(tx, tag)
    return _back()


@pages.post("/admin/tags/<int:tag_id>/merge")
@needs(Right.ADMINISTER)
def merge(tag_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            tags.merge_tags(tx, tags.tag_of(tx, tag_id), tags.tag_of(tx, whole(request.form.get("into", ""))))
    except DeskError as wrong:
        return _tags({f"tag-{tag_id}": field_errors(wrong)[""]}), wrong.status
    return _back()


@pages.get("/admin/fields")
@needs(Right.READ_SETTINGS)
def fields() -> str:
    with reading() as session:
        return page("admin/fields.html", found=all_fields(session))


@pages.get("/admin/fields/new")
@needs(Right.ADMINISTER)
def new() -> str:
    return _form(None, {"kind": "text"}, {})


@pages.post("/admin/fields/new")
@needs(Right.ADMINISTER)
def add_field() -> Response | tuple[str, int]:
    return _save(None)


@pages.get("/admin/fields/<int:field_id>")
@needs(Right.ADMINISTER)
def one(field_id: int) -> str:
    with writing() as tx:
        field = own_fields.field_of(tx, field_id)
    lines = "\n".join(" | ".join((each["value"], each.get("en", ""), each.get("zh", ""))) for each in field.choices)
    labels = {f"label_{lang}": word for lang, word in field.labels.items()}
    kept = {"key": field.key, "kind": field.kind, "needed": field.needed, "position": field.position}
    return _form(field, {**kept, **labels, "choices": lines}, {})


@pages.post("/admin/fields/<int:field_id>")
@needs(Right.ADMINISTER)
def change_field(field_id: int) -> Response | tuple[str, int]:
    return _save(field_id)


@pages.post("/admin/fields/<int:field_id>/retire")
@needs(Right.ADMINISTER)
def retire_field(field_id: int) -> Response:
    """Ask it no more, or with `back` again."""
    with writing() as tx:
        own_fields.retire_field(tx, own_fields.field_of(tx, field_id), retired=not request.form.get("back"))
    flash(gettext("Saved."), "good")
    return redirect(url_for("admin_marks.fields"), 303)


def _save(field_id: int | None) -> Response | tuple[str, int]:
    values = {name: request.form.get(name, "") for name in FORM}
    field = None
    try:
        with writing() as tx:
            field = own_fields.field_of(tx, field_id) if field_id is not None else None
            own_fields.write_field(
                tx,
                field,
                key=values["key"],
                kind=values["kind"],
                labels={lang: values[f"label_{lang}"] for lang in ("en", "zh")},
                choices=_choices(values["choices"]),
                needed=bool(values["needed"]),
                position=min(whole(values["position"].strip()) or 0, 10_000),
            )
    except (Invalid, Conflict) as wrong:
        return _form(field, values, field_errors(wrong, "key")), wrong.status
    flash(gettext("Saved."), "good")
    return redirect(url_for("admin_marks.fields"), 303)


def _choices(text: str) -> list[dict[str, str]]:
    """One to a line: what is kept, its word in English and in Chinese, between upright strokes; words left out are the same."""
    found = []
    for line in text.replace("｜", "|").splitlines():
        parts = [part.strip()[:80] for part in line.split("|")]
        if parts[0]:
            english = parts[1] if len(parts) > 1 and parts[1] else parts[0]
            found.append({"value": parts[0], "en": english, "zh": parts[2] if len(parts) > 2 and parts[2] else english})
    return found


def _tags(errors: dict[str, str]) -> str:
    with reading() as session:
        return page("admin/tags.html", found=all_tags(session, viewer()), colours=COLOURS, errors=errors)


def _form(field: TicketField | None, values: dict[str, Any], errors: dict[str, str]) -> str:
    return page("admin/field.html", field=field, values=values, errors=errors, kinds=FIELD_KINDS)


def _back() -> Response:
    flash(gettext("Saved."), "good")
    return redirect(url_for("admin_marks.all_of_them"), 303)
