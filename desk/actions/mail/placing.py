"""Putting a message where it belongs: letting a new participant in, giving it a ticket of its own, moving it to another."""

from __future__ import annotations

from sqlalchemy import select, update

from channels.message import Contact
from desk.actions.mail.threads import note_participants
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import Customer, Message, Queue, RawMail, Ticket
from desk.models.message import IN
from desk.models.ticket import CLOSED, LIVE, MERGED, OPEN, SOLVED
from desk.models.work_item import KINDS
from desk.store import Tx


def admit(tx: Tx, message: Message) -> None:
    """An agent lets a new participant into the ticket: their message counts from now on, and so will the next."""
    if not message.held:
        return
    message.held = False
    ticket = tx.session.get_one(Ticket, message.ticket_id)
    if message.channel == "email" and message.from_address:
        note_participants(tx, ticket, [Contact("email", message.from_address, message.author_name)], "let_in")
    tx.emit("message.admitted", message=message, ticket=ticket, customer=message.customer_id)
    tickets.customer_wrote(tx, ticket)


def detach(tx: Tx, message: Message) -> Ticket:
    """A message that joined the wrong ticket gets a ticket of its own, in the same queue. `attach` takes it back."""
    old = tx.session.get_one(Ticket, message.ticket_id)
    _check_movable(message)
    queue = tx.session.get_one(Queue, old.queue_id)
    ticket = tickets.open_ticket(
        tx,
        customer=tx.session.get_one(Customer, message.customer_id),
        queue=queue,
        subject=message.subject or message.text.strip().partition("\n")[0][:120],
        channel=message.channel,
        locale=old.locale,
    )
    _move(tx, message, old, ticket, "detached")
    tickets.queue_work(tx, ticket, queue)
    return ticket


def attach(tx: Tx, message: Message, ticket: Ticket) -> None:
    """Move a message to the ticket that it is about. A ticket that has nothing left is merged into that one.

    Moving it back to where it came from undoes that: the ticket is open again.
    """
    old = tx.session.get_one(Ticket, message.ticket_id)
    _check_movable(message)
    if old.id == ticket.id:
        raise Conflict("The message is on this ticket already.")
    if ticket.status == MERGED and message.meta.get("moved_from") == ticket.number:
        tickets.set_status(tx, ticket, OPEN)
    if ticket.status not in (*LIVE, SOLVED, CLOSED):
        raise Conflict("Ticket %(number)s takes no more messages.", number=ticket.number)
    _move(tx, message, old, ticket, "attached")
    note_participants(tx, ticket, [Contact("email", message.from_address, message.author_name)], "let_in")
    if message.kind == "message":
        tickets.customer_wrote(tx, ticket)
    if old.status in LIVE and _is_empty(tx, old):
        item = work_items.open_item(tx, old.id, KINDS)
        if item is not None:
            work_items.finish(tx, item)
        tickets.set_status(tx, old, MERGED)


def _check_movable(message: Message) -> None:
    if message.direction != IN or message.customer_id is None or message.channel not in ("email", "form"):
        raise Invalid("Only a customer's message can get a ticket of its own.")


def _move(tx: Tx, message: Message, old: Ticket, new: Ticket, how: str) -> None:
    message.ticket_id, message.held, message.threaded_by = new.id, False, how
    message.meta = {**message.meta, "moved_from": old.number}
    tx.session.execute(update(RawMail).where(RawMail.message_id == message.id).values(ticket_id=new.id))
    new.updated_at = tx.now
    tx.emit(f"message.{how}", message=message, ticket=old, data={"to": new.number})
    tx.emit("message.added", message=message, ticket=new, customer=message.customer_id, data={"direction": IN})


def _is_empty(tx: Tx, ticket: Ticket) -> bool:
    return tx.session.scalar(select(Message.id).where(Message.ticket_id == ticket.id).limit(1)) is None
