"""Saying what tickets have to do with one another."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from desk.errors import Conflict, Invalid, NotFound
from desk.models import Agent, Ticket, TicketLink
from desk.models.ticket_link import CHILD, LINKS, RELATED
from desk.store import Tx

MOST_LINKS = 100  # of a ticket
DEEPEST = 20


def link(tx: Tx, ticket: Ticket, other: Ticket, kind: str, agent: Agent | None) -> TicketLink:
    """`ticket` is `kind` of `other`; said twice it is said once. Who calls has made sure that both may be read.

    Raises `Invalid` for an unknown kind or a ticket with itself, `Conflict` for a child of its own child or too many links.
    """
    if kind not in LINKS:
        raise Invalid("Choose what the two have to do with each other.")
    if ticket.id == other.id:
        raise Invalid("A ticket cannot be linked with itself.")
    pair = [(ticket.id, other.id)] + ([(other.id, ticket.id)] if kind == RELATED else [])
    for one, another in pair:
        same = TicketLink.from_id == one, TicketLink.to_id == another, TicketLink.kind == kind
        found = tx.session.scalar(select(TicketLink).where(*same))
        if found is not None:
            return found
    if kind == CHILD:
        _check_no_ring(tx, ticket, other)
    for each in (ticket, other):
        ends = or_(TicketLink.from_id == each.id, TicketLink.to_id == each.id)
        if (tx.session.scalar(select(func.count()).select_from(TicketLink).where(ends)) or 0) >= MOST_LINKS:
            raise Conflict("A ticket has at most %(most)s links.", most=MOST_LINKS)
    made = TicketLink(kind=kind, from_id=ticket.id, to_id=other.id, agent_id=agent.id if agent else None, at=tx.now)
    tx.session.add(made)
    # The events name the link and not the other ticket: whoever reads the one need not be allowed to know of the other.
    for each in (ticket, other):
        tx.emit("ticket.linked", ticket=each, data={"link": made.id, "how": kind})
    return made


def unlink(tx: Tx, ticket: Ticket, link_id: int) -> None:
    """They have nothing to do with each other after all."""
    found = tx.session.get(TicketLink, link_id)
    if found is None or ticket.id not in (found.from_id, found.to_id):
        raise NotFound("There is no such link on this ticket.")
    for each in (found.from_id, found.to_id):
        tx.emit("ticket.unlinked", ticket=each, data={"link": found.id, "how": found.kind})
    tx.session.delete(found)


def _check_no_ring(tx: Tx, child: Ticket, parent: Ticket) -> None:
    above: set[int] = {parent.id}
    for _ in range(DEEPEST):
        further = select(TicketLink.to_id).where(TicketLink.kind == CHILD, TicketLink.from_id.in_(above))
        found = set(tx.session.scalars(further)) - above
        if not found:
            break
        above |= found
    if child.id in above:
        raise Conflict("The other ticket is below this one already.")
