"""Entering a letter or a fax that has come, with its date stamp and its scan."""

from __future__ import annotations

import secrets
from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.paper import read_paper
from desk.access import Right, Viewer, access_ticket
from desk.actions.complaints import complaints, papers
from desk.days import day_in_words
from desk.errors import NotFound
from desk.http.context import installation, keep_uploads, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Calendar, Complaint, Queue, Ticket
from desk.queries.complaints.complaints import zone_of
from desk.store import Tx
from desk.web.console import done, frame
from desk.web.public.reader import language

pages = Blueprint("papers", __name__)


@pages.get("/desk/papers/new")
@needs(Right.REPLY)
def new() -> str:
    with reading() as session:
        about = {
            "token": secrets.token_urlsafe(16),
            "today": _today(session).isoformat(),
            "complains": bool(request.args.get("complaint")) and viewer().can(Right.REGISTER_COMPLAINT),
        }
        return render_template("tickets/paper.html", **frame(session), **about)


@pages.post("/desk/papers")
@needs(Right.REPLY)
def enter() -> Response:
    """Whoever may read what became of it is led there; everybody is told its number and, of a complaint, the promised day."""
    form, files = request.form, keep_uploads()
    paper = read_paper(form)
    with writing() as tx:
        if form.get("complains"):
            viewer().require(Right.REGISTER_COMPLAINT)
            wanted = {name: form.get(name, "").strip() for name in ("remedy_wanted", "category")}
            complaint = papers.take_in_complaint(tx, me(tx), paper, files, **wanted)
            ticket = tx.session.get_one(Ticket, complaint.ticket_id)
            told = _promise(tx, ticket, complaint)
        else:
            ticket = papers.take_in(tx, me(tx), paper, files)
            told = gettext("Recorded as no. %(number)s.", number=ticket.number)
        tx.session.flush()
        readable = _reads(tx, viewer(), ticket)
    where = url_for("tickets.one", number=ticket.number) if readable else url_for("complaint_desk.papers.new")
    return done(where, toast=told)


def _today(session: Session) -> date:
    """The day on which the desk's complaints are."""
    query = select(Calendar.zone).join(Queue, Queue.calendar_id == Calendar.id)
    zone = session.scalar(query.order_by((Queue.key == complaints.QUEUE_KEY).desc(), Queue.id).limit(1)) or "UTC"
    return installation().clock.now().astimezone(ZoneInfo(zone)).date()


def _promise(tx: Tx, ticket: Ticket, complaint: Complaint) -> str:
    day = day_in_words(complaint.decide_due_at, zone_of(tx.session, ticket, complaint), language())
    return gettext("Recorded as no. %(number)s. We decide by %(day)s.", number=ticket.number, day=day)


def _reads(tx: Tx, who: Viewer, ticket: Ticket) -> bool:
    try:
        access_ticket(tx.session, who, ticket.number or 0)
    except NotFound:
        return False
    return True
