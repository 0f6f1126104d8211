"""Leaving a ticket alone until a moment: it leaves the lists of what is to do and comes back by itself, clocks running on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.tickets import tickets
from desk.actions.tickets.tickets import CUSTOMER_WORK, TICKET_WORK
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Queue, Ticket, WorkItem
from desk.models.ticket import LIVE
from desk.models.work_item import ACTIVE, OFFERED, WAITING
from desk.store import Tx

WAKE_TIMER = "ticket.wake"
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=366)
CONVERSATIONS = ("call", "chat")


def snooze(tx: Tx, ticket: Ticket, agent: Agent | None, until: datetime) -> None:
    """Nobody is asked to work on it before `until`; who snoozes what nobody owns is asked then. The due times stay as they are.

    Raises `Invalid` for a moment that has passed or is too far away, `Conflict` for a ticket that is not open, a conversation
    that runs, and a complaint beyond the day that was promised in writing.
    """
    if not SHORTEST <= until - tx.now <= LONGEST:
        raise Invalid("Choose a moment between now and a year from now.")
    if ticket.status not in LIVE:
        raise Conflict("Only an open ticket can be snoozed.")
    if ticket.type == "complaint" and ticket.resolve_due_at is not None and until > ticket.resolve_due_at:
        raise Conflict("The customer was promised an answer before that. A complaint cannot be snoozed beyond its day.")
    if _conversation(tx, ticket) is not None:
        raise Conflict("The customer is still there: end the conversation first.")
    if ticket.owner_id is None and agent is not None and ticket.type != "complaint":
        tickets.assign(tx, ticket, agent.id)
    old, ticket.snoozed_until, ticket.updated_at = ticket.snoozed_until, until, tx.now
    item = work_items.open_item(tx, ticket.id, TICKET_WORK)
    if item is not None:
        work_items.finish(tx, item)
    set_timer(tx, WAKE_TIMER, str(ticket.id), until, {"ticket_id": ticket.id})
    tx.emit("ticket.snoozed", ticket=ticket, agent=ticket.owner_id, data={"old": _told(old), "until": _told(until)})


def wake(tx: Tx, ticket: Ticket, *, reason: str) -> None:
    """It is among what is to do again, and its owner is asked first. What is awake stays as it is."""
    if ticket.snoozed_until is None:
        return
    tickets.rouse(tx, ticket, reason=reason)
    clear_timer(tx, WAKE_TIMER, str(ticket.id))
    if ticket.status in LIVE and work_items.open_item(tx, ticket.id, CUSTOMER_WORK) is None:
        tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def wake_due(tx: Tx, data: dict[str, Any]) -> None:
    """The timer: the moment has come, unless it was put off or somebody woke it before."""
    ticket = tx.session.get_one(Ticket, data["ticket_id"])
    if ticket.snoozed_until is not None and ticket.snoozed_until <= tx.now:
        wake(tx, ticket, reason="time")


def _conversation(tx: Tx, ticket: Ticket) -> WorkItem | None:
    runs = select(WorkItem).where(
        WorkItem.ticket_id == ticket.id,
        WorkItem.kind.in_(CONVERSATIONS),
        WorkItem.state.in_((WAITING, OFFERED, ACTIVE)),
    )
    return tx.session.scalar(runs.limit(1))


def _told(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
