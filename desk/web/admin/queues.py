"""The queues: their order, and everything about one; what is typed is tried out before it is saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls.voice_texts import add_audio
from desk.actions.editing import fingerprint
from desk.actions.work import queues
from desk.actions.work.queue_answers import wrong_steps
from desk.actions.work.work_items import STICKY_S
from desk.errors import Conflict, Invalid
from desk.http.context import installation, is_fragment, reading, writing
from desk.http.guard import needs
from desk.queries.calls.voice_texts import address_of
from desk.queries.people.skills import known_skills
from desk.queries.work import queues as seen
from desk.queries.work.fit import fits, workers
from desk.web.admin.page import field_errors, page
from desk.web.admin.queue_form import DOES, QueueForm, form_of, new_form, typed_form
from desk.web.admin.sent_music import sent_music
from desk.web.admin.words import changes, step_words
from routing.choice import MODES
from routing.order import TARGETS_S, TIERS

pages = Blueprint("admin_queues", __name__)


@pages.get("/admin/queues")
@needs(Right.READ_SETTINGS)
def all_queues() -> str:
    with reading() as session:
        people = workers(session, installation().clock.now())
        rows = [(row, fits(people, row.queue.requires, row.queue.overflow)) for row in seen.all_queues(session)]
    return page("admin/queues.html", rows=rows)


@pages.get("/admin/queues/new")
@needs(Right.ADMINISTER)
def new_queue() -> str:
    return _form(new_form())


@pages.post("/admin/queues/new")
@needs(Right.ADMINISTER)
def add_queue() -> Response | tuple[str, int]:
    typed = typed_form(request.form)
    try:
        with writing() as tx:
            queue = queues.add_queue(tx, typed.key.strip(), **typed.answers())
    except (Invalid, Conflict) as wrong:
        return _form(typed, errors=field_errors(wrong, "key")), wrong.status
    flash(gettext("The queue is there. Work can come into it now."), "good")
    return redirect(url_for("admin_queues.one_queue", queue_id=queue.id), 303)


@pages.post("/admin/queues/draft")
@needs(Right.ADMINISTER)
def draft_new() -> str:
    return _draft(0)


@pages.get("/admin/queues/<int:queue_id>")
@needs(Right.READ_SETTINGS)
def one_queue(queue_id: int) -> str:
    with reading() as session:
        return _form(form_of(seen.one_queue(session, queue_id)), queue_id)


@pages.post("/admin/queues/<int:queue_id>")
@needs(Right.ADMINISTER)
def change_queue(queue_id: int) -> Response | tuple[str, int]:
    typed = typed_form(request.form)
    try:
        song = sent_music()
    except Invalid as wrong:
        return _form(typed, queue_id, errors=field_errors(wrong, "music"), seen_as=request.form.get("seen", "")), wrong.status
    try:
        with writing() as tx:
            queue = seen.one_queue(tx.session, queue_id)
            typed = replace(typed, music=add_audio(tx, song).id) if song else typed
            queues.set_queue(tx, queue, seen=request.form.get("seen", ""), **typed.answers())
    except Invalid as wrong:
        return _form(typed, queue_id, errors=field_errors(wrong), seen_as=request.form.get("seen", "")), wrong.status
    except Conflict as wrong:
        return _form(typed, queue_id, conflict=True), wrong.status
    flash(gettext("Saved. It holds now; what waits has kept its place."), "good")
    return redirect(url_for("admin_queues.one_queue", queue_id=queue_id), 303)


@pages.post("/admin/queues/<int:queue_id>/draft")
@needs(Right.ADMINISTER)
def draft(queue_id: int) -> str:
    """What the steps that are being typed would do, or the editor with a line more, less or elsewhere. Nothing is saved."""
    return _draft(queue_id)


@pages.post("/admin/queues/<int:queue_id>/<any(up, down):way>")
@needs(Right.ADMINISTER)
def move_queue(queue_id: int, way: str) -> Response:
    with writing() as tx:
        queues.move_queue(tx, seen.one_queue(tx.session, queue_id), -1 if way == "up" else 1)
    return redirect(url_for("admin_queues.all_queues", _anchor=f"queue-{queue_id}"), 303)


def _draft(queue_id: int) -> str:
    typed = typed_form(request.form)
    row = typed.change_rows(request.form["row"]) if "row" in request.form else None
    if not is_fragment():
        return _form(typed, queue_id, row=row, seen_as=request.form.get("seen", ""))
    with reading() as session:
        values = _steps(session, typed)
    part = "admin/_steps.html" if row is not None else "admin/_steps_said.html"
    return page(
        part, form=typed, queue_id=queue_id, row=row, verb=request.form.get("row", "").partition(":")[0], errors={}, **values
    )


def _form(
    form: QueueForm,
    queue_id: int = 0,
    *,
    errors: dict[str, str] | None = None,
    conflict: bool = False,
    row: int | None = None,
    seen_as: str = "",
) -> str:
    """The page of a queue, filled with `form`; after a conflict with what the queue is by now beside it."""
    with reading() as session:
        queue = seen.one_queue(session, queue_id) if queue_id else None
        teams, calendars = seen.teams_and_calendars(session)
        others = []
        if conflict and queue is not None:
            now = queues.values_of(queue)
            typed = form.answers()
            apart = [field for field in now if now[field] != typed[field]]
            told = {"old": {field: typed[field] for field in apart}, "new": {field: now[field] for field in apart}}
            others = changes(told, seen.names(session, _locale()))
        return page(
            "admin/queue.html",
            queue=queue,
            queue_id=queue_id,
            form=form,
            seen=seen_as or (fingerprint(queues.values_of(queue)) if queue else ""),
            errors=errors or {},
            conflict=conflict,
            others=others,
            by=seen.last_change(session, "queue.changed", lambda event: event.queue_id == queue_id) if conflict else None,
            teams=teams,
            calendars=calendars,
            modes=tuple(MODES),
            targets=TARGETS_S,
            tiers=TIERS,
            usual_hold=STICKY_S,
            row=row,
            music=address_of(session, "", form.music),
            **_steps(session, form),
        )


def _steps(session: Session, form: QueueForm) -> dict[str, Any]:
    """What the editor of steps shows: what can be chosen, what each step means, and who could take the work then."""
    typed = form.answers()
    wrong = wrong_steps(session, typed["requires"], typed["overflow"])
    good = [(place, step) for place, step in enumerate(typed["overflow"]) if f"overflow-{place}" not in wrong]
    sound = [skill for skill in typed["requires"] if 1 <= skill[1] <= 10]
    first, *then = fits(workers(session, installation().clock.now()), sound, [step for _, step in good])
    names = seen.names(session, _locale())
    said = {place: (step_words(step, names), fit) for (place, step), fit in zip(good, then, strict=True)}
    lines = [(*said.get(place, ("", None)), wrong.get(f"overflow-{place}", "")) for place in range(len(typed["overflow"]))]
    return {
        "first": first,
        "said": [(words, fit, gettext(problem) if problem else "") for words, fit, problem in lines],
        "last": then[-1] if then else first,
        "does": DOES,
        "skills": known_skills(session),
        "team_names": names["team"],
    }


def _locale() -> str:
    return str(get_locale())[:2]
