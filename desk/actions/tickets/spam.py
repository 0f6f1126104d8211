"""Junk: out of everybody's way, without an answer, and its sender's next messages with it until somebody says otherwise.

There is no list of senders beside the tickets: whose latest ticket is junk sends junk, so to take that back is to forgive.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, ScalarSelect, Select, select

from desk.actions.tickets import solving, tickets
from desk.actions.tickets.survivors import check_here
from desk.actions.work import work_items
from desk.errors import Conflict
from desk.models import ContactPoint, Customer, Queue, Ticket
from desk.models.ticket import LIVE, OPEN, SOLVED, SPAM
from desk.store import Tx


def mark(tx: Tx, ticket: Ticket) -> None:
    """Nobody works on it, nobody is asked how it was. Raises `Conflict` for a complaint, a conversation that runs, a promise.

    Also what had begun to be done is over: a person has looked.
    """
    check_here(tx, ticket)
    if ticket.type == "complaint":
        raise Conflict("A complaint is never junk: decide it, or record that it was withdrawn.")
    if ticket.status not in (*LIVE, SOLVED):
        raise Conflict("This ticket is not open.")
    solving.check_nothing_open(tx, ticket)
    solving.finish_work(tx, ticket)
    sort_out(tx, ticket)


def sort_out(tx: Tx, ticket: Ticket) -> None:
    """It is junk. Guards are the callers'."""
    tickets.set_status(tx, ticket, SPAM)
    ticket.next_due_at = None
    tx.emit("ticket.marked_spam", ticket=ticket, customer=ticket.customer_id)


def unmark(tx: Tx, ticket: Ticket) -> None:
    """It was none: somebody deals with it, and its sender is heard again."""
    if ticket.status != SPAM:
        raise Conflict("This ticket is not marked as junk.")
    tickets.set_status(tx, ticket, OPEN)
    tx.emit("ticket.not_spam", ticket=ticket, customer=ticket.customer_id)
    if work_items.open_item(tx, ticket.id, tickets.CUSTOMER_WORK) is None:
        tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def sends_junk(tx: Tx, customer: Customer) -> bool:
    """Whether what this person sent last was junk."""
    return tx.session.scalar(select(_latest(customer.id))) == SPAM


def junk_senders(tx: Tx, addresses: Collection[str]) -> set[str]:
    """Those of the e-mail addresses from which junk came last."""
    return set(tx.session.scalars(junk_query(addresses))) if addresses else set()


def junk_query(addresses: Collection[str]) -> Select[tuple[str]]:
    """The addresses among these whose owner's latest ticket is junk."""
    query = select(ContactPoint.value).where(ContactPoint.kind == "email", ContactPoint.value.in_(addresses))
    return query.where(_latest(ContactPoint.customer_id) == SPAM)


def _latest(customer_id: int | ColumnElement[int]) -> ScalarSelect[str]:
    """The status of a customer's latest ticket."""
    query = select(Ticket.status).where(Ticket.customer_id == customer_id).order_by(Ticket.id.desc()).limit(1)
    return query.scalar_subquery()
