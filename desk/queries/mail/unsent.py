"""Answers on a ticket that have not left yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.models import Agent, Ticket, UnsentReply
from desk.models.unsent import REFUSED, WAITING

UNDO_S = 600  # so long the steps of a macro can be taken back


def unsent_on(session: Session, ticket: Ticket) -> Sequence[tuple[UnsentReply, str]]:
    """What waits to leave, or was refused when it should have left, with the writer's name; oldest first."""
    query = (
        select(UnsentReply, Agent.name)
        .join(Agent, Agent.id == UnsentReply.agent_id)
        .where(UnsentReply.ticket_id == ticket.id, UnsentReply.state.in_((WAITING, REFUSED)))
        .order_by(UnsentReply.id)
    )
    return [(unsent, name) for unsent, name in session.execute(query)]


def macro_to_undo(session: Session, ticket: Ticket, agent_id: int | None, now: datetime) -> Event | None:
    """The last macro that this agent used here, while its steps can be taken back."""
    ends = select(Event).where(Event.ticket_id == ticket.id, Event.kind.in_(("macro.used", "macro.undone")))
    last = session.scalar(ends.where(Event.agent_id == agent_id).order_by(Event.id.desc()).limit(1))
    return last if last is not None and last.kind == "macro.used" and last.at > now - timedelta(seconds=UNDO_S) else None
