"""Tickets on the screen: the list, one ticket with its parts, and a new one by hand. What is done to them is in `work`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.people import customers
from desk.actions.people.conduct import SCRIPT
from desk.actions.tickets import tickets
from desk.errors import Invalid, NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.problems import say
from desk.models import Customer, Queue, Ticket
from desk.models.ticket import MERGED
from desk.queries.complaints.complaints import complaint_case
from desk.queries.complaints.representatives import is_ticket_withheld
from desk.queries.mail.crossed import seen_now
from desk.queries.mail.deliveries import deliveries, trusted_senders
from desk.queries.mail.recipients import participants
from desk.queries.people.contact_limits import limit_row
from desk.queries.people.customers import panel
from desk.queries.surveys.disclosure import Shown, shown_to
from desk.queries.surveys.rules import survey_rules
from desk.queries.surveys.surveys import follow_ups_of, surveys_of
from desk.queries.tickets.belongings import Belongings, belongings
from desk.queries.tickets.drafts import draft_on
from desk.queries.tickets.links import merged_into
from desk.queries.tickets.page import Channels, channels, choices, head
from desk.queries.tickets.timeline import timeline
from desk.queries.work.hand_ups import hand_ups_of, is_only_asked
from desk.sentences import N_
from desk.store import Tx
from desk.web import words
from desk.web.articles import panel as knowledge_panel
from desk.web.console import done, frame, may_enter, small
from desk.web.mail import work as mail_work
from desk.web.tickets import at_hand as ticket_at_hand
from desk.web.tickets import canned_use, drafts, hand_ups, lists, mentions, unsent
from desk.web.tickets import work as ticket_work
from desk.web.tickets.priorities import why_priority
from desk.web.tickets.recipients import proposed
from routing.urgency import IMPACTS, NORMAL, ONE, URGENCIES

pages = Blueprint("tickets", __name__)
pages.register_blueprint(ticket_work.pages)
pages.register_blueprint(ticket_at_hand.pages)
pages.register_blueprint(lists.pages)
pages.register_blueprint(knowledge_panel.pages)
pages.register_blueprint(unsent.pages)
pages.register_blueprint(drafts.pages)
pages.register_blueprint(canned_use.pages)
pages.register_blueprint(mentions.pages)
pages.register_blueprint(mail_work.pages)
pages.register_blueprint(hand_ups.pages)

MOST_PAGES = 20  # of the timeline, which is loaded a few hundred entries at a time


@pages.get("/desk/tickets")
@needs(Right.SIGNED_IN)
def all_of_them() -> str:
    may_enter()
    with reading() as session:
        parts = (frame(session), lists.rows_of(session), lists.filters_of(session), lists.of_many(session))
        return render_template("tickets/list.html", **reduce(or_, parts))


@pages.get("/desk/tickets/rows")
@needs(Right.SIGNED_IN)
def rows() -> str:
    may_enter()
    with reading() as session:
        return render_template("tickets/_rows.html", words=words.everything(), **lists.rows_of(session))


@pages.get("/desk/tickets/<int:number>")
@needs(Right.SIGNED_IN)
def one(number: int) -> str | Response:
    may_enter()
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        if ticket.status == MERGED and "stay" not in request.args and (into := _readable_survivor(session, ticket)):
            return redirect(url_for("tickets.one", number=into))
        has = belongings(session, viewer(), ticket, installation().clock.now())
        of_page = (_asked, _timeline, _channels, _recipients, _customer, _complaint)
        top = _head(session, ticket, has)
        parts = [
            frame(session, number),
            top,
            ticket_at_hand.of_marks(session, ticket, has, tags=top["tags"], followers=top["followers"]),
            unsent.of_bar(session, ticket, has, follows=top["follows"]),
            drafts.of_composer(ticket, draft_on(session, viewer(), ticket) if has.draft else None),
            *(show(session, ticket, has) for show in of_page),
        ]
        return render_template("tickets/ticket.html", **reduce(or_, parts))


@pages.get(
    "/desk/tickets/<int:number>/<any(head, asked, timeline, channels, recipients, customer, complaint, history, marks):part>"
)
@needs(Right.SIGNED_IN)
def fragment(number: int, part: str) -> str:
    """One live part of a ticket's page, as the page itself shows it."""
    may_enter()
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        has = belongings(session, viewer(), ticket, installation().clock.now())
        return render_template(f"tickets/_{part}.html", words=words.everything(), **_PARTS[part](session, ticket, has))


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
    ticket = tickets.open_ticket(
        tx,
        customer=customer,
        queue=queue,
        subject=form["subject"],
        channel=_one_of(lists.CHANNELS, "channel", "form"),
        locale=form.get("locale", ""),
        impact=_one_of(IMPACTS, "impact", ONE),
        urgency=_one_of(URGENCIES, "urgency", NORMAL),
    )
    agent = me(tx)
    if form.get("text", "").strip():
        tickets.note(tx, ticket, agent, form["text"])
    if form.get("mine"):
        tickets.assign(tx, ticket, agent.id)
    else:
        tickets.queue_work(tx, ticket, queue)
    return ticket


def _one_of(known: Sequence[str], name: str, otherwise: str) -> str:
    said = request.form.get(name, "")
    return said if said in known else otherwise


def _form(session: Session) -> dict[str, Any]:
    queues = select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)
    return {"queues": session.scalars(queues).all(), "channels_to_choose": lists.CHANNELS}


def _head(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    menus = choices(session, ticket)  # has the ticket's queue as well, which is not asked for again then
    top = head(session, viewer(), ticket, has)
    at_hand = ticket_at_hand.of_head(session, ticket, has)
    weighed = why_priority(ticket, top.customer.tier)
    return {"head": top, "ticket": ticket, "choices": menus, "why": words.why_you(top.reason), "weighed": weighed, **at_hand}


def _readable_survivor(session: Session, ticket: Ticket) -> int | None:
    """The number of the ticket that this one was merged into, if the viewer may read that."""
    into = merged_into(session, [ticket.id]).get(ticket.id)
    with suppress(NotFound):
        return access_ticket(session, viewer(), into).number if into else None
    return None


def _asked(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    return {"ticket": ticket, "asked": hand_ups_of(session, viewer(), ticket) if has.hand_ups else []}


def _timeline(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    pages_asked = min(max(request.args.get("pages", 1, type=small), 1), MOST_PAGES)
    entries, more = timeline(session, ticket, has, pages=pages_asked)
    # The lines are written here, so that the page and its refreshed parts cannot say different things.
    lines = {entry.key: words.event_line(entry) for entry in entries if entry.event is not None}
    messages = [entry.message for entry in entries if entry.message is not None]
    sent = deliveries(session, messages)
    trusted = trusted_senders(session, viewer().agent_id, messages)
    shown = {"entries": entries, "lines": lines, "deliveries": sent, "trusted": trusted}
    seen = seen_now(session, ticket)
    return {"ticket": ticket, **shown, "seen": seen, "earlier": more, "pages_shown": pages_asked}


def _channels(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    agent_id = viewer().agent_id
    only_notes = has.hand_ups and agent_id is not None and is_only_asked(session, ticket, agent_id)
    ways = Channels(False, "", "") if only_notes else channels(session, ticket)
    return {"ticket": ticket, "channels": ways, "only_notes": only_notes}


def _recipients(session: Session, ticket: Ticket, _has: Belongings) -> dict[str, Any]:
    unproven = is_ticket_withheld(session, ticket.id) if ticket.type == "complaint" else False
    return {"ticket": ticket, "unproven": unproven, **proposed(session, ticket)}


def _customer(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    shown = panel(session, viewer(), session.get_one(Customer, ticket.customer_id))
    asked: dict[str, Any] = {
        "survey_answers": _answers(session, ticket) if has.surveys else [],
        "follow_ups": follow_ups_of(session, ticket.id) if has.follow_ups else [],
    }
    if any(each.state == "open" for each in asked["follow_ups"]):
        said = survey_rules(session).questions["script"]
        asked["asking"] = said["zh" if ticket.locale == "zh" else "en"]
    people = participants(session, ticket) if has.participants else []
    limit = limit_row(session, ticket.customer_id, installation().clock.now())
    return {"ticket": ticket, "panel": shown, "participants": people, "limit": limit, "script": SCRIPT, **asked}


def _answers(session: Session, ticket: Ticket) -> list[Shown]:
    """What the customer answered, as far as the viewer may know by now."""
    now = installation().clock.now()
    return [shown_to(viewer(), each, now) for each in surveys_of(session, ticket.id) if each.answered_at]


def _complaint(session: Session, ticket: Ticket, _has: Belongings) -> dict[str, Any]:
    if ticket.type != "complaint":
        return {"ticket": ticket, "case": None}
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
    "marks": ticket_at_hand.of_marks,
}
