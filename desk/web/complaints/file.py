"""The page of one complaint, which reads like a file, and what is written into it. Each act is one transaction."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.complaints import clocks, complaints, decisions, early, pattern_notes, recusals
from desk.actions.complaints import file as complaint_file
from desk.actions.complaints import severity as complaint_severity
from desk.actions.complaints.decisions import approvals_needed
from desk.actions.complaints.record import tell
from desk.actions.people import conduct
from desk.errors import Invalid, NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent, Complaint, ComplaintDecision, Customer, Ticket
from desk.queries.complaints.corrective_actions import actions_of_case
from desk.queries.complaints.file import case_file
from desk.queries.complaints.keeping import holds_of, interviews_of
from desk.queries.complaints.mass_events import lasting, one_event
from desk.queries.complaints.policies import clock_lines, codes, pauses_of
from desk.store import Tx
from desk.web import words
from desk.web.admin.page import field_errors
from desk.web.admin.policies import words as policy_words
from desk.web.complaints import acts
from desk.web.complaints import words as complaint_words
from desk.web.complaints.acts import Act, end_of
from desk.web.complaints.pdf import case_pdf
from desk.web.console import done, frame, small
from desk.web.event_words import EVENTS

pages = Blueprint("complaint_file", __name__, url_prefix="/desk/complaints/<int:number>")
SEALED = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"


@pages.get("")
@needs(Right.READ_COMPLAINTS)
def page(number: int) -> str:
    with reading() as session:
        return render_template("console/complaint_file.html", **frame(session, number), **_file(session, number))


@pages.get("/body")
@needs(Right.READ_COMPLAINTS)
def body(number: int) -> str:
    with reading() as session:
        return render_template("console/_complaint_file.html", words=words.everything(), **_file(session, number))


@pages.post(
    "/<any(point, finding, cause, needs, give, take_out, given, draft, back, submit, send, keep_out, let_in, "
    "classify, declassify, pause, resume, restart, delay, hear, hold, join, leave, refer_out, "
    "speak, accept_proof, refuse_proof, stop_speaking):act>"
)
@needs(Right.HANDLE_COMPLAINT)
def write(number: int, act: str) -> Response:
    """One entry into the file, or one step of the decision."""
    return _act(number, _ACTS[act])


@pages.post("/<any(approve, reject, extend, lift):act>")
@needs(Right.READ_COMPLAINTS)
def judge(number: int, act: str) -> Response:
    """Somebody else agrees to the decision, does not, gives the case more time, or lifts a hold; who may, the action knows."""
    return _act(number, _JUDGEMENTS[act])


@pages.post("/severity")
@needs(Right.REGISTER_COMPLAINT)
def severity(number: int) -> Response:
    """Graver or less grave; lowering it is for who handles complaints."""
    with writing() as tx:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
        wanted = request.form.get("severity", type=small)
        complaint_severity.set_severity(tx, complaint, me(tx), wanted, request.form.get("reason", ""))
    return done(url_for("tickets.one", number=number), toast=gettext("Recorded."), stay=True)


@pages.post("/threat")
@needs(Right.REGISTER_COMPLAINT)
def threat(number: int) -> Response:
    """Somebody is threatened: the case is critical at once."""
    with writing() as tx:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
        conduct.threat(tx, complaint, me(tx), request.form.get("happened", ""))
    return done(url_for("tickets.one", number=number), toast=gettext("Recorded."), stay=True)


@pages.get("/pattern")
@needs(Right.HANDLE_COMPLAINT)
def patterns(number: int) -> str:
    """Notes of patterns over the customer's complaints, for complaint officers alone; that they were read is recorded."""
    return _patterns(number, {})


@pages.post("/pattern")
@needs(Right.HANDLE_COMPLAINT)
def note_pattern(number: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            pattern_notes.write(tx, _customer_of(tx, number), me(tx), request.form.get("text", ""))
    except Invalid as wrong:
        return _patterns(number, field_errors(wrong, "text")), wrong.status
    return redirect(url_for("complaint_file.patterns", number=number), 303)


def _patterns(number: int, errors: dict[str, str]) -> str:
    with writing() as tx:
        customer = _customer_of(tx, number)
        notes, name = list(pattern_notes.read(tx, customer, me(tx))), customer.name
    return render_template(
        "complaints/patterns.html", number=number, notes=notes, name=name, errors=errors, typed=request.form.get("text", "")
    )


def _customer_of(tx: Tx, number: int) -> Customer:
    complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
    return tx.session.get_one(Customer, tx.session.get_one(Ticket, complaint.ticket_id).customer_id)


@pages.post("/settle")
@needs(Right.REGISTER_COMPLAINT)
def settle(number: int) -> Response:
    """Settled with the customer on the spot, by whoever has it in hand."""
    with writing() as tx:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
        early.settle(tx, complaint, me(tx), request.form.get("agreed", ""), request.form.get("words", ""))
    return done(url_for("tickets.one", number=number), toast=gettext("Recorded."), stay=True)


@pages.get("/file.pdf")
@needs(Right.READ_COMPLAINTS)
def whole(number: int) -> Response:
    """The whole case as one file. That somebody took it is recorded."""
    now = installation().clock.now()
    with reading() as session:
        made = case_pdf(session, case_file(session, viewer(), number, now=now), _moment)
    with writing() as tx:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
        tell(tx, complaint, "complaint.file_exported", data={"sha256": hashlib.sha256(made).hexdigest()})
    return kept_pdf(made, f"complaint-{number}.pdf")


@pages.get("/letters/<int:decision_id>/pdf")
@needs(Right.READ_COMPLAINTS)
def letter_pdf(number: int, decision_id: int) -> Response:
    """A decision's letter as PDF, exactly as it was made at sending."""
    decision = _letter(number, decision_id)
    if decision.pdf is None:
        raise NotFound("There is no such letter.")
    return kept_pdf(decision.pdf, f"decision-{number}.pdf")


@pages.get("/letters/<int:decision_id>")
@needs(Right.READ_COMPLAINTS)
def letter(number: int, decision_id: int) -> Response:
    """A decision's letter exactly as it was sent."""
    return kept_letter(_letter(number, decision_id))


def _letter(number: int, decision_id: int) -> ComplaintDecision:
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        decision = session.get(ComplaintDecision, decision_id)
        complaint = session.get(Complaint, decision.complaint_id) if decision else None
    if decision is None or complaint is None or complaint.ticket_id != ticket.id or not decision.letter:
        raise NotFound("There is no such letter.")
    return decision


def kept_pdf(made: bytes, name: str) -> Response:
    """A file that is opened by name and kept by nobody on the way."""
    response = current_app.make_response(made)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _moment(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def kept_letter(decision: ComplaintDecision) -> Response:
    """The letter as a page of its own that runs and fetches nothing."""
    response = current_app.make_response(decision.letter)
    response.headers["Content-Security-Policy"] = SEALED
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _act(number: int, act: Act) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        complaint = complaints.complaint_of(tx, ticket)
        act(tx, complaint, me(tx), request.form)
    return done(url_for("complaint_file.page", number=number), toast=gettext("Recorded."), stay=True)


def _file(session: Session, number: int) -> dict[str, Any]:
    now = installation().clock.now()
    file = case_file(session, viewer(), number, now=now)
    complaint = file.case.complaint
    under = clock_lines(session, complaint)
    return {
        "file": file,
        "clocks": under,
        "pauses": pauses_of(session, complaint.id),
        "heard": interviews_of(session, complaint.id),
        "holds": holds_of(session, complaint.id),
        "other_policies": [code for code in codes(session) if code not in {line.policy.code for line in under}],
        "policy_words": policy_words(),
        "today": now.date().isoformat(),
        "needs_approval": file.draft is not None and approvals_needed(file.case.complaint, file.draft, file.given) > 0,
        "event": one_event(session, complaint.mass_event_id) if complaint.mass_event_id else None,
        "events": lasting(session) if file.handles and not complaint.mass_event_id else (),
        "actions": actions_of_case(session, complaint.id),
        "event_words": EVENTS,
        "terms": complaint_words.everything(),
    }


def _give(tx: Tx, complaint: Complaint, agent: Agent, form: MultiDict[str, str]) -> None:
    due = end_of(tx, complaint, form.get("due", ""))
    complaint_file.add_redress(tx, complaint, agent, form.get("kind", ""), form.get("amount", ""), due, form.get("note", ""))


def _draft(tx: Tx, complaint: Complaint, agent: Agent, form: MultiDict[str, str]) -> None:
    texts = {name: form.get(name, "") for name in ("outcome", "looked_into", "reasons", "apology", "changed")}
    decisions.draft(tx, complaint, agent, **texts)


_ACTS: dict[str, Act] = {
    **acts.ACTS,
    "point": lambda tx, complaint, _me, form: complaint_file.add_allegation(
        tx, complaint, form.get("text", ""), form.get("standard", "")
    ),
    "finding": lambda tx, complaint, _me, form: complaint_file.record_finding(
        tx, complaint, form.get("point", 0, type=small), form.get("finding", ""), form.get("reason", "")
    ),
    "cause": lambda tx, complaint, _me, form: complaint_file.set_cause(
        tx, complaint, form.get("cause", ""), [form.get(f"why{step}", "") for step in range(1, 6)]
    ),
    "needs": lambda tx, complaint, _me, form: complaint_file.set_needs(tx, complaint, form.get("needs", "")),
    "give": _give,
    "take_out": lambda tx, complaint, _me, form: complaint_file.drop_redress(tx, complaint, form.get("given", 0, type=small)),
    "given": lambda tx, complaint, _me, form: complaints.given(
        tx, complaint, form.get("given", 0, type=small), form.get("proof", "")
    ),
    "draft": _draft,
    "back": lambda tx, complaint, me, _form: decisions.back(tx, complaint, me),
    "submit": lambda tx, complaint, me, _form: decisions.submit(tx, complaint, me),
    "send": lambda tx, complaint, me, _form: decisions.send(tx, complaint, me),
    "keep_out": lambda tx, complaint, _me, form: recusals.keep_out(
        tx, complaint, form.get("agent", type=small), form.get("why", ""), form.get("note", "")
    ),
    "let_in": lambda tx, complaint, _me, form: recusals.lift(
        tx, complaint, form.get("recusal", 0, type=small), form.get("reason", "")
    ),
}
_JUDGEMENTS: dict[str, Act] = {
    **acts.JUDGEMENTS,
    "extend": lambda tx, complaint, me, form: clocks.extend(tx, complaint, me, form.get("reason", "")),
    "approve": lambda tx, complaint, me, _form: decisions.approve(tx, complaint, me),
    "reject": lambda tx, complaint, me, form: decisions.reject(tx, complaint, me, form.get("reason", "")),
}
