"""What many complain of: the events, and one with its investigation, its news to all, its steps and its cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.complaints import complaints, mass_events
from desk.errors import Invalid
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent, Complaint, MassEvent
from desk.queries.complaints.corrective_actions import access_alert, cases_of_alert
from desk.queries.complaints.mass_events import event_list, event_page
from desk.sentences import N_
from desk.store import Tx
from desk.web.admin.page import field_errors
from desk.web.complaints import learning_words, words
from desk.web.console import small

pages = Blueprint("mass_events", __name__, url_prefix="/desk/learning/events")

MOST_NUMBERS = 200
STEPS = {
    "respond": lazy_gettext("Respond fast: those concerned know that we know"),
    "talk": lazy_gettext("Talk openly: what happened is said, inside and outside"),
    "correct": lazy_gettext("Correct: the cause is ended"),
    "make_good": lazy_gettext("Make good: whoever had a loss has been helped"),
}


@pages.get("")
@needs(Right.READ_COMPLAINTS)
def index() -> str:
    return _index(request.args, {})


@pages.post("")
@needs(Right.HANDLE_COMPLAINT)
def begin() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            event_id = mass_events.open_event(tx, me(tx), request.form.get("title", ""), _named(tx)).id
    except Invalid as wrong:
        return _index(request.form, field_errors(wrong, "title")), wrong.status
    return redirect(url_for("complaint_desk.mass_events.one", event_id=event_id), 303)


@pages.get("/<int:event_id>")
@needs(Right.READ_COMPLAINTS)
def one(event_id: int) -> str:
    return _one(event_id, MultiDict(), {})


@pages.post("/<int:event_id>/<any(join, find_out, enter, notice, approve, step, close):act>")
@needs(Right.READ_COMPLAINTS)
def act_on(event_id: int, act: str) -> Response | tuple[str, int]:
    """One step of it; who may take which, the action knows."""
    try:
        with writing() as tx:
            told = _ACTS[act](tx, mass_events.event_of(tx, event_id), me(tx))
    except Invalid as wrong:
        return _one(event_id, request.form, field_errors(wrong, "text")), wrong.status
    flash(told or gettext("Recorded."), "good")
    return redirect(url_for("complaint_desk.mass_events.one", event_id=event_id), 303)


def _index(typed: MultiDict[str, str], errors: dict[str, str]) -> str:
    with reading() as session:
        alert_id, numbers = typed.get("alert", type=small), typed.get("numbers", "")
        if alert_id and not numbers:
            found = cases_of_alert(session, viewer(), access_alert(session, alert_id))
            numbers = " ".join(str(ticket.number) for _complaint, ticket in found)
        lines = event_list(session, viewer())
    return render_template(
        "learning/events.html", words=learning_words.everything(), lines=lines, typed=typed, numbers=numbers, errors=errors
    )


def _one(event_id: int, typed: MultiDict[str, str], errors: dict[str, str]) -> str:
    with reading() as session:
        found = event_page(session, viewer(), event_id)
    taken = {step: {**each, "at": datetime.fromisoformat(each["at"])} for step, each in found.event.steps.items()}
    return render_template(
        "learning/event.html",
        words=learning_words.everything(),
        findings=words.FINDINGS,
        found=found,
        typed=typed,
        errors=errors,
        steps=STEPS,
        taken_steps=taken,
    )


def _named(tx: Tx) -> list[Complaint]:
    """The complaints whose numbers were typed; raises `Invalid` for what is no number, `NotFound` for what nobody may read."""
    written = request.form.get("numbers", "").replace("#", " ").replace(",", " ").replace("，", " ").replace("、", " ").split()
    if len(written) > MOST_NUMBERS or not all(each.isascii() and each.isdigit() and len(each) <= 12 for each in written):
        raise Invalid("Write numbers of complaints.", {"numbers": N_("Write numbers of complaints, at most 200 at once.")})
    return [complaints.complaint_of(tx, access_ticket(tx.session, viewer(), int(each))) for each in dict.fromkeys(written)]


def _join(tx: Tx, event: MassEvent, who: Agent) -> str:
    named = _named(tx)
    if not named:
        raise Invalid("Write numbers of complaints.", {"numbers": N_("Write numbers of complaints, at most 200 at once.")})
    for complaint in named:
        mass_events.join(tx, event, complaint, who)
    return ""


def _find_out(tx: Tx, event: MassEvent, who: Agent) -> str:
    texts = {name: request.form.get(name, "") for name in ("finding", "reason", "looked_into", "cause")}
    mass_events.find_out(tx, event, who, whys=[request.form.get(f"why{step}", "") for step in range(1, 6)], **texts)
    return ""


def _enter(tx: Tx, event: MassEvent, who: Agent) -> str:
    return gettext("Entered in %(count)s cases.", count=mass_events.enter_in_cases(tx, event, who))


def _approve(tx: Tx, event: MassEvent, who: Agent) -> str:
    mass_events.approve_notice(tx, event, who)
    return gettext("It is on its way to everybody who waits for a decision.")


def _write(tx: Tx, event: MassEvent, who: Agent) -> str:
    mass_events.write_notice(tx, event, who, request.form.get("text", ""))
    return gettext("Kept. A supervisor has to agree before it leaves.")


def _step(tx: Tx, event: MassEvent, who: Agent) -> str:
    mass_events.take_step(tx, event, who, request.form.get("step", ""))
    return ""


def _close(tx: Tx, event: MassEvent, who: Agent) -> str:
    mass_events.close(tx, event, who)
    return gettext("It is over.")


_ACTS: dict[str, Callable[[Tx, MassEvent, Agent], str]] = {
    "join": _join,
    "find_out": _find_out,
    "enter": _enter,
    "notice": _write,
    "approve": _approve,
    "step": _step,
    "close": _close,
}
