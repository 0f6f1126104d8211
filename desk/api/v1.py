"""The addresses of version 1. What each takes and gives is described in `description`, which a test holds against these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_customer, access_ticket, in_use, is_known, untouched_by, visible_tickets
from desk.actions import intake
from desk.actions.complaints.representatives import write_unproven
from desk.actions.people import customers
from desk.actions.tickets import own_fields, tickets
from desk.actions.tickets.prioritising import LONGEST_REASON
from desk.api import articles, at_hand, complaint_stats, complaints, shapes, why
from desk.api import search as found
from desk.api.description import describe
from desk.api.fields import Fields
from desk.api.lists import page
from desk.api.once import once
from desk.errors import Invalid
from desk.events import Event
from desk.http.context import installation, reading, writing
from desk.http.guard import needs, public
from desk.http.incoming import LARGEST_ID
from desk.models import (
    Agent,
    Attachment,
    Complaint,
    ContactPoint,
    Customer,
    Message,
    Queue,
    Ticket,
    WorkItem,
)
from desk.models.ticket import LIVE, MERGED
from desk.models.work_item import ABANDONED, DONE, WAITING
from desk.queries.audit import OFFICERS_ONLY
from desk.queries.event_data import whole_data
from desk.queries.people.customers import has_visible_ticket
from desk.queries.people.skills import skills_at
from desk.queries.tickets.links import merged_into
from desk.queries.tickets.tags import tags_of
from desk.store import Tx
from routing.urgency import IMPACTS, NORMAL, ONE, URGENCIES

pages = Blueprint("api", __name__, url_prefix="/api/v1")
pages.register_blueprint(why.pages)
pages.register_blueprint(found.pages)
pages.register_blueprint(at_hand.pages)
pages.register_blueprint(articles.pages)
pages.register_blueprint(complaints.pages)
pages.register_blueprint(complaint_stats.pages)


@pages.get("/openapi.json")
@public
def openapi() -> Response:
    return jsonify(describe(installation().settings.base_url))


@pages.get("/tickets")
@needs(Right.READ_TICKETS)
def list_tickets() -> Response:
    query = _tickets().where(visible_tickets(g.viewer))
    for column in (Ticket.status, Ticket.type, Ticket.channel, Ticket.impact, Ticket.urgency):
        if request.args.get(column.key):
            query = query.where(column == request.args[column.key])
    if request.args.get("priority"):
        query = query.where(Ticket.priority == _number("priority"))
    if request.args.get("customer"):
        query = query.where(Ticket.customer_id == _number("customer"))
    if request.args.get("owner"):
        query = query.where(Ticket.owner_id == _number("owner"))
    if request.args.get("queue"):
        queue_id = select(Queue.id).where(Queue.key == request.args["queue"]).scalar_subquery()
        query = query.where(Ticket.queue_id == queue_id)
    with reading() as session:
        return jsonify(page(session, query, Ticket.id, lambda rows: _ticket_rows(session, rows), newest_first=True))


@pages.post("/tickets")
@needs(Right.REPLY)
def open_ticket() -> Response:
    """A ticket for a customer known by e-mail or phone, who is added when new."""
    fields = Fields(request)
    subject, text = fields.text("subject", required=True, most=300), fields.text("text", most=100_000)
    email, phone = fields.text("email"), fields.text("phone")
    name, kind = fields.text("name", most=200), fields.choice("type", ("enquiry", "request", "incident"), "enquiry")
    queue_key, locale = fields.text("queue"), fields.choice("locale", ("", "en", "zh"), "")
    impact, urgency = fields.choice("impact", IMPACTS, ONE), fields.choice("urgency", URGENCIES, NORMAL)
    fields.check("subject", "text", "email", "phone", "name", "type", "queue", "locale", "impact", "urgency")
    if not (email or phone):
        raise Invalid("Give the customer's “email” or “phone”.")

    def act(tx: Tx) -> dict[str, Any]:
        contact = ("email", email) if email else ("phone", phone)
        customer = customers.identify(tx, *contact, name=name, locale=locale)
        queue = intake.find_queue(tx, queue_key)
        ticket = tickets.open_ticket(
            tx,
            customer=customer,
            queue=queue,
            subject=subject,
            channel="manual",
            type=kind,
            locale=locale,
            impact=impact,
            urgency=urgency,
        )
        if text:
            tickets.note(tx, ticket, None, text)
        tickets.queue_work(tx, ticket, queue)
        return shapes.ticket_shape(ticket, customer, None, queue, g.viewer)

    return once(act)


@pages.get("/tickets/<int:number>")
@needs(Right.READ_TICKETS)
def get_ticket(number: int) -> Response:
    with reading() as session:
        access_ticket(session, g.viewer, number)
        return jsonify(_one_ticket(session, number))


@pages.patch("/tickets/<int:number>")
@needs(Right.REPLY)
def change_ticket(number: int) -> Response:
    fields = Fields(request)
    subject, category, priority = fields.text("subject", most=300), fields.text("category"), fields.number("priority")
    impact, urgency = fields.choice("impact", ("", *IMPACTS), ""), fields.choice("urgency", ("", *URGENCIES), "")
    reason, owner = fields.text("priority_reason", most=LONGEST_REASON), fields.number("owner")
    answers = fields.values("fields")
    fields.check("subject", "category", "impact", "urgency", "priority", "priority_reason", "owner", "fields")
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        weighed = {"impact": impact or None, "urgency": urgency or None, "priority": priority, "reason": reason or None}
        tickets.set_fields(tx, ticket, subject=subject or None, category=category or None, **weighed)
        own_fields.set_answers(tx, ticket, answers)
        if owner is not None:
            tickets.assign(tx, ticket, owner)
    with reading() as session:
        return jsonify(_one_ticket(session, number))


@pages.get("/tickets/<int:number>/messages")
@needs(Right.READ_TICKETS)
def list_messages(number: int) -> Response:
    with reading() as session:
        ticket = access_ticket(session, g.viewer, number)
        query = select(Message).where(Message.ticket_id == ticket.id)

        def shape(rows: Sequence[Any]) -> list[dict[str, Any]]:
            messages = [row[0] for row in rows]
            files = _files(session, [message.id for message in messages])
            return [
                shapes.message_shape(each, ticket.number, files.get(each.id, []), g.viewer) | {"_key": each.id}
                for each in messages
            ]

        return jsonify(page(session, query, Message.id, shape))


@pages.post("/tickets/<int:number>/messages")
@needs(Right.REPLY)
def add_message(number: int) -> Response:
    """A reply by mail, or a note among colleagues."""
    fields = Fields(request)
    text, kind = fields.text("text", required=True, most=100_000), fields.choice("kind", ("message", "note"), "message")
    cc, unproven = fields.texts("cc"), fields.text("unproven")
    fields.check("text", "kind", "cc", "unproven")

    def act(tx: Tx) -> dict[str, Any]:
        ticket = access_ticket(tx.session, g.viewer, number)
        if kind == "note":
            message = tickets.note(tx, ticket, None, text)
        else:
            write_unproven(tx, ticket, None, unproven)
            message = tickets.reply(tx, ticket, None, text, channel="email", cc=cc)
        return shapes.message_shape(message, ticket.number, [], g.viewer)

    return once(act)


@pages.get("/customers")
@needs(Right.READ_CUSTOMERS)
def list_customers() -> Response:
    query = select(Customer).where(is_known())
    if not g.viewer.can(Right.READ_ALL_TICKETS):
        query = query.where(has_visible_ticket(g.viewer))
    if request.args.get("tier"):
        query = query.where(Customer.tier == request.args["tier"])
    for kind in ("email", "phone"):
        if request.args.get(kind):
            value = customers.normal(kind, request.args[kind])
            points = select(ContactPoint.customer_id).where(ContactPoint.kind == kind, ContactPoint.value == value)
            query = query.where(Customer.id.in_(points))
    with reading() as session:
        return jsonify(page(session, query, Customer.id, lambda rows: _customer_rows(session, rows)))


@pages.post("/customers")
@needs(Right.EDIT_CUSTOMERS)
def add_customer() -> Response:
    fields = Fields(request)
    name, email, phone = fields.text("name", required=True, most=200), fields.text("email"), fields.text("phone")
    tier, locale = (
        fields.choice("tier", ("", "vip", "gold", "silver", "standard"), ""),
        fields.choice("locale", ("", "en", "zh"), ""),
    )
    fields.check("name", "email", "phone", "tier", "locale")
    given = [(kind, value) for kind, value in (("email", email), ("phone", phone)) if value]
    if not given:
        raise Invalid("Give the customer's “email” or “phone”.")

    def act(tx: Tx) -> dict[str, Any]:
        customer = customers.identify(tx, *given[0], name=name, locale=locale)
        for kind, value in given[1:]:
            customers.add_contact_point(tx, customer, kind, value)
        if tier:
            customers.set_tier(tx, customer, tier)
        tx.session.flush()
        return {name: value for name, value in _customer_rows(tx.session, [(customer,)])[0].items() if name != "_key"}

    return once(act)


@pages.get("/customers/<int:customer_id>")
@needs(Right.READ_CUSTOMERS)
def get_customer(customer_id: int) -> Response:
    with reading() as session:
        customer = access_customer(session, g.viewer, customer_id)
        shape = _customer_rows(session, [(customer,)])[0]
    shape.pop("_key")
    return jsonify(shape)


@pages.get("/agents")
@needs(Right.SUPERVISE)
def list_agents() -> Response:
    with reading() as session:

        def shape(rows: Sequence[Any]) -> list[dict[str, Any]]:
            agents = [row[0] for row in rows]
            skills = skills_at(session, installation().clock.now(), [each.id for each in agents])
            return [shapes.agent_shape(each, skills.get(each.id, {})) | {"_key": each.id} for each in agents]

        return jsonify(page(session, select(Agent).where(Agent.active.is_(True)), Agent.id, shape))


@pages.get("/work-items")
@needs(Right.READ_TICKETS)
def list_work_items() -> Response:
    query = select(WorkItem, Ticket.number).join(Ticket, Ticket.id == WorkItem.ticket_id).where(visible_tickets(g.viewer))
    for name, column in (("state", WorkItem.state), ("channel", WorkItem.channel), ("kind", WorkItem.kind)):
        if request.args.get(name):
            query = query.where(column == request.args[name])
    if request.args.get("state"):  # says to the database which of its indexes has the rows
        is_over = request.args["state"] in (DONE, ABANDONED)
        query = query.where(WorkItem.ended_at.is_not(None) if is_over else WorkItem.ended_at.is_(None))
    with reading() as session:
        return jsonify(
            page(
                session,
                query,
                WorkItem.id,
                lambda rows: [shapes.work_item_shape(item, number) | {"_key": item.id} for item, number in rows],
            )
        )


@pages.get("/complaints")
@needs(Right.READ_COMPLAINTS)
def list_complaints() -> Response:
    query = select(Complaint, Ticket.number).join(Ticket, Ticket.id == Complaint.ticket_id).where(visible_tickets(g.viewer))
    if request.args.get("stage"):
        query = query.where(Complaint.stage == request.args["stage"])
    with reading() as session:
        return jsonify(
            page(
                session,
                query,
                Complaint.id,
                lambda rows: [shapes.complaint_shape(each, number) | {"_key": each.id} for each, number in rows],
                newest_first=True,
            )
        )


@pages.get("/events")
@needs(Right.READ_AUDIT)
def list_events() -> Response:
    """Everything that happened, oldest first; keep the `cursor` and come back with it for what is new."""
    seen = untouched_by(g.viewer, Event.ticket_id), in_use(Event.ticket_id)
    query = select(Event).where(*seen, Event.kind.not_in(OFFICERS_ONLY))
    if request.args.get("kind"):
        query = query.where(Event.kind == request.args["kind"])
    if request.args.get("ticket"):
        query = query.where(Event.ticket_id == _number("ticket"))
    with reading() as session:
        return jsonify(
            page(
                session,
                query,
                Event.id,
                lambda rows: _events(session, [row[0] for row in rows]),
                resumable=True,
            )
        )


@pages.get("/stats")
@needs(Right.SUPERVISE)
def stats() -> Response:
    """How much waits and who is there, now."""
    with reading() as session:
        waiting = session.execute(
            select(WorkItem.channel, func.count(), func.min(WorkItem.enqueued_at))
            .where(WorkItem.state == WAITING)
            .group_by(WorkItem.channel)
        ).all()
        agents = session.execute(
            select(Agent.presence, func.count()).where(Agent.active.is_(True)).group_by(Agent.presence)
        ).all()
        live = session.execute(select(Ticket.status, func.count()).where(Ticket.status.in_(LIVE)).group_by(Ticket.status)).all()
    return jsonify(
        waiting={channel: {"count": count, "oldest_since": shapes.moment(oldest)} for channel, count, oldest in waiting},
        agents=dict(list(map(tuple, agents))),
        tickets=dict(list(map(tuple, live))),
    )


def _tickets() -> Any:
    return (
        select(Ticket, Customer, Agent, Queue)
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
    )


def _ticket_rows(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    marks = tags_of(session, [row[0].id for row in rows])
    gone = merged_into(session, [row[0].id for row in rows if row[0].status == MERGED])
    return [
        shapes.ticket_shape(*row, g.viewer, tags=marks.get(row[0].id, ()), merged_into=gone.get(row[0].id)) | {"_key": row[0].id}
        for row in rows
    ]


def _one_ticket(session: Session, number: int) -> dict[str, Any]:
    shape = _ticket_rows(session, [session.execute(_tickets().where(Ticket.number == number)).one()])[0]
    return {name: value for name, value in shape.items() if name != "_key"}


def _customer_rows(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    found = [row[0] for row in rows]
    contacts: dict[int, list[ContactPoint]] = {}
    query = select(ContactPoint).where(ContactPoint.customer_id.in_([each.id for each in found])).order_by(ContactPoint.id)
    for contact in session.scalars(query):
        contacts.setdefault(contact.customer_id, []).append(contact)
    return [shapes.customer_shape(each, contacts.get(each.id, []), g.viewer) | {"_key": each.id} for each in found]


def _events(session: Session, events: Sequence[Event]) -> list[dict[str, Any]]:
    told = zip(events, whole_data(session, events), strict=True)
    return [shapes.event_shape(event, data) | {"_key": event.id} for event, data in told]


def _files(session: Session, message_ids: list[int]) -> dict[int, list[Attachment]]:
    found: dict[int, list[Attachment]] = {}
    for file in session.scalars(select(Attachment).where(Attachment.message_id.in_(message_ids)).order_by(Attachment.id)):
        found.setdefault(file.message_id or 0, []).append(file)
    return found


def _number(name: str) -> int:
    text = request.args[name]
    if not text.isdecimal() or int(text[:20]) > LARGEST_ID:
        raise Invalid("“%(name)s” is a number.", name=name)
    return int(text)
