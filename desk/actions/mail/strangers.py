"""Who writes in a name that nobody stands behind: no customer of ours until an agent has found out that it is."""

from __future__ import annotations

from sqlalchemy import update

from channels.message import Inbound
from desk.actions.people import customers
from desk.errors import Conflict
from desk.models import Customer, Message, Ticket, WorkItem
from desk.sentences import N_
from desk.store import Tx

UNCONFIRMED = "unconfirmed"  # in the notes of the message that opened the ticket


def stranger(tx: Tx, inbound: Inbound, locale: str) -> Customer:
    """Somebody who can be reached nowhere and has no past: nothing of the customer they say they are is shown, or told."""
    customer = Customer(name=f"? {inbound.sender.name or inbound.sender.value}"[:200], locale=locale, created_at=tx.now)
    tx.session.add(customer)
    tx.emit("customer.added", customer=customer, data={"kind": "email"})
    return customer


def confirm(tx: Tx, message: Message) -> Customer:
    """An agent has asked in another way: it is the customer with this address who wrote. The ticket becomes theirs."""
    if not message.meta.get(UNCONFIRMED):
        raise Conflict(N_("The sender of this mail needs no confirmation."))
    ticket, before = tx.session.get_one(Ticket, message.ticket_id), message.customer_id
    name = message.author_name if message.author_name != message.from_address else ""
    customer = customers.identify(tx, "email", message.from_address, name=name.removeprefix("? "), locale=ticket.locale)
    message.meta = {**message.meta, UNCONFIRMED: False, "confirmed_by": tx.actor.name}
    message.customer_id = customer.id
    if ticket.customer_id == before:
        ticket.customer_id = customer.id
        items = update(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.customer_id == before)
        tx.session.execute(items.values(customer_id=customer.id))
    tx.emit("ticket.sender_confirmed", ticket=ticket, message=message, customer=customer)
    return customer
