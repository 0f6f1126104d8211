"""Reading surveys and follow-ups: the question sheet behind a link, answers on a ticket, and what is still to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import Customer, FollowUp, Survey, Ticket


@dataclass(frozen=True)
class FollowUpRow:
    """A follow-up that somebody has to do."""

    follow_up: FollowUp
    ticket: Ticket
    customer_name: str


def survey_by_key(session: Session, key: str) -> tuple[Survey, Ticket]:
    """The question sheet with this address and its ticket; raises `NotFound`."""
    survey = session.scalar(select(Survey).where(Survey.access_key == key)) if 16 <= len(key) <= 64 else None
    if survey is None:
        raise NotFound("There is no question sheet under this address.")
    return survey, session.get_one(Ticket, survey.ticket_id)


def surveys_of(session: Session, ticket_id: int) -> Sequence[Survey]:
    """The ticket's question sheets, the latest first."""
    return session.scalars(select(Survey).where(Survey.ticket_id == ticket_id).order_by(Survey.id.desc())).all()


def follow_ups_of(session: Session, ticket_id: int) -> Sequence[FollowUp]:
    """The ticket's follow-ups, the latest first."""
    return session.scalars(select(FollowUp).where(FollowUp.ticket_id == ticket_id).order_by(FollowUp.id.desc())).all()


def open_follow_ups(session: Session, viewer: Viewer, limit: int = 100) -> list[FollowUpRow]:
    """What is still to ask, the oldest first, of the tickets that the viewer may read."""
    query = (
        select(FollowUp, Ticket, Customer.name)
        .join(Ticket, Ticket.id == FollowUp.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(FollowUp.state == "open", visible_tickets(viewer))
        .order_by(FollowUp.created_at, FollowUp.id)
        .limit(limit)
    )
    return [FollowUpRow(follow_up, ticket, name) for follow_up, ticket, name in session.execute(query)]
