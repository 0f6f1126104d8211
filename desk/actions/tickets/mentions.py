"""Naming colleagues in a note: they are told, until they have looked."""

from __future__ import annotations

from sqlalchemy import select

from desk.access import Viewer
from desk.models import Agent, Mention, Message, Ticket
from desk.queries.tickets.mentions import colleagues, may_read, named_in
from desk.store import Tx


def note_mentions(tx: Tx, viewer: Viewer, ticket: Ticket, note: Message) -> list[str]:
    """Tell whoever is named in this note; returns the names of those who may not read the ticket and are not told."""
    untold = []
    for agent_id in named_in(note.text, colleagues(tx.session, viewer)):
        agent = tx.session.get_one(Agent, agent_id)
        if not may_read(tx.session, agent, ticket):
            untold.append(agent.name)
            continue
        tx.session.add(Mention(agent_id=agent.id, ticket_id=ticket.id, message_id=note.id, at=tx.now))
        tx.emit("mention.made", ticket=ticket, agent=agent)
    return untold


def look(tx: Tx, ticket: Ticket, agent: Agent) -> None:
    """They have the ticket before them: what was said to them there is seen."""
    unseen = select(Mention).where(Mention.agent_id == agent.id, Mention.seen_at.is_(None), Mention.ticket_id == ticket.id)
    found = tx.session.scalars(unseen).all()
    for mention in found:
        mention.seen_at = tx.now
    if found:
        tx.emit("mention.seen", ticket=ticket, agent=agent)
