"""Erasures as the pages and the worker read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.events import Event
from desk.models import Customer, Erasure, Ticket
from desk.models.erasure import AGREED, CUSTOMER, RESTRICTED, RUNNING, STANDING

PAGE = 50
STRETCH = 100_000  # entries of the log that are read at once


def standing(session: Session, customer_id: int) -> Erasure | None:
    """The one of this customer that is asked for, agreed on or under way."""
    query = select(Erasure).where(Erasure.customer_id == customer_id, Erasure.kind == CUSTOMER, Erasure.state.in_(STANDING))
    return session.scalar(query.limit(1))


def latest_of(session: Session, customer_id: int) -> Erasure | None:
    """The last one of this customer, whatever became of it."""
    query = select(Erasure).where(Erasure.customer_id == customer_id, Erasure.kind == CUSTOMER)
    return session.scalar(query.order_by(Erasure.id.desc()).limit(1))


def erasures(session: Session, before: int | None = None) -> Sequence[tuple[Erasure, str]]:
    """A page of those of customers with the customer's name of now, the latest first; one more says that there are more."""
    query = select(Erasure, Customer.name).join(Customer, Customer.id == Erasure.customer_id).where(Erasure.kind == CUSTOMER)
    if before is not None:
        query = query.where(Erasure.id < before)
    return [(erasure, name) for erasure, name in session.execute(query.order_by(Erasure.id.desc()).limit(PAGE + 1))]


def one_erasure(session: Session, erasure_id: int) -> Erasure:
    """One of a customer; raises `NotFound`."""
    found = session.get(Erasure, erasure_id)
    if found is None or found.kind != CUSTOMER:
        raise NotFound("There is no such page.")
    return found


def next_due(session: Session, now: datetime) -> Sequence[int]:
    """Those that the worker can go on with, the oldest first."""
    query = select(Erasure.id).where(
        Erasure.kind == CUSTOMER,
        or_(Erasure.state.in_((AGREED, RUNNING)), (Erasure.state == RESTRICTED) & (Erasure.look_again_at <= now)),
    )
    return session.scalars(query.order_by(Erasure.id).limit(PAGE)).all()


def loose_entries(session: Session, customer_id: int) -> Iterator[int]:
    """The entries of the log that name the customer or are about a ticket of theirs.

    Reads the whole log, in stretches: no statement takes longer for a longer log.
    """
    theirs = select(Ticket.id).where(Ticket.customer_id == customer_id)
    by_them = (Event.actor_id == customer_id) & (Event.actor_kind == "customer")
    about = or_(Event.customer_id == customer_id, by_them, Event.ticket_id.in_(theirs))
    for first in range(1, (session.scalar(select(func.max(Event.id))) or 0) + 1, STRETCH):
        yield from session.scalars(select(Event.id).where(Event.id.between(first, first + STRETCH - 1), about))


def has_tickets_left(session: Session, customer_id: int) -> bool:
    """Whether tickets of theirs still have their words."""
    left = select(Ticket.id).where(Ticket.customer_id == customer_id, Ticket.erased_at.is_(None))
    return session.scalar(left.limit(1)) is not None
