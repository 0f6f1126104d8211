"""Who follows a ticket, and what happened on those that somebody follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.db import asked_of_each
from desk.events import Event
from desk.models import Agent, Recusal, Ticket, TicketFollower

MOST_SHOWN = 20
NEWS = (
    *("message.added", "ticket.assigned", "ticket.moved", "ticket.reopened", "ticket.solved", "ticket.closed", "ticket.snoozed"),
    *("ticket.woken", "ticket.merged", "ticket.unmerged", "ticket.split", "ticket.linked", "ticket.changed", "hand_up.answered"),
    *("complaint.received", "complaint.decided", "survey.answered", "ticket.answers_set"),
)


@dataclass(frozen=True)
class NewsRow:
    """One line of the work list: the last thing that happened on a ticket that the viewer follows."""

    ticket_number: int
    subject: str
    count: int
    kind: str
    at: datetime


def followers_of(session: Session, ticket: Ticket) -> list[tuple[int, str]]:
    """(id, name) by name; who is kept out of the case is not named."""
    kept_out = select(Recusal.agent_id).where(Recusal.ticket_id == ticket.id)
    query = (
        select(Agent.id, Agent.name)
        .join(TicketFollower, TicketFollower.agent_id == Agent.id)
        .where(TicketFollower.ticket_id == ticket.id, Agent.id.not_in(kept_out))
        .order_by(Agent.name, Agent.id)
    )
    return [(each.id, each.name) for each in session.execute(query)]


def news_of(session: Session, viewer: Viewer) -> list[NewsRow]:
    """What others did on followed tickets since the viewer looked, the latest first."""
    new = (
        select(TicketFollower.ticket_id, func.max(Event.id).label("last"), func.count().label("count"))
        .join(Event, and_(Event.ticket_id == TicketFollower.ticket_id, Event.id > TicketFollower.seen_id))
        .where(TicketFollower.agent_id == viewer.agent_id, *_news(viewer))
        .group_by(TicketFollower.ticket_id)
        .order_by(func.max(Event.id).desc())
        .limit(MOST_SHOWN)
    )
    found = session.execute(new).all()
    if not found:
        return []
    about = select(Ticket).where(Ticket.id.in_([row.ticket_id for row in found]), asked_of_each(visible_tickets(viewer)))
    tickets = {each.id: each for each in session.scalars(about)}
    events = {each.id: each for each in session.scalars(select(Event).where(Event.id.in_([row.last for row in found])))}
    return [
        NewsRow(ticket.number or 0, ticket.subject, count, events[last].kind, events[last].at)
        for ticket_id, last, count in found
        if (ticket := tickets.get(ticket_id)) is not None
    ]


def has_news(session: Session, viewer: Viewer, ticket: Ticket) -> bool:
    """Whether something happened here since the viewer, who follows it, has looked."""
    query = (
        select(Event.id)
        .join(TicketFollower, and_(TicketFollower.ticket_id == Event.ticket_id, Event.id > TicketFollower.seen_id))
        .where(TicketFollower.agent_id == viewer.agent_id, Event.ticket_id == ticket.id, *_news(viewer))
    )
    return session.scalar(query.limit(1)) is not None


def _news(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    others = or_(Event.actor_kind != "agent", Event.actor_id.is_distinct_from(viewer.agent_id))
    return Event.kind.in_(NEWS), others
