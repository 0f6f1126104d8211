"""Events that many complain of: the list, one with its cases, and how far these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.errors import NotFound
from desk.models import Complaint, Customer, MassEvent, Ticket
from desk.models.complaint import OPEN_STAGES, WHILE_LOOKING

LISTS, MOST_SHOWN = 50, 200


@dataclass(frozen=True)
class EventLine:
    """One line of the list: how many complaints the viewer may know of, and how many of these are not decided."""

    event: MassEvent
    cases: int
    undecided: int


@dataclass(frozen=True)
class EventPage:
    """One event with the first of its cases; `without_finding` are those into which it can be written what was found."""

    event: MassEvent
    cases: Sequence[tuple[Complaint, Ticket, str]]
    count: int
    undecided: int
    without_finding: int


def cases_of(viewer: Viewer, event_id: int) -> Select[tuple[Complaint]]:
    """The complaints of an event that the viewer is not kept out of."""
    return select(Complaint).where(Complaint.mass_event_id == event_id, untouched_by(viewer, Complaint.ticket_id))


def event_list(session: Session, viewer: Viewer) -> list[EventLine]:
    """The latest events, those that last first."""
    events = session.scalars(select(MassEvent).order_by(MassEvent.closed_at.is_not(None), MassEvent.id.desc()).limit(LISTS)).all()
    found = (
        select(Complaint.mass_event_id, func.count(), func.count().filter(Complaint.stage.in_(OPEN_STAGES)))
        .where(Complaint.mass_event_id.in_([each.id for each in events]), untouched_by(viewer, Complaint.ticket_id))
        .group_by(Complaint.mass_event_id)
    )
    counts = {event_id: (cases, undecided) for event_id, cases, undecided in session.execute(found)}
    return [EventLine(each, *counts.get(each.id, (0, 0))) for each in events]


def event_page(session: Session, viewer: Viewer, event_id: int) -> EventPage:
    """Raises `NotFound`."""
    event = one_event(session, event_id)
    of = (Complaint.mass_event_id == event_id, untouched_by(viewer, Complaint.ticket_id))
    cases = (
        select(Complaint, Ticket, Customer.name)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(*of)
        .order_by(Complaint.id)
        .limit(MOST_SHOWN)
    )
    counts = select(
        func.count(),
        func.count().filter(Complaint.stage.in_(OPEN_STAGES)),
        func.count().filter(Complaint.stage.in_(WHILE_LOOKING), Complaint.cause == ""),
    ).where(*of)
    count, undecided, without = session.execute(counts).one()
    shown = [(complaint, ticket, name) for complaint, ticket, name in session.execute(cases)]
    return EventPage(event, shown, count, undecided, without)


def one_event(session: Session, event_id: int, *, for_update: bool = False) -> MassEvent:
    """The event with this id; raises `NotFound`."""
    event = session.get(MassEvent, event_id, with_for_update=for_update)
    if event is None:
        raise NotFound("There is no such event.")
    return event


def lasting(session: Session) -> Sequence[MassEvent]:
    """Those that a complaint can join."""
    query = select(MassEvent).where(MassEvent.closed_at.is_(None)).order_by(MassEvent.id.desc())
    return session.scalars(query.limit(LISTS)).all()
