"""A ticket's promises: when each runs out, how waiting for the customer puts one off, and what a new priority does to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from desk.actions.calendars import calendar_of
from desk.events import Event
from desk.models import Message, Queue, Ticket
from desk.models.message import IN, OUT
from desk.models.ticket import CLOSED, PENDING_CUSTOMER, SOLVED
from desk.store import Tx
from routing.clocks import ticket_due

STANDING = (PENDING_CUSTOMER, SOLVED, CLOSED)  # while it is so, our time stands still
PROMISES = ("first_due_at", "next_due_at", "resolve_due_at")
Pauses = list[tuple[datetime, datetime]]


def start(tx: Tx, ticket: Ticket, queue: Queue) -> None:
    """A new ticket's promises, in the opening hours of its queue."""
    calendar, priority = calendar_of(tx.session, queue), f"P{ticket.priority}"
    ticket.first_due_at = ticket_due(priority, "first_response", ticket.created_at, calendar)
    ticket.resolve_due_at = ticket_due(priority, "resolution", ticket.created_at, calendar)


def customer_waits(tx: Tx, ticket: Ticket, queue: Queue) -> None:
    """The customer has written and nobody has answered that yet."""
    if ticket.next_due_at is None and ticket.first_human_reply_at is not None:
        ticket.next_due_at = ticket_due(f"P{ticket.priority}", "next_response", tx.now, calendar_of(tx.session, queue))


def go_on(tx: Tx, ticket: Ticket, since: datetime) -> None:
    """Our time stood still from `since` until now: what was left of it in open hours is left still.

    A promise that was broken by then stays as it was, and so does a complaint's: it names a day.
    """
    due = ticket.resolve_due_at
    if due is None or due <= since or ticket.type == "complaint":
        return
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    ticket.resolve_due_at = max(due, calendar.add_business(tx.now, calendar.business_seconds(since, due)))


def start_anew(tx: Tx, ticket: Ticket, queue: Queue) -> dict[str, list[str]]:
    """The priority is another one: each promise counts again from its own beginning, but one that is broken stays broken.

    What a complaint was promised is its policy's matter. Answers which promises have moved, from when to when.
    """
    before = {name: getattr(ticket, name) for name in PROMISES}
    _count_again(tx, ticket, queue)
    moved = {name: (due, getattr(ticket, name)) for name, due in before.items()}
    return {name: [old.isoformat(), new.isoformat()] for name, (old, new) in moved.items() if old and new and old != new}


def _count_again(tx: Tx, ticket: Ticket, queue: Queue) -> None:
    calendar, priority = calendar_of(tx.session, queue), f"P{ticket.priority}"
    if ticket.first_human_reply_at is None and not _broken(ticket.first_due_at, tx.now):
        ticket.first_due_at = ticket_due(priority, "first_response", ticket.created_at, calendar)
    asked_at = _first_unanswered(tx, ticket) if ticket.next_due_at is not None else None
    if asked_at is not None and not _broken(ticket.next_due_at, tx.now):
        ticket.next_due_at = ticket_due(priority, "next_response", asked_at, calendar)
    if ticket.type != "complaint" and not _broken(ticket.resolve_due_at, ticket.paused_since or tx.now):
        ticket.resolve_due_at = ticket_due(priority, "resolution", ticket.created_at, calendar, _pauses(tx, ticket))


def _broken(due: datetime | None, now: datetime) -> bool:
    return due is not None and due < now


def _first_unanswered(tx: Tx, ticket: Ticket) -> datetime | None:
    """When the customer wrote what they wait for an answer to."""
    last = select(func.max(Message.id)).where(Message.ticket_id == ticket.id, Message.direction == OUT)
    theirs = select(func.min(Message.created_at)).where(Message.ticket_id == ticket.id, Message.direction == IN)
    return tx.session.scalar(theirs.where(Message.kind == "message", Message.id > func.coalesce(last.scalar_subquery(), 0)))


def _pauses(tx: Tx, ticket: Ticket) -> Pauses:
    """From when to when our time stood still, as the changes of its status tell; what still lasts is not among them."""
    changes = select(Event.at, Event.data).where(Event.ticket_id == ticket.id, Event.kind == "ticket.status_set")
    pauses: Pauses = []
    since: datetime | None = None
    for at, data in tx.session.execute(changes.order_by(Event.id)):
        stands = _stands(ticket, data)
        if stands and since is None:
            since = at
        elif not stands and since is not None:
            pauses.append((since, at))
            since = None
    return pauses


def _stands(ticket: Ticket, data: dict[str, Any]) -> bool:
    return ticket.type != "complaint" and data.get("new") in STANDING
