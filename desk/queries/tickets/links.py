"""The links of a ticket as its page shows them; of tickets that the viewer may not read nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.db import asked_of_each
from desk.models import Ticket, TicketLink, TicketMove
from desk.models.ticket_link import MERGE, RELATED

MOST_SHOWN = 100
DEEPEST = 20
UNDONE_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class LinkRow:
    """`how` is the kind, with `_of` where this ticket is at the end of the link: the other one is a duplicate of it."""

    id: int
    how: str
    ticket: Ticket


def links_of(session: Session, viewer: Viewer, ticket: Ticket) -> list[LinkRow]:
    """Each with the other ticket, where the viewer may read that."""
    ends = or_(TicketLink.from_id == ticket.id, TicketLink.to_id == ticket.id)
    there = session.scalars(select(TicketLink).where(ends).order_by(TicketLink.id).limit(MOST_SHOWN)).all()
    other = {link.id: link.to_id if link.from_id == ticket.id else link.from_id for link in there}
    readable = select(Ticket).where(Ticket.id.in_(set(other.values())), asked_of_each(visible_tickets(viewer)))
    tickets = {each.id: each for each in session.scalars(readable)} if other else {}
    return [
        LinkRow(link.id, link.kind if link.from_id == ticket.id or link.kind == RELATED else f"{link.kind}_of", found)
        for link in there
        if (found := tickets.get(other[link.id])) is not None
    ]


def merged_tickets(session: Session, ticket_id: int) -> list[int]:
    """The ids of the tickets that are inside this one, and of those inside these."""
    found: list[int] = []
    outer = [ticket_id]
    for _ in range(DEEPEST):
        query = select(TicketMove.from_id).where(
            TicketMove.to_id.in_(outer), TicketMove.kind == MERGE, TicketMove.undone_at.is_(None)
        )
        outer = list(session.scalars(query))
        found += outer
        if not outer:
            break
    return found


def moves_to_undo(session: Session, viewer: Viewer, ticket: Ticket, now: datetime) -> list[tuple[TicketMove, Ticket]]:
    """What can be taken back on this page: tickets that were merged into it, and its being split off; with the other ticket."""
    query = (
        select(TicketMove, Ticket)
        .join(Ticket, Ticket.id == TicketMove.from_id)
        .where(TicketMove.to_id == ticket.id, TicketMove.undone_at.is_(None), TicketMove.at >= now - UNDONE_WITHIN)
        .where(asked_of_each(visible_tickets(viewer)))
        .order_by(TicketMove.id)
        .limit(MOST_SHOWN)
    )
    return [(move, other) for move, other in session.execute(query)]


def merged_into(session: Session, ticket_ids: Sequence[int]) -> dict[int, int]:
    """The number of the ticket that each of these was merged into, for those that were."""
    query = (
        select(TicketMove.from_id, Ticket.number)
        .join(Ticket, Ticket.id == TicketMove.to_id)
        .where(TicketMove.from_id.in_(ticket_ids), TicketMove.kind == MERGE, TicketMove.undone_at.is_(None))
    )
    return dict(list(map(tuple, session.execute(query)))) if ticket_ids else {}
