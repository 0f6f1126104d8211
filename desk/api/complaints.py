"""Complaints for programs: record one, read one with its clocks, and move it along; a forbidden move says what is allowed."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.form import ComplaintForm, to_inbound
from desk.access import Right, access_ticket
from desk.actions.complaints import clocks as complaint_clocks
from desk.actions.complaints import complaints
from desk.actions.complaints import policy as complaint_policy
from desk.api import shapes
from desk.api.fields import Fields
from desk.api.once import once
from desk.api.shapes import moment
from desk.errors import Invalid, NotFound
from desk.http.context import installation, reading
from desk.http.guard import needs
from desk.http.incoming import moment as moment_in
from desk.models import Complaint, Ticket
from desk.models.complaint import NEXT
from desk.models.ticket import CATEGORIES
from desk.queries.complaints.complaints import complaint_case
from desk.queries.complaints.policies import clock_lines, open_pause
from desk.store import Tx

pages = Blueprint("api_complaints", __name__)
LONGEST = 100_000


@pages.post("/complaints")
@needs(Right.REGISTER_COMPLAINT)
def add_complaint() -> Response:
    """From a ticket, or from a customer known by e-mail or phone; under the policies that are named, or those of every case."""
    fields = Fields(request)
    given = {name: fields.text(name, most=300) for name in ("email", "phone", "name", "product", "order_number")}
    statement, wish = fields.text("statement", required=True, most=LONGEST), fields.text("remedy_wanted", most=LONGEST)
    category, locale = fields.choice("category", ("", *CATEGORIES), ""), fields.choice("locale", ("en", "zh"), "en")
    number, policies = fields.number("ticket"), fields.texts("policies")
    fields.check(*given, "statement", "remedy_wanted", "category", "locale", "ticket", "policies")
    if number is None and not (given["email"] or given["phone"]):
        raise Invalid("Give a “ticket”, or the customer's “email” or “phone”.")
    if number is None and policies:
        raise Invalid("Name policies only for a complaint from a “ticket”; add others to the case later.")
    if number is not None and any(given[name] for name in ("email", "phone", "name")):
        raise Invalid("The customer of a “ticket” is known; leave “email”, “phone” and “name” out.")

    def act(tx: Tx) -> dict[str, Any]:
        facts = {"statement": statement, "remedy_wanted": wish, "category": category}
        about = {name: given[name] for name in ("product", "order_number")}
        if number is None:
            form = ComplaintForm(token=secrets.token_urlsafe(16), locale=locale, **facts, **given)
            complaint = complaints.file_complaint(tx, to_inbound(form), form)
        else:
            ticket = access_ticket(tx.session, g.viewer, number)
            complaint = complaints.register_from_ticket(tx, ticket, policies=policies, **facts, **about)
        return _shape(tx.session, complaint)

    return once(act)


@pages.get("/complaints/<int:number>")
@needs(Right.READ_COMPLAINTS)
def get_complaint(number: int) -> Response:
    with reading() as session:
        case = complaint_case(session, g.viewer, number, now=installation().clock.now())
        if case is None:
            raise NotFound("Ticket %(number)s is no complaint.", number=number)
        return jsonify(_shape(session, case.complaint))


@pages.post("/complaints/<int:number>/moves")
@needs(Right.HANDLE_COMPLAINT)
def move_complaint(number: int) -> Response:
    """One step along; what decides, judges or settles has forms of its own and is no move."""
    fields = Fields(request)
    stage = fields.choice("stage", tuple(NEXT), "")
    category, severity = fields.choice("category", ("", *CATEGORIES), ""), fields.number("severity")
    reason = fields.text("reason", most=LONGEST)
    fields.check("stage", "category", "severity", "reason")
    if not stage:
        raise Invalid("These fields cannot be used.", {"stage": "is needed"})

    def act(tx: Tx) -> dict[str, Any]:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, g.viewer, number))
        complaints.advance(tx, complaint, stage, category=category, severity=severity, reason=reason)
        return _shape(tx.session, complaint)

    return once(act, status=200)


@pages.post("/complaints/<int:number>/clock")
@needs(Right.HANDLE_COMPLAINT)
def change_clock(number: int) -> Response:
    """Pause it until a moment, let it run on, or put the case under another policy or no longer under one."""
    fields = Fields(request)
    do = fields.choice("do", ("pause", "resume", "classify", "declassify"), "")
    reason = fields.text("reason", required=True, most=LONGEST)
    needed, policy, reference = (fields.text(name, most=1000) for name in ("needed", "policy", "reference"))
    until = moment_in(fields.text("until", most=40))
    fields.check("do", "reason", "needed", "policy", "reference", "until")
    if not do:
        raise Invalid("These fields cannot be used.", {"do": "is needed"})

    def act(tx: Tx) -> dict[str, Any]:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, g.viewer, number))
        match do:
            case "pause":
                complaint_clocks.pause(tx, complaint, None, reason, needed, until)
            case "resume":
                complaint_clocks.resume(tx, complaint, why=reason)
            case "classify":
                complaint_policy.classify(tx, complaint, policy, reason, reference=reference)
            case _:
                complaint_policy.declassify(tx, complaint, policy, reason)
        return _shape(tx.session, complaint)

    return once(act, status=200)


def _shape(session: Session, complaint: Complaint) -> dict[str, Any]:
    """The complaint with its clocks and what may follow."""
    session.flush()
    pause = open_pause(session, complaint.id)
    clocks = [
        {
            "policy": line.policy.code,
            "version": line.policy.version,
            "acknowledge_due_at": moment(line.clock.acknowledge_due_at),
            "early_until": moment(line.clock.early_until),
            "decide_due_at": moment(line.clock.decide_due_at),
            "strictest": line.leads,
            "paused": line.paused,
            "reference": line.clock.reference or None,
        }
        for line in clock_lines(session, complaint)
    ]
    number = session.get_one(Ticket, complaint.ticket_id).number
    more = {"policy": complaint.policy, "clocks": clocks, "allowed": list(NEXT[complaint.stage])}
    return shapes.complaint_shape(complaint, number) | more | {"paused_until": moment(pause.until) if pause else None}
