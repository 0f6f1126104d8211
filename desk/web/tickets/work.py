"""What is done to a ticket: answering, noting, waiting, solving, handing on, complaints. Each is one transaction."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.chats import chats
from desk.actions.complaints import complaints
from desk.actions.complaints import file as complaint_file
from desk.actions.mail import placing, threads, unsent
from desk.actions.tickets import canned, drafts, mentions, own_fields, solving, tickets
from desk.actions.tickets.tickets import REPLY_CHANNELS
from desk.days import day_begins
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.http.context import keep_uploads, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.problems import say
from desk.models import Chat, Message, Queue, Ticket, TicketParticipant
from desk.models.chat import ACTIVE
from desk.models.complaint import FOLLOW_UP, WITHDRAWN
from desk.models.ticket import PENDING_CUSTOMER, PENDING_INTERNAL
from desk.queries.complaints.complaints import code_of, zone_of
from desk.queries.mail.crossed import crossed, seen_now
from desk.store import Tx
from desk.web.console import done, small
from desk.web.tickets.own_answers import answers_sent
from desk.web.tickets.priorities import priority_asked
from desk.web.tickets.recipients import chosen
from desk.web.words import STAGE_VERBS

pages = Blueprint("ticket_work", __name__, url_prefix="/desk/tickets/<int:number>")
CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
KEPT = re.compile(r"(\d{1,12}):(\d{1,3})", re.ASCII)


@pages.post("/messages")
@needs(Right.REPLY)
def write(number: int) -> Response:
    """Answer by mail or chat, or note something; then perhaps wait for somebody."""
    form = request.form
    kind, then = form.get("kind", ""), form.get("then", "")
    files = keep_uploads()
    then = then if then in (PENDING_CUSTOMER, PENDING_INTERNAL) else ""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        if kind in REPLY_CHANNELS and crossed(tx.session, ticket, me(tx).id, form.get("seen", "")):
            return _ask_first(then)
        macro = _macro(tx)
        then = then or macro.get("steps", {}).get("then", "")
        untold = _write(tx, ticket, kind, form.get("text", ""), files, then, macro)
        drafts.sent(tx, ticket, me(tx), whole(form.get("draft", "")) or 0, form.get("text", ""))
        if macro and kind != "email":
            canned.take_steps(tx, ticket, me(tx), macro["name"], macro["steps"])
        if then and kind != "email":
            tickets.set_pending(tx, ticket, then)
    if untold:
        names = gettext(", ").join(untold)
        return _stay(number, gettext("Not told, as they may not read this ticket: %(names)s.", names=names))
    return _stay(number)


@pages.get("/crossed")
@needs(Right.REPLY)
def answers_meanwhile(number: int) -> str:
    """What colleagues have answered since the viewer began to write."""
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        found = crossed(session, ticket, viewer().agent_id or 0, request.args.get("seen", ""))
        return render_template("tickets/_crossed.html", ticket=ticket, crossed=found, seen=seen_now(session, ticket))


@pages.post("/wait")
@needs(Right.REPLY)
def wait(number: int) -> Response:
    """Wait without writing."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        unsent.leave_all(tx, ticket, me(tx))
        tickets.set_pending(tx, ticket, request.form.get("then", ""))
    return _stay(number)


@pages.post("/solve")
@needs(Right.REPLY)
def solve(number: int) -> Response:
    form = request.form
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        unsent.leave_all(tx, ticket, me(tx))
        own_fields.set_answers(tx, ticket, answers_sent())
        solving.solve(
            tx,
            ticket,
            me(tx),
            category=form.get("category", ""),
            wrap_up_code=form.get("wrap_up_code", ""),
            resolution=form.get("resolution", ""),
            no_article=form.get("no_article", ""),
        )
    return _stay(number, gettext("Solved. The customer is asked whether they agree."))


@pages.post("/reopen")
@needs(Right.REPLY)
def reopen(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        tickets.reopen(tx, ticket, reason="agent")
        if ticket.owner_id is None:
            tickets.assign(tx, ticket, me(tx).id)
    return _stay(number)


@pages.post("/assign")
@needs(Right.REPLY)
def assign(number: int) -> Response:
    """Make somebody the owner; “me” is the viewer, nothing takes the owner away."""
    wanted = request.form.get("agent")
    chosen = request.form.get("agent", type=small)
    if wanted is None or (chosen is None and wanted not in ("me", "")):
        raise NotFound("There is no such agent.")
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        tickets.assign(tx, ticket, me(tx).id if wanted == "me" else chosen)
    return _stay(number)


@pages.post("/move")
@needs(Right.REPLY)
def move(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        queue = tx.session.get(Queue, request.form.get("queue", 0, type=small))
        if queue is None:
            raise NotFound("There is no such queue.")
        tickets.move(tx, ticket, queue)
    return done(url_for("console.index"), toast=gettext("Ticket %(number)s was moved.", number=number))


@pages.post("/fields")
@needs(Right.REPLY)
def fields(number: int) -> Response:
    form = request.form
    with writing() as tx:
        tickets.set_fields(
            tx,
            access_ticket(tx.session, viewer(), number),
            **priority_asked(form),
            category=form.get("category"),
            subject=form.get("subject"),
        )
    return _stay(number)


@pages.post("/messages/<int:message_id>/admit")
@needs(Right.REPLY)
def admit(number: int, message_id: int) -> Response:
    with writing() as tx:
        placing.admit(tx, message_of(tx, number, message_id))
    return _stay(number)


@pages.post("/messages/<int:message_id>/detach")
@needs(Right.REPLY)
def detach(number: int, message_id: int) -> Response:
    with writing() as tx:
        ticket = placing.detach(tx, message_of(tx, number, message_id))
    return _stay(number, gettext("The message is now ticket %(number)s.", number=ticket.number))


@pages.post("/messages/<int:message_id>/attach")
@needs(Right.REPLY)
def attach(number: int, message_id: int) -> Response:
    """Move a message to the ticket with this number; both must be the viewer's to read."""
    other = whole(request.form.get("other", "").strip().lstrip("#"))
    with writing() as tx:
        message = message_of(tx, number, message_id)
        if other is None:
            raise Invalid("Write the number of the ticket that the message belongs to.")
        placing.attach(tx, message, access_ticket(tx.session, viewer(), other))
    return done(url_for("tickets.one", number=other), toast=gettext("The message is on this ticket now."))


@pages.post("/participants/<int:participant_id>/remove")
@needs(Right.REPLY)
def remove_participant(number: int, participant_id: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        found = tx.session.get(TicketParticipant, participant_id)
        if found is None or found.ticket_id != ticket.id:
            raise NotFound("There is no such participant on this ticket.")
        threads.remove_participant(tx, ticket, found)
    return _stay(number)


@pages.post("/complaint")
@needs(Right.REGISTER_COMPLAINT)
def register_complaint(number: int) -> Response:
    form = request.form
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        complaint = complaints.register_from_ticket(
            tx,
            ticket,
            form.get("statement", ""),
            received_at=day_begins(form.get("received", ""), zone_of(tx.session, ticket)),
            remedy_wanted=form.get("remedy_wanted", ""),
            category=form.get("category", ""),
            told_by_voice=bool(form.get("told_by_voice")),
            anonymous=bool(form.get("anonymous")),
        )
        if form.get("needs", "").strip():
            complaint_file.set_needs(tx, complaint, form["needs"])
        made = tx.session.get_one(Ticket, complaint.ticket_id).number or number
        code = code_of(complaint)
    told = gettext("Recorded as a complaint.") if made == number else gettext("Recorded as a new complaint.")
    if code:
        told = gettext("Recorded. For them to note: number %(number)s, code %(code)s.", number=made, code=code)
    return _stay(made, told)


@pages.post("/complaint/advance")
@needs(Right.HANDLE_COMPLAINT)
def advance_complaint(number: int) -> Response:
    form = request.form
    try:
        with writing() as tx:
            ticket = access_ticket(tx.session, viewer(), number)
            complaints.advance(
                tx,
                complaints.complaint_of(tx, ticket),
                form.get("stage", ""),
                agent=me(tx),
                category=form.get("category", ""),
                severity=form.get("severity", type=small),
                reason=form.get("reason", ""),
            )
    except Conflict as refused:
        raise _with_what_is_allowed(refused) from refused
    return _stay(number)


def _with_what_is_allowed(refused: Conflict) -> Conflict:
    if not refused.allowed:
        return refused
    # What is settled on the spot, while it could still be withdrawn, has a form of its own.
    plain = [stage for stage in refused.allowed if stage != FOLLOW_UP or WITHDRAWN not in refused.allowed]
    steps = gettext(", ").join(str(STAGE_VERBS.get(stage, stage)) for stage in plain)
    return Conflict("%(reason)s Possible now: %(steps)s.", refused.allowed, reason=say(refused), steps=steps)


def _write(tx: Tx, ticket: Ticket, kind: str, text: str, files: list[KeptFile], then: str, macro: dict[str, Any]) -> list[str]:
    """Returns the names of those who are named in a note and may not read it."""
    agent, client_id = me(tx), request.form.get("client_id", "")
    if not CLIENT_ID.fullmatch(client_id):
        raise Invalid("This message came without its id. Load the page again.")
    if kind == "note":
        return mentions.note_mentions(tx, viewer(), ticket, tickets.note(tx, ticket, agent, text or _files_only(files), files))
    if kind == "chat":
        chat = tx.session.scalar(select(Chat).where(Chat.ticket_id == ticket.id, Chat.state == ACTIVE).limit(1))
        if chat is None:
            raise Conflict("This chat has ended. Answer by mail, if we have an address.")
        chats.agent_says(tx, chat, agent, client_id, text, files)
    elif kind == "email":
        to, cc = (chosen(ticket, field) for field in ("to", "cc"))
        if not to and "recipients" in request.form:
            raise Invalid("Choose at least one address to send it to.")
        taken_back = [found for each in request.form.getlist("kept") if (found := KEPT.fullmatch(each))]
        kept = unsent.kept_files(tx, ticket, agent, [(int(found[1]), int(found[2])) for found in taken_back])
        files = [*kept, *files]
        why = request.form.get("unproven", "")
        unsent.send_soon(
            tx, ticket, agent, text, client_id=client_id, to=to, cc=cc, files=files, then=then, macro=macro, unproven=why
        )
    else:
        raise Invalid("Choose whether to answer by mail or chat.")
    return []


def _macro(tx: Tx) -> dict[str, Any]:
    """What else is to be done with this message: a macro that the viewer may use and has chosen with its text."""
    wanted = request.form.get("macro", "")
    if not wanted:
        return {}
    chosen_one = canned.canned_for(tx, viewer(), whole(wanted) or 0)
    return {"id": chosen_one.id, "name": chosen_one.name, "steps": chosen_one.steps}


def _ask_first(then: str) -> Response:
    """Nothing is sent: the page shows what a colleague has answered meanwhile, and sends when its writer still wants to."""
    response = jsonify(detail=gettext("A colleague has answered meanwhile. Look at it before you send yours."))
    response.headers.update({"HX-Trigger": json.dumps({"reply:crossed": {"then": then}}), "X-Asks": "1"})
    response.status_code = 409
    return response


def _files_only(files: list[KeptFile]) -> str:
    return ", ".join(file.name for file in files)


def message_of(tx: Tx, number: int, message_id: int) -> Message:
    """A message of a ticket that the viewer may read."""
    ticket = access_ticket(tx.session, viewer(), number)
    message = tx.session.get(Message, message_id)
    if message is None or message.ticket_id != ticket.id:
        raise NotFound("There is no such message on this ticket.")
    return message


def _stay(number: int, toast: str = "") -> Response:
    return done(url_for("tickets.one", number=number), toast=toast, stay=True)
