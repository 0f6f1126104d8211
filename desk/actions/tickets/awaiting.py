"""What becomes of a ticket whose customer was asked and keeps silent: two reminders, after a week an end or a colleague's look.

Complaints have clocks of their own (`complaints.clocks`) and never come here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from desk.actions.mail import letters
from desk.actions.mail.acknowledging import may_write_to
from desk.actions.people import customers
from desk.actions.tickets import solving, tickets
from desk.actions.timers import set_timer
from desk.errors import DeskError
from desk.models import Customer, Queue, Ticket
from desk.models.ticket import OPEN, PENDING_CUSTOMER
from desk.store import Tx

GIVE_UP_AFTER = timedelta(days=7)  # of silence
TOO_URGENT = 2  # a ticket of this priority or a higher one is never ended by silence
MONEY = "billing"  # nor one about money


def silent(tx: Tx, data: dict[str, Any]) -> None:
    """The customer has still not answered (timer `tickets.AWAIT_TIMER`): remind them, and after the second reminder give up."""
    ticket = tx.session.get_one(Ticket, data["ticket_id"], with_for_update=True)
    if ticket.status != PENDING_CUSTOMER or ticket.paused_since is None:
        return
    reminded = data["reminded"]
    if reminded == len(tickets.REMIND_AFTER):
        _give_up(tx, ticket)
        return
    if not _remind(tx, ticket):
        return
    reminded += 1
    after = tickets.REMIND_AFTER[reminded] if reminded < len(tickets.REMIND_AFTER) else GIVE_UP_AFTER
    due = max(ticket.paused_since + after, tx.now + timedelta(days=1))  # a desk that stood still sends no two at once
    set_timer(tx, tickets.AWAIT_TIMER, str(ticket.id), due, {"ticket_id": ticket.id, "reminded": reminded})


def _remind(tx: Tx, ticket: Ticket) -> bool:
    """Whether we have an address and wrote to it; who cannot be reminded is given up by a person only."""
    address = customers.address_of(tx, tx.session.get_one(Customer, ticket.customer_id), "email")
    if not address or not may_write_to(tx, address):
        _back_to_owner(tx, ticket, "not_reminded")
        return False
    letters.send_letter(tx, ticket, address, "reminder", on_record=True, subject=ticket.subject)
    tx.emit("ticket.customer_reminded", ticket=ticket, customer=ticket.customer_id)
    return True


def _give_up(tx: Tx, ticket: Ticket) -> None:
    if ticket.priority <= TOO_URGENT or ticket.category == MONEY:
        _back_to_owner(tx, ticket, "silent")
        return
    try:
        solving.end_unanswered(tx, ticket)
    except DeskError:  # something is still open: a call back that was promised, a question to a colleague
        _back_to_owner(tx, ticket, "silent")


def _back_to_owner(tx: Tx, ticket: Ticket, reason: str) -> None:
    """Somebody has to decide how to go on."""
    tx.emit("ticket.customer_silent", ticket=ticket, customer=ticket.customer_id, agent=ticket.owner_id, data={"reason": reason})
    tickets.set_status(tx, ticket, OPEN)
    tickets.rouse(tx, ticket, reason="customer_silent")
    tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))
