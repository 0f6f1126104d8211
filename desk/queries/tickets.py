"""Lists of tickets with filters, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.models import Agent, ContactPoint, Customer, Queue, Ticket
from desk.models.ticket import LIVE
from desk.queries.ticket_page import next_due

PAGE = 50
VIEWS = ("mine", "unassigned", "open", "pending", "solved", "all")


@dataclass(frozen=True)
class TicketRow:
    """One line of a ticket list."""

    ticket: Ticket
    customer_name: str
    tier: str
    owner_name: str
    queue_name: str
    queue_name_zh: str
    due_at: datetime | None


def ticket_list(
    session: Session,
    viewer: Viewer,
    *,
    view: str = "open",
    search: str = "",
    queue_id: int | None = None,
    channel: str = "",
    type: str = "",
    before: tuple[datetime, int] | None = None,
    limit: int = PAGE,
) -> list[TicketRow]:
    """A page of what the viewer may read, the latest change first.

    `before` is (updated_at, id) of the last row of the page before; one row more than `limit` says that another page follows.
    """
    query = (
        select(Ticket, Customer.name, Customer.tier, Agent.name, Queue.name, Queue.name_zh)
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
        .where(visible_tickets(viewer), *_view(viewer, view))
    )
    if queue_id is not None:
        query = query.where(Ticket.queue_id == queue_id)
    if channel:
        query = query.where(Ticket.channel == channel)
    if type:
        query = query.where(Ticket.type == type)
    if search.strip():
        query = query.where(_search(search.strip()))
    if before is not None:
        at, ticket_id = before
        query = query.where(or_(Ticket.updated_at < at, (Ticket.updated_at == at) & (Ticket.id < ticket_id)))
    rows = session.execute(query.order_by(Ticket.updated_at.desc(), Ticket.id.desc()).limit(limit + 1))
    return [
        TicketRow(ticket, name, tier, owner or "", queue, queue_zh, next_due(ticket))
        for ticket, name, tier, owner, queue, queue_zh in rows
    ]


def _view(viewer: Viewer, view: str) -> list[ColumnElement[bool]]:
    match view:
        case "mine":
            return [Ticket.owner_id == viewer.agent_id, Ticket.status.in_(LIVE)]
        case "unassigned":
            return [Ticket.owner_id.is_(None), Ticket.status.in_(LIVE)]
        case "open":
            return [Ticket.status.in_(("new", "open"))]
        case "pending":
            return [Ticket.status.in_(("pending_customer", "pending_internal"))]
        case "solved":
            return [Ticket.status.in_(("solved", "closed"))]
    return []


def _search(text: str) -> ColumnElement[bool]:
    """By number, or by the start of the customer's name, address or phone number: all of them have an index."""
    digits = text.lstrip("#")
    start = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    points = select(ContactPoint.customer_id).where(
        or_(ContactPoint.value.like(start.lower(), escape="\\"), ContactPoint.value.like("+" + start, escape="\\"))
    )
    people = select(Customer.id).where(Customer.name.like(start, escape="\\"))
    conditions = [Ticket.customer_id.in_(points), Ticket.customer_id.in_(people), Ticket.subject.like(start, escape="\\")]
    if digits.isascii() and digits.isdigit() and len(digits) < 13:
        conditions.append(Ticket.number == int(digits))
    return or_(*conditions)
