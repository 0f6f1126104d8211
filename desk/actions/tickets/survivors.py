"""Where what belongs to a merged ticket goes now, and keeping a ticket from being merged while something is added to it."""

from __future__ import annotations

from sqlalchemy import select

from desk.errors import Conflict
from desk.models import Ticket, TicketMove
from desk.models.ticket import MERGED
from desk.models.ticket_link import MERGE
from desk.store import Tx

LONGEST_CHAIN = 50


def survivor(tx: Tx, ticket: Ticket) -> Ticket:
    """The ticket itself, or the one that it was merged into in the end."""
    for _ in range(LONGEST_CHAIN):
        if ticket.status != MERGED:
            break
        into = select(Ticket).join(TicketMove, TicketMove.to_id == Ticket.id)
        found = tx.session.scalar(into.where(*merge_of(ticket)))
        if found is None:
            break
        ticket = found
    return ticket


def merge_of(ticket: Ticket) -> tuple[object, ...]:
    """The conditions that find the merge by which this ticket went into another."""
    return TicketMove.from_id == ticket.id, TicketMove.kind == MERGE, TicketMove.undone_at.is_(None)


def held_still(tx: Tx, ticket: Ticket) -> Ticket:
    """The ticket, or the one it was merged into, which nobody can merge before this transaction ends.

    Without that a message could come to a ticket in the very moment in which its others leave it, and be seen by nobody.
    """
    for _ in range(LONGEST_CHAIN):
        status = tx.session.scalar(select(Ticket.status).where(Ticket.id == ticket.id).with_for_update())
        if status != MERGED:
            break
        if ticket.status != MERGED:
            tx.session.refresh(ticket)
        found = survivor(tx, ticket)
        if found.id == ticket.id:
            break
        ticket = found
    return ticket


def check_here(tx: Tx, ticket: Ticket) -> None:
    """Raises `Conflict` where nobody would see what is written; until the end of the transaction that stays so."""
    here = held_still(tx, ticket)
    if here.id != ticket.id:
        raise Conflict("This ticket has been merged into #%(number)s. Write there.", number=here.number)
