"""Splitting a ticket: some of what was said is about another matter and gets a ticket of its own, until that is taken back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select

from channels.message import Contact
from desk.actions.mail.threads import note_participants
from desk.actions.tickets import linking, merging, tickets
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, Customer, Message, Queue, Ticket, TicketLink, TicketMove
from desk.models.message import IN
from desk.models.ticket import LIVE, SOLVED
from desk.models.ticket_link import RELATED, SPLIT
from desk.queries.tickets.links import UNDONE_WITHIN
from desk.store import Tx

MOST_MESSAGES = 200
CHANNELS = ("email", "form", "note")


def split(tx: Tx, ticket: Ticket, message_ids: Sequence[int], subject: str, agent: Agent | None) -> Ticket:
    """A new ticket, in the same queue and linked with the old one, with these of its messages.

    It is about the customer who wrote the first of them. Raises `Invalid` for messages that are not there or cannot go alone,
    `Conflict` for a complaint and when nothing would stay.
    """
    merging.hold(tx, ticket)
    if ticket.type == "complaint" or tx.session.scalar(select(Complaint.id).where(Complaint.ticket_id == ticket.id)):
        raise Conflict("A complaint is not split: its file stays as it is. Open a new ticket and link the two.")
    if ticket.status not in (*LIVE, SOLVED):
        raise Conflict("This ticket is closed; open it again before splitting it.")
    chosen = _chosen(tx, ticket, message_ids)
    said = next((each for each in chosen if each.direction == IN and each.customer_id is not None), None)
    queue = tx.session.get_one(Queue, ticket.queue_id)
    new = tickets.open_ticket(
        tx,
        customer=tx.session.get_one(Customer, said.customer_id if said else ticket.customer_id),
        queue=queue,
        subject=subject.strip() or (said.subject if said else "") or ticket.subject,
        channel=said.channel if said else ticket.channel,
        locale=ticket.locale,
        impact=ticket.impact,
        urgency=ticket.urgency,
    )
    if ticket.priority < new.priority:  # somebody's word
        tickets.set_fields(tx, new, priority=ticket.priority, reason=ticket.priority_reason)
    ids = [each.id for each in chosen]
    held = [each.id for each in chosen if each.held]
    for each in chosen:
        each.held = False
    tx.session.flush()
    merging.set_messages(tx, ids, ticket.id, new.id)
    writers = [
        Contact("email", each.from_address, each.author_name) for each in chosen if each.direction == IN and each.from_address
    ]
    note_participants(tx, new, writers, "let_in")
    drawn = linking.link(tx, new, ticket, RELATED, agent)
    data = {"messages": ids, "held": held, "link": drawn.id}
    tx.session.add(
        TicketMove(kind=SPLIT, from_id=ticket.id, to_id=new.id, agent_id=agent.id if agent else None, at=tx.now, data=data)
    )
    ticket.updated_at = tx.now
    tx.emit("ticket.split", ticket=ticket, customer=ticket.customer_id, data={"into": new.number, "messages": len(ids)})
    tx.emit("ticket.split", ticket=new, customer=new.customer_id, data={"from": ticket.number, "messages": len(ids)})
    tickets.queue_work(tx, new, queue)
    return new


def undo_split(tx: Tx, new: Ticket, agent: Agent | None) -> Ticket:
    """All of the new ticket goes back to the one that it came from, with what was said on it since. Returns the old one."""
    query = select(TicketMove).where(TicketMove.to_id == new.id, TicketMove.kind == SPLIT, TicketMove.undone_at.is_(None))
    move = tx.session.scalar(query.order_by(TicketMove.id).limit(1))
    if move is None:
        raise Conflict("This ticket was not split off from another one.")
    if tx.now - move.at > UNDONE_WITHIN:
        raise Conflict("Splitting can be undone for a day only. Merge the two tickets instead.")
    old = tx.session.get_one(Ticket, move.from_id)
    merging.merge(tx, new, old, agent)
    for each in tx.session.scalars(select(Message).where(Message.id.in_(move.data["held"]), Message.ticket_id == old.id)):
        each.held = True
    tx.session.execute(delete(TicketLink).where(TicketLink.id == move.data["link"]))
    move.undone_at = tx.now
    tx.emit("ticket.unsplit", ticket=old, customer=old.customer_id, data={"from": new.number})
    return old


def _chosen(tx: Tx, ticket: Ticket, message_ids: Sequence[int]) -> Sequence[Message]:
    if not 0 < len(message_ids) <= MOST_MESSAGES:
        raise Invalid("Choose the messages that are about something else.")
    mine = Message.ticket_id == ticket.id
    found = tx.session.scalars(select(Message).where(mine, Message.id.in_(message_ids)).order_by(Message.id)).all()
    if len(found) != len(set(message_ids)):
        raise Invalid("One of these messages is not on this ticket any more. Look again.")
    if any(each.channel not in CHANNELS for each in found):
        raise Invalid("Only mails, forms and notes can be split off; a conversation stays whole.")
    if len(found) == tx.session.scalar(select(func.count()).select_from(Message).where(mine)):
        raise Conflict("Something must stay on this ticket. To give all of it to another one, merge the two.")
    return found
