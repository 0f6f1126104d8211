"""What an agent has begun to write and has not sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.db import asked_of_each
from desk.models import Customer, Draft, Ticket

MOST_DRAFTS = 20


@dataclass(frozen=True)
class DraftRow:
    """One line of the work list."""

    ticket_number: int
    subject: str
    customer_name: str
    kind: str
    beginning: str
    saved_at: datetime


def draft_on(session: Session, viewer: Viewer, ticket: Ticket) -> Draft | None:
    """The viewer's own draft on this ticket."""
    return session.scalar(select(Draft).where(Draft.agent_id == viewer.agent_id, Draft.ticket_id == ticket.id))


def drafts_of(session: Session, viewer: Viewer) -> list[DraftRow]:
    """The viewer's drafts on tickets that they may still read, the latest first."""
    query = (
        select(Ticket.number, Ticket.subject, Customer.name, Draft.kind, Draft.text, Draft.saved_at)
        .join(Ticket, Ticket.id == Draft.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(Draft.agent_id == viewer.agent_id, asked_of_each(visible_tickets(viewer)))
        .order_by(Draft.saved_at.desc(), Draft.id.desc())
        .limit(MOST_DRAFTS)
    )
    return [
        DraftRow(number or 0, subject, name, kind, " ".join(text[:400].split())[:120], saved_at)
        for number, subject, name, kind, text, saved_at in session.execute(query)
    ]
