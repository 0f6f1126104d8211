"""Customers as screens show them: the panel beside a ticket, the customer's page, the list."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, is_known, masked, visible_tickets
from desk.beginnings import begins, folded
from desk.models import Agent, ContactPoint, Customer, Organisation, Ticket
from desk.models.ticket import LIVE

PAGE = 50


@dataclass(frozen=True)
class Panel:
    """Who the customer is, for somebody working on their ticket; contact values are masked as the viewer's rights ask."""

    customer: Customer
    organisation: str
    contacts: list[tuple[int, str, str, bool]]  # id, kind, value, verified
    tickets: list[tuple[Ticket, str]]  # the latest that the viewer may read, with the owner's name
    open_count: int
    past_count: int
    mean_score: float | None
    scores: int


def panel(session: Session, viewer: Viewer, customer: Customer, *, limit: int = 12) -> Panel:
    """Everything about one customer that fits beside a ticket."""
    contacts = session.scalars(select(ContactPoint).where(ContactPoint.customer_id == customer.id).order_by(ContactPoint.id))
    shown = [
        (each.id, each.kind, masked(each.value, each.kind) if viewer.masked else each.value, each.verified)
        for each in contacts
        if each.kind != "chat"
    ]
    theirs = (Ticket.customer_id == customer.id, visible_tickets(viewer))
    latest = (
        select(Ticket, func.coalesce(Agent.name, "")).outerjoin(Agent, Agent.id == Ticket.owner_id).where(*theirs)
    ).order_by(Ticket.id.desc())
    counts = select(
        func.count().filter(Ticket.status.in_(LIVE)),
        func.count().filter(Ticket.status.not_in(LIVE)),
        func.avg(Ticket.score),
        func.count(Ticket.score),
    ).where(*theirs)
    open_count, past_count, mean, scores = session.execute(counts).one()
    organisation = session.get(Organisation, customer.organisation_id) if customer.organisation_id else None
    return Panel(
        customer=customer,
        organisation=organisation.name if organisation else "",
        contacts=shown,
        tickets=[(ticket, owner) for ticket, owner in session.execute(latest.limit(limit))],
        open_count=open_count,
        past_count=past_count,
        mean_score=float(mean) if mean is not None else None,
        scores=scores,
    )


def customer_list(session: Session, viewer: Viewer, *, search: str = "", tier: str = "", after: int = 0) -> list[Customer]:
    """A page of customers, by id from `after`; `search` matches the start of a name, address or number."""
    query = select(Customer).where(Customer.id > after, is_known())
    if tier:
        query = query.where(Customer.tier == tier)
    if search.strip():
        named = select(Customer.id).where(is_named(viewer, search))
        reached = select(ContactPoint.customer_id).where(is_contact(viewer, search))
        query = query.where(Customer.id.in_(union(named, reached)))
    if not viewer.can(Right.READ_ALL_TICKETS):
        query = query.where(has_visible_ticket(viewer))
    return list(session.scalars(query.order_by(Customer.id).limit(PAGE + 1)))


def has_visible_ticket(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `Customer` for those who have to do with the viewer's work; asked of one customer after another."""
    return exists().where(Ticket.customer_id == Customer.id, visible_tickets(viewer))


def is_named(viewer: Viewer, text: str) -> ColumnElement[bool]:
    """The condition on `Customer` for a name that begins so; an address in place of a name is none to whoever only looks."""
    name = Customer.name_sought
    hidden = (~name.contains("@"), ~begins(name, "+")) if _only_looks(viewer) else ()
    return and_(begins(name, folded(text)), *hidden)


def is_contact(viewer: Viewer, text: str) -> ColumnElement[bool]:
    """Whether a contact point is an address or a number that begins so. Numbers may be typed as they are written.

    Who may not read them and serves nobody finds one that they know as a whole: by its beginning it could be guessed.
    """
    typed = re.sub(r"[\s()-]", "", text)  # kept is +8613800138000
    numbers = ([typed] if typed.startswith("+") else [f"+{typed}", f"+86{typed}"]) if typed.lstrip("+").isdecimal() else []
    known = [("email", text.strip().lower()), *(("phone", number) for number in numbers)]
    value, whole = ContactPoint.value, _only_looks(viewer)
    return or_(*(and_(ContactPoint.kind == kind, value == one if whole else begins(value, one)) for kind, one in known))


def _only_looks(viewer: Viewer) -> bool:
    """Whether the viewer may not read contacts, nor has customers who say the beginning of theirs."""
    return viewer.masked and not viewer.can(Right.TAKE_WORK)
