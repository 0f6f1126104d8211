"""One customer on a page of their own: how to reach them, and everything they had to do with us, over all channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, masked, visible_tickets
from desk.errors import NotFound
from desk.models import Agent, Call, Chat, ContactPoint, Customer, Message, Organisation, Survey, Ticket
from desk.models.ticket import LIVE

PAGE = 60
EXCERPT = 280


@dataclass(frozen=True)
class ListRow:
    """One line of the list of customers."""

    customer: Customer
    organisation: str
    contact: str
    open_count: int


@dataclass(frozen=True)
class ShownContact:
    """A way to reach the customer, masked where the viewer's right asks for it."""

    id: int
    kind: str
    value: str
    verified: bool
    hidden: bool


@dataclass(frozen=True)
class Profile:
    """Who the customer is, and in how many matters."""

    customer: Customer
    organisation: str
    contacts: list[ShownContact]
    open_count: int
    past_count: int
    mean_score: float | None
    scores: int


@dataclass(frozen=True)
class Happening:
    """One thing on the customer's timeline. `kind` is opened, solved, message, note, call, chat or survey; `row` is that noun."""

    key: str
    kind: str
    at: datetime
    number: int | None
    subject: str
    row: Any
    who: str = ""


def list_rows(session: Session, viewer: Viewer, customers: list[Customer]) -> list[ListRow]:
    """What the list shows beside the names, in three queries however long the page is."""
    ids = [customer.id for customer in customers]
    contacts: dict[int, str] = {}
    points = select(ContactPoint).where(ContactPoint.customer_id.in_(ids), ContactPoint.kind.in_(("phone", "email")))
    for point in session.scalars(points.order_by(ContactPoint.id)):
        contacts.setdefault(point.customer_id, masked(point.value, point.kind) if viewer.masked else point.value)
    open_counts = dict(
        session.execute(
            select(Ticket.customer_id, func.count())
            .where(Ticket.customer_id.in_(ids), Ticket.status.in_(LIVE), visible_tickets(viewer))
            .group_by(Ticket.customer_id)
        ).all()
    )
    organisations = {customer.organisation_id for customer in customers if customer.organisation_id}
    names = dict(session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(organisations))).all())
    return [
        ListRow(each, names.get(each.organisation_id or 0, ""), contacts.get(each.id, ""), open_counts.get(each.id, 0))
        for each in customers
    ]


def profile(session: Session, viewer: Viewer, customer: Customer, *, revealed: int | None = None) -> Profile:
    """The customer's card; `revealed` is the contact point that was just asked for in full."""
    points = session.scalars(
        select(ContactPoint).where(ContactPoint.customer_id == customer.id, ContactPoint.kind != "chat").order_by(ContactPoint.id)
    )
    contacts = [_shown(point, hidden=viewer.masked and point.id != revealed) for point in points]
    counts = select(
        func.count().filter(Ticket.status.in_(LIVE)),
        func.count().filter(Ticket.status.not_in(LIVE)),
        func.avg(Ticket.score),
        func.count(Ticket.score),
    ).where(Ticket.customer_id == customer.id, visible_tickets(viewer))
    open_count, past_count, mean, scores = session.execute(counts).one()
    organisation = session.get(Organisation, customer.organisation_id) if customer.organisation_id else None
    return Profile(
        customer=customer,
        organisation=organisation.name if organisation else "",
        contacts=contacts,
        open_count=open_count,
        past_count=past_count,
        mean_score=float(mean) if mean is not None else None,
        scores=scores,
    )


def contact_of(session: Session, customer: Customer, contact_id: int) -> ContactPoint:
    """One of this customer's contact points; raises `NotFound` for anybody else's."""
    point = session.get(ContactPoint, contact_id)
    if point is None or point.customer_id != customer.id or point.kind == "chat":
        raise NotFound("There is no such contact.")
    return point


def happenings(
    session: Session, viewer: Viewer, customer: Customer, *, before: datetime | None = None
) -> tuple[list[Happening], datetime | None]:
    """A page of everything on the tickets that the viewer may read, the latest first, and where the next page begins.

    What happened at one and the same moment is never parted by the end of a page.
    """
    mine = and_(Ticket.customer_id == customer.id, visible_tickets(viewer))
    opened = _page(session, select(Ticket).where(mine), Ticket.created_at, before)
    solved = _page(session, select(Ticket).where(mine, Ticket.solved_at.is_not(None)), Ticket.solved_at, before)
    entries = [Happening(f"t{each.id}", "opened", each.created_at, each.number, each.subject, each) for each in opened]
    entries += [Happening(f"s{each.id}", "solved", each.solved_at, each.number, each.subject, each) for each in solved]
    entries += _on_tickets(
        session, Message, Message.created_at, mine, before, "m", lambda row: "note" if row.kind == "note" else "message"
    )
    entries += _on_tickets(session, Chat, Chat.opened_at, mine, before, "h", lambda _row: "chat")
    answered = and_(mine, Survey.answered_at.is_not(None))
    entries += _on_tickets(session, Survey, Survey.answered_at, answered, before, "v", lambda _row: "survey")
    entries += _calls(session, viewer, customer, mine, before)
    entries.sort(key=lambda each: (each.at, each.kind != "opened", each.key), reverse=True)
    if len(entries) <= PAGE:
        return entries, None
    last = entries[PAGE - 1].at
    shown = [each for each in entries if each.at >= last]
    return shown, last if len(shown) < len(entries) else None


def _shown(point: ContactPoint, *, hidden: bool) -> ShownContact:
    value = masked(point.value, point.kind) if hidden else point.value
    return ShownContact(point.id, point.kind, value, point.verified, hidden)


def _page(session: Session, query: Any, at: Any, before: datetime | None) -> list[Any]:
    if before is not None:
        query = query.where(at < before)
    return list(session.scalars(query.order_by(at.desc()).limit(PAGE + 1)))


def _on_tickets(
    session: Session, noun: Any, at: Any, mine: ColumnElement[bool], before: datetime | None, letter: str, kind_of: Any
) -> list[Happening]:
    first = select(noun.id).join(Ticket, Ticket.id == noun.ticket_id).where(mine)
    if before is not None:
        first = first.where(at < before)
    first = first.order_by(at.desc()).limit(PAGE + 1).subquery()  # sorted without their texts, of which there may be many
    query = select(noun, Ticket.number, Ticket.subject).join(Ticket, Ticket.id == noun.ticket_id)
    rows = session.execute(query.where(noun.id.in_(select(first.c.id))))
    return [
        Happening(f"{letter}{row.id}", kind_of(row), getattr(row, at.key), number, subject, row, getattr(row, "author_name", ""))
        for row, number, subject in rows
    ]


def _calls(
    session: Session, viewer: Viewer, customer: Customer, mine: ColumnElement[bool], before: datetime | None
) -> list[Happening]:
    """Also calls that ended before they became a ticket, for those who may read everything."""
    seen = or_(mine, Call.ticket_id.is_(None)) if viewer.can(Right.READ_ALL_TICKETS) else mine
    query = (
        select(Call, Ticket.number, Ticket.subject, Agent.name)
        .outerjoin(Ticket, Ticket.id == Call.ticket_id)
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .where(Call.customer_id == customer.id, seen)
    )
    if before is not None:
        query = query.where(Call.arrived_at < before)
    rows = session.execute(query.order_by(Call.arrived_at.desc()).limit(PAGE + 1))
    return [
        Happening(f"c{call.id}", "call", call.arrived_at, number, subject or "", call, name or "")
        for call, number, subject, name in rows
    ]
