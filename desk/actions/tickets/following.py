"""Following a ticket: its news come to somebody who is not its owner, until they have looked."""

from __future__ import annotations

from sqlalchemy import func, select

from desk.errors import Conflict
from desk.events import Event
from desk.models import Agent, Ticket, TicketFollower
from desk.queries.tickets.mentions import may_read
from desk.store import Tx

MOST_FOLLOWED = 500  # by one person


def follow(tx: Tx, ticket: Ticket, agent: Agent) -> bool:
    """They hear from now on what others do here; False when they did already."""
    if _row(tx, ticket, agent) is not None:
        return False
    if not may_read(tx.session, agent, ticket):
        raise Conflict("%(name)s may not read this ticket.", name=agent.name)
    count = select(func.count()).select_from(TicketFollower).where(TicketFollower.agent_id == agent.id)
    if (tx.session.scalar(count) or 0) >= MOST_FOLLOWED:
        raise Conflict("You follow 500 tickets already. Leave some first.")
    tx.session.add(TicketFollower(ticket_id=ticket.id, agent_id=agent.id, at=tx.now, seen_id=_last_event(tx, ticket)))
    tx.emit("ticket.followed", ticket=ticket, agent=agent)
    return True


def unfollow(tx: Tx, ticket: Ticket, agent: Agent) -> bool:
    """They hear no more; False when they did not."""
    row = _row(tx, ticket, agent)
    if row is None:
        return False
    tx.session.delete(row)
    tx.emit("ticket.unfollowed", ticket=ticket, agent=agent)
    return True


def look(tx: Tx, ticket: Ticket, agent: Agent) -> None:
    """They have the ticket before them: its news are seen."""
    row, last = _row(tx, ticket, agent), _last_event(tx, ticket)
    if row is not None and row.seen_id < last:
        row.seen_id = last
        tx.emit("ticket.news_seen", ticket=ticket, agent=agent)


def _row(tx: Tx, ticket: Ticket, agent: Agent) -> TicketFollower | None:
    query = select(TicketFollower).where(TicketFollower.ticket_id == ticket.id, TicketFollower.agent_id == agent.id)
    return tx.session.scalar(query)


def _last_event(tx: Tx, ticket: Ticket) -> int:
    return tx.session.scalar(select(func.max(Event.id)).where(Event.ticket_id == ticket.id)) or 0
