"""Lists of tickets with filters, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true, union, union_all
from sqlalchemy.orm import Session

from desk.access import Viewer, held_tickets, lasting_sight, visible_tickets
from desk.beginnings import begins, folded
from desk.db import asked_of_each
from desk.models import Agent, ContactPoint, Customer, Queue, Ticket
from desk.models.ticket import LIVE, SOUGHT, STATUSES
from desk.queries.customers import is_contact
from desk.queries.ticket_page import next_due

PAGE = 50
VIEWS = ("mine", "unassigned", "open", "pending", "solved", "all")
MOST_FOUND = 1000  # so many are sorted after they were found; of more, the list is gone through in its own order
_STATUSES = {
    "mine": LIVE,
    "unassigned": LIVE,
    "open": ("new", "open"),
    "pending": ("pending_customer", "pending_internal"),
    "solved": ("solved", "closed"),
}


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
    conditions = []
    if view == "mine":
        conditions.append(Ticket.owner_id == viewer.agent_id)
    elif view == "unassigned":
        conditions.append(Ticket.owner_id.is_(None))
    if queue_id is not None:
        conditions.append(Ticket.queue_id == queue_id)
    if channel:
        conditions.append(Ticket.channel == channel)
    if type:
        conditions.append(Ticket.type == type)
    if before is not None:
        at, ticket_id = before
        conditions += [Ticket.updated_at <= at, or_(Ticket.updated_at < at, Ticket.id < ticket_id)]
    statuses = _STATUSES.get(view, STATUSES)
    if search.strip():
        found = _found(session, search.strip())
        if found is not None:
            return _rows(session, _sorted(viewer, statuses, [Ticket.id.in_(found), *conditions]).limit(limit + 1))
        conditions.append(_is_like(search.strip()))
    return _rows(session, _merged(viewer, statuses, conditions, limit + 1))


def _rows(session: Session, ids: Select[tuple[int]]) -> list[TicketRow]:
    page = session.scalars(ids).all()
    query = (
        select(Ticket, Customer.name, Customer.tier, Agent.name, Queue.name, Queue.name_zh)
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
        .where(Ticket.id.in_(page))
        .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
    )
    return [
        TicketRow(ticket, name, tier, owner or "", queue, queue_zh, next_due(ticket))
        for ticket, name, tier, owner, queue, queue_zh in session.execute(query)
    ]


def _sorted(viewer: Viewer, statuses: Sequence[str], conditions: Sequence[ColumnElement[bool]]) -> Select[tuple[int]]:
    """What is left of few tickets."""
    query = select(Ticket.id).where(asked_of_each(visible_tickets(viewer)), _is_none_but(statuses), *conditions)
    return query.order_by(Ticket.updated_at.desc(), Ticket.id.desc())


def _merged(viewer: Viewer, statuses: Sequence[str], conditions: Sequence[ColumnElement[bool]], most: int) -> Select[tuple[int]]:
    """The first of all tickets.

    Each status and each way to see a ticket has an index in the order of the list, so that of every one only the first few are
    read, however many there are; then these are merged.
    """
    fits = asked_of_each(and_(true(), *conditions))  # who has no owner is most of the past, and few are held
    few = select(Ticket.id, Ticket.updated_at).where(_is_none_but(statuses), fits)
    lists = [few.where(held) for held in held_tickets(viewer)]
    for seen in lasting_sight(viewer) or [false()]:
        for status in statuses:
            many = select(Ticket.id, Ticket.updated_at).where(seen, Ticket.status == status, *conditions)
            first = many.order_by(Ticket.updated_at.desc(), Ticket.id.desc()).limit(most).subquery()
            lists.append(select(first.c.id, first.c.updated_at))
    merged = union(*lists).subquery()
    return select(merged.c.id).order_by(merged.c.updated_at.desc(), merged.c.id.desc()).limit(most)


def _is_none_but(statuses: Sequence[str]) -> ColumnElement[bool]:
    """The same as `in_`, said so that no database takes the index of statuses where the tickets are given already."""
    return Ticket.status.not_in([each for each in STATUSES if each not in statuses])


def _found(session: Session, text: str) -> Sequence[int] | None:
    """The tickets with this number, or whose subject, customer's name, address or phone number begins so; None for too many."""
    number = text.lstrip("#")
    ways = [
        select(Ticket.id).where(_is_subject(text)),
        select(Ticket.id).join(Customer, Customer.id == Ticket.customer_id).where(begins(Customer.name_sought, folded(text))),
        select(Ticket.id).join(ContactPoint, ContactPoint.customer_id == Ticket.customer_id).where(is_contact(text)),
    ]
    if number.isdecimal() and len(number) < 13:
        ways.append(select(Ticket.id).where(Ticket.number == int(number)))
    some = union_all(*(select(way.limit(MOST_FOUND + 1).subquery()) for way in ways)).subquery()
    found = session.scalars(select(some.c.id).distinct()).all()
    return found if len(found) <= MOST_FOUND else None


def _is_like(text: str) -> ColumnElement[bool]:
    """The same as a condition that is asked of one ticket after another: quick when many are alike."""
    named = exists().where(Customer.id == Ticket.customer_id, begins(Customer.name_sought, folded(text)))
    reached = exists().where(ContactPoint.customer_id == Ticket.customer_id, is_contact(text))
    return or_(_is_subject(text), named, reached)


def _is_subject(text: str) -> ColumnElement[bool]:
    return begins(Ticket.subject_sought, folded(text, SOUGHT))
