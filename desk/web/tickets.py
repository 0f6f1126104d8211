"""Tickets on the screen: the list, one ticket with its parts, and a new one by hand. What is done to them is in `ticket_work`."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions import customers, tickets
from desk.errors import Invalid, NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment, whole
from desk.http.problems import say
from desk.models import Customer, Queue, Ticket
from desk.queries.complaints import complaint_case
from desk.queries.crossed import seen_now
from desk.queries.customers import panel
from desk.queries.deliveries import deliveries, trusted_senders
from desk.queries.hand_ups import hand_ups_of, is_only_asked
from desk.queries.recipients import participants
from desk.queries.surveys import follow_ups_of, surveys_of
from desk.queries.ticket_page import Channels, channels, choices, head
from desk.queries.tickets import PAGE, VIEWS, ticket_list
from desk.queries.timeline import timeline
from desk.sentences import N_
from desk.store import Tx
from desk.web import canned_use, drafts, hand_ups, knowledge_panel, mail_work, mentions, ticket_work, unsent, words
from desk.web.console import done, frame, may_enter, small
from desk.web.recipients import proposed

pages = Blueprint("tickets", __name__)
pages.register_blueprint(ticket_work.pages)
pages.register_blueprint(knowledge_panel.pages)
pages.register_blueprint(unsent.pages)
pages.register_blueprint(drafts.pages)
pages.register_blueprint(canned_use.pages)
pages.register_blueprint(mentions.pages)
pages.register_blueprint(mail_work.pages)
pages.register_blueprint(hand_ups.pages)

CHANNELS = ("voice", "email", "chat", "form")
MOST_PAGES = 20  # of the timeline, which is loaded a few hundred entries at a time


@pages.get("/desk/tickets")
@needs(Right.SIGNED_IN)
def all_of_them() -> str:
    may_enter()
    with reading() as session:
        return render_template("tickets/list.html", **frame(session), **_list(session))


@pages.get("/desk/tickets/rows")
@needs(Right.SIGNED_IN)
def rows() -> str:
    may_enter()
    with reading() as session:
        return render_template("tickets/_rows.html", words=words.everything(), **_list(session))


@pages.get("/desk/tickets/<int:number>")
@needs(Right.SIGNED_IN)
def one(number: int) -> str:
    may_enter()
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        of_page = (_head, _asked, _timeline, _unsent, drafts.of_composer, _channels, _recipients, _customer, _complaint)
        parts = [show(session, ticket) for show in of_page]
        return render_template("tickets/ticket.html", **reduce(or_, parts, frame(session, number)))


@pages.get("/desk/tickets/<int:number>/<any(head, asked, timeline, channels, recipients, customer, complaint, history):part>")
@needs(Right.SIGNED_IN)
def fragment(number: int, part: str) -> str:
    """One live part of a ticket's page, as the page itself shows it."""
    may_enter()
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        return render_template(f"tickets/_{part}.html", words=words.everything(), **_PARTS[part](session, ticket))


@pages.get("/desk/tickets/new")
@needs(Right.REPLY)
def new() -> str:
    with reading() as session:
        return render_template("tickets/new.html", **frame(session), **_form(session), values=request.args, errors={})


@pages.post("/desk/tickets")
@needs(Right.REPLY)
def create() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            ticket = _open(tx)
    except Invalid as wrong:
        errors = {name: str(sentence) for name, sentence in wrong.fields.items()} or {"contact": say(wrong)}
        with reading() as session:
            page = render_template(
                "tickets/_new.html", words=words.everything(), **_form(session), values=request.form, errors=errors
            )
        return page, 422
    return done(url_for("tickets.one", number=ticket.number))


def _open(tx: Tx) -> Ticket:
    form = request.form
    contact = form.get("contact", "").strip()
    fields = {}
    if not contact:
        fields["contact"] = N_("Write an e-mail address or a phone number.")
    if not form.get("subject", "").strip():
        fields["subject"] = N_("Write in a few words what it is about.")
    if fields:
        raise Invalid("Something is missing before this ticket can be opened.", fields)
    queue = tx.session.get(Queue, form.get("queue", 0, type=small))
    if queue is None:
        raise NotFound("There is no such queue.")
    tickets.check_open(queue)
    kind = "email" if "@" in contact else "phone"
    customer = customers.identify(tx, kind, contact, name=form.get("name", "").strip())
    channel = form.get("channel", "")
    ticket = tickets.open_ticket(
        tx,
        customer=customer,
        queue=queue,
        subject=form["subject"],
        channel=channel if channel in CHANNELS else "form",
        locale=form.get("locale", ""),
    )
    agent = me(tx)
    if form.get("text", "").strip():
        tickets.note(tx, ticket, agent, form["text"])
    if form.get("mine"):
        tickets.assign(tx, ticket, agent.id)
    else:
        tickets.queue_work(tx, ticket, queue)
    return ticket


def _form(session: Session) -> dict[str, Any]:
    queues = select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)
    return {"queues": session.scalars(queues).all(), "channels_to_choose": CHANNELS}


def _list(session: Session) -> dict[str, Any]:
    args = request.args
    view = args.get("view", "mine" if viewer().can(Right.TAKE_WORK) else "open")
    view = view if view in VIEWS else "open"
    asked = {"search": args.get("q", "").replace("\0", ""), "channel": args.get("channel", ""), "type": args.get("type", "")}
    queue_id = args.get("queue", type=small)
    found = ticket_list(session, viewer(), view=view, queue_id=queue_id, before=_cursor(args.get("before", "")), **asked)
    more = found[PAGE - 1].ticket if len(found) > PAGE else None
    kept = {key: value for key, value in args.items() if key != "before" and value}
    return {
        "rows": found[:PAGE],
        "view": view,
        "views": VIEWS,
        "asked": {**asked, "queue": queue_id},
        "queues": session.scalars(select(Queue).order_by(Queue.position, Queue.id)).all(),
        "channels_to_choose": CHANNELS,
        "kept": kept,
        "is_later_page": "before" in args,
        "next_page": url_for("tickets.all_of_them", **{**kept, "before": f"{more.updated_at.isoformat()}~{more.id}"})
        if more
        else "",
    }


def _cursor(text: str) -> tuple[datetime, int] | None:
    at, _, ticket_id = text.partition("~")
    since, last = moment(at), whole(ticket_id)
    return None if since is None or last is None else (since, last)


def _head(session: Session, ticket: Ticket) -> dict[str, Any]:
    top = head(session, viewer(), ticket)
    return {"head": top, "ticket": ticket, "choices": choices(session, ticket), "why": words.why_you(top.reason)}


def _asked(session: Session, ticket: Ticket) -> dict[str, Any]:
    return {"ticket": ticket, "asked": hand_ups_of(session, viewer(), ticket)}


def _timeline(session: Session, ticket: Ticket) -> dict[str, Any]:
    pages_asked = min(max(request.args.get("pages", 1, type=small), 1), MOST_PAGES)
    entries, more = timeline(session, ticket, pages=pages_asked)
    # The lines are written here, so that the page and its refreshed parts cannot say different things.
    lines = {entry.key: words.event_line(entry) for entry in entries if entry.event is not None}
    messages = [entry.message for entry in entries if entry.message is not None]
    sent = deliveries(session, messages)
    trusted = trusted_senders(session, viewer().agent_id, messages)
    shown = {"entries": entries, "lines": lines, "deliveries": sent, "trusted": trusted}
    seen = seen_now(session, ticket)
    return {"ticket": ticket, **shown, "seen": seen, "earlier": more, "pages_shown": pages_asked}


def _unsent(session: Session, ticket: Ticket) -> dict[str, Any]:
    return unsent.of_bar(session, ticket)


def _channels(session: Session, ticket: Ticket) -> dict[str, Any]:
    agent_id = viewer().agent_id
    only_notes = agent_id is not None and is_only_asked(session, ticket, agent_id)
    ways = Channels(False, "", "") if only_notes else channels(session, ticket)
    return {"ticket": ticket, "channels": ways, "only_notes": only_notes}


def _recipients(session: Session, ticket: Ticket) -> dict[str, Any]:
    return {"ticket": ticket, **proposed(session, ticket)}


def _customer(session: Session, ticket: Ticket) -> dict[str, Any]:
    shown = panel(session, viewer(), session.get_one(Customer, ticket.customer_id))
    asked = {"surveys": surveys_of(session, ticket.id), "follow_ups": follow_ups_of(session, ticket.id)}
    return {"ticket": ticket, "panel": shown, "participants": participants(session, ticket), **asked}


def _complaint(session: Session, ticket: Ticket) -> dict[str, Any]:
    case = complaint_case(session, viewer(), ticket.number or 0, now=installation().clock.now())
    return {"ticket": ticket, "case": case}


_PARTS = {
    "head": _head,
    "asked": _asked,
    "timeline": _timeline,
    "channels": _channels,
    "recipients": _recipients,
    "customer": _customer,
    "complaint": _complaint,
    "history": _customer,
}
