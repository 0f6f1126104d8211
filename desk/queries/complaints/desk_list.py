"""The officers' list of complaints: by state and clock, narrowed, in pages that neither skip nor repeat a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, extract, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, in_use, untouched_by
from desk.models import Agent, Complaint, Customer, Ticket
from desk.models.complaint import ANSWERED_STAGES, OPEN_STAGES, RECEIVED
from desk.queries.complaints.complaints import SOON, STATES, ComplaintRow, next_clock

COLOURS = ("late", "soon", "on_time")
NOBODY = "nobody"


@dataclass(frozen=True)
class Narrowed:
    """What the list is narrowed to; empty is all. `handler` is an id, or nobody. `after` is the last row's moment and id."""

    state: str = "open"
    colour: str = ""
    severity: int | None = None
    policy: str = ""
    category: str = ""
    handler: str = ""
    after: tuple[datetime, int] | None = None


def desk_list(session: Session, viewer: Viewer, narrowed: Narrowed, now: datetime, limit: int = 50) -> list[ComplaintRow]:
    """The complaints that the viewer may read, the earliest due first; those that are over, the latest first."""
    is_over = narrowed.state == "over"
    at = Complaint.closed_at if is_over else Complaint.decide_due_at
    query = _all(viewer).where(*_state(narrowed.state), *_narrowing(narrowed, now))
    if narrowed.after is not None:
        moment, row_id = narrowed.after
        beyond = at < moment if is_over else at > moment
        same = and_(at == moment, Complaint.id < row_id if is_over else Complaint.id > row_id)
        query = query.where(or_(beyond, same))
    order = (at.desc(), Complaint.id.desc()) if is_over else (at, Complaint.id)
    return [_row(*row, now) for row in session.execute(query.order_by(*order).limit(limit))]


def by_number(session: Session, viewer: Viewer, number: int, now: datetime) -> list[ComplaintRow]:
    """The complaint with this number, whatever its state, if the viewer may read it."""
    return [_row(*row, now) for row in session.execute(_all(viewer).where(Ticket.number == number))]


def cursor_of(row: ComplaintRow, state: str) -> str:
    """Behind which row the next page begins."""
    at = row.complaint.closed_at if state == "over" else row.complaint.decide_due_at
    return f"{at.isoformat()}_{row.complaint.id}" if at is not None else ""


def _all(viewer: Viewer) -> Select[tuple[Complaint, Ticket, str, str | None]]:
    return (
        select(Complaint, Ticket, Customer.name, Agent.name)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(Agent, Agent.id == Complaint.handler_id)
        .where(untouched_by(viewer, Complaint.ticket_id), in_use(Complaint.ticket_id))  # who opens the list reads all others
    )


def _state(state: str) -> list[ColumnElement[bool]]:
    if state == "over":  # in the order of their index, for these only grow in number
        return [Complaint.closed_at.is_not(None), Complaint.stage.not_in((*OPEN_STAGES, *ANSWERED_STAGES))]
    return [Complaint.stage.in_(STATES.get(state, OPEN_STAGES))]


def _narrowing(narrowed: Narrowed, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if narrowed.colour in COLOURS and narrowed.state == "open":
        found += [Complaint.decided_at.is_(None), _coloured(narrowed.colour, now)]
    if narrowed.severity is not None:
        found.append(Complaint.severity == narrowed.severity)
    if narrowed.policy:
        found.append(Complaint.policy == narrowed.policy)
    if narrowed.category:
        found.append(Complaint.category == narrowed.category)
    if narrowed.handler == NOBODY:
        found.append(Complaint.handler_id.is_(None))
    elif narrowed.handler:
        found.append(Complaint.handler_id == int(narrowed.handler))
    return found


def _coloured(colour: str, now: datetime) -> ColumnElement[bool]:
    """The clock that counts next, as `next_clock` reckons it: in whole seconds, which both databases know alike."""
    due: Any = case((Complaint.stage == RECEIVED, Complaint.acknowledge_due_at), else_=Complaint.decide_due_at)
    if colour == "late":
        return due < now
    began, ends = extract("epoch", Complaint.received_at), extract("epoch", due)
    soon_at = began + (ends - began) * SOON
    is_near = soon_at <= now.timestamp()
    return and_(due >= now, is_near if colour == "soon" else ~is_near)


def _row(complaint: Complaint, ticket: Ticket, customer: str, handler: str | None, now: datetime) -> ComplaintRow:
    return ComplaintRow(complaint, ticket, customer, handler or "", next_clock(complaint, now))
