"""Answers on a ticket that have not left yet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Agent, Ticket, UnsentReply
from desk.models.unsent import REFUSED, WAITING


def unsent_on(session: Session, ticket: Ticket) -> Sequence[tuple[UnsentReply, str]]:
    """What waits to leave, or was refused when it should have left, with the writer's name; oldest first."""
    query = (
        select(UnsentReply, Agent.name)
        .join(Agent, Agent.id == UnsentReply.agent_id)
        .where(UnsentReply.ticket_id == ticket.id, UnsentReply.state.in_((WAITING, REFUSED)))
        .order_by(UnsentReply.id)
    )
    return [(unsent, name) for unsent, name in session.execute(query)]
