"""Solving a ticket, and closing it when the customer has nothing more to say."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions import calls, follow_up_work, own_fields, surveys, tickets, work_items
from desk.actions.tickets import TICKET_WORK
from desk.actions.timers import set_timer
from desk.actions.work_items import OPEN_STATES
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, Complaint, Ticket, WorkItem
from desk.models.call import WRAP_UP as CALL_WRAP_UP
from desk.models.complaint import ANSWERED_STAGES, OVER_STAGES
from desk.models.ticket import CATEGORIES, CLOSED, LIVE, SOLVED, WRAP_UP_CODES
from desk.models.work_item import WRAP_UP
from desk.sentences import N_
from desk.store import Tx

QUIET = timedelta(days=5)  # solved and nothing heard for so long: closed
NOT_ASKED = ("wrong_number", "dropped", "no_action")  # wrap-up codes after which there is nothing to ask the customer about
LIVE_WORK = ("call", "chat")


def solve(tx: Tx, ticket: Ticket, agent: Agent, *, category: str, wrap_up_code: str, resolution: str) -> None:
    """Say that the matter is settled, what it was and what settled it; the customer is asked whether they agree.

    Raises `Invalid` with `fields` for what is missing, `Conflict` when the ticket is not open, a conversation still runs, a
    promise to the customer is open, or it is a complaint without a decision.
    """
    _check_answers(category, wrap_up_code, resolution)
    if ticket.status not in LIVE:
        raise Conflict("This ticket is not open any more; open it again before solving it.")
    _check_nothing_open(tx, ticket)
    own_fields.check_answered(tx, ticket)
    _end_calls(tx, ticket, agent, wrap_up_code)
    finish_work(tx, ticket)
    settle(tx, ticket, category=category, wrap_up_code=wrap_up_code, resolution=resolution.strip())
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    tx.emit(
        "ticket.solved",
        ticket=ticket,
        customer=ticket.customer_id,
        agent=agent,
        data={"category": category, "wrap_up_code": wrap_up_code},
    )
    if wrap_up_code not in NOT_ASKED:
        surveys.send_survey(tx, ticket, ticket.channel)
    set_timer(tx, "ticket.close", str(ticket.id), tx.now + QUIET, {"ticket_id": ticket.id})


def close_quiet(tx: Tx, ticket: Ticket) -> bool:
    """Close a ticket that has stayed solved for five days. A later mail joins it for thirty days, then it opens a new one."""
    if ticket.status != SOLVED or ticket.solved_at is None or ticket.solved_at + QUIET > tx.now:
        return False
    complaint = _complaint(tx, ticket)
    if complaint is not None and complaint.stage in ANSWERED_STAGES:
        return False  # silence does not end a complaint: somebody asks the customer
    close(tx, ticket, reason="quiet")
    return True


def close(tx: Tx, ticket: Ticket, *, reason: str) -> None:
    """The end of a ticket."""
    tickets.set_status(tx, ticket, CLOSED)
    ticket.closed_at = tx.now
    tx.emit("ticket.closed", ticket=ticket, customer=ticket.customer_id, data={"reason": reason})


def settle(tx: Tx, ticket: Ticket, *, category: str, wrap_up_code: str, resolution: str) -> None:
    """Mark the ticket as solved. Guards are the callers'."""
    ticket.category, ticket.wrap_up_code, ticket.resolution = category, wrap_up_code, resolution
    ticket.solved_at, ticket.next_due_at = tx.now, None
    tickets.set_status(tx, ticket, SOLVED)


def finish_work(tx: Tx, ticket: Ticket) -> None:
    """Finish what was to do on the ticket itself, and the wrap-up of its chat."""
    items = tx.session.scalars(select(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(OPEN_STATES)))
    for item in items.all():
        if item.kind in TICKET_WORK or (item.kind == "chat" and item.state == WRAP_UP):
            work_items.finish(tx, item)


def _check_answers(category: str, wrap_up_code: str, resolution: str) -> None:
    fields = {}
    if category not in CATEGORIES:
        fields["category"] = N_("Choose what it was about.")
    if wrap_up_code not in WRAP_UP_CODES:
        fields["wrap_up_code"] = N_("Choose how it ended.")
    if not resolution.strip():
        fields["resolution"] = N_("Write in a sentence what settled it.")
    if fields:
        raise Invalid("Something is missing before this ticket can be solved.", fields)


def _check_nothing_open(tx: Tx, ticket: Ticket) -> None:
    items = tx.session.scalars(select(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(OPEN_STATES))).all()
    if any(item.kind in LIVE_WORK and item.state != WRAP_UP for item in items):
        raise Conflict("The customer is still there: end the conversation first.")
    if any(item.kind == "callback" for item in items):
        raise Conflict("A call back was promised and is still open: make it, or cancel it, first.")
    if any(item.kind == "hand_up" for item in items):
        raise Conflict("The next level has been asked and has not answered yet: wait for the answer, or take the question back.")
    to_ask = follow_up_work.open_one(tx, ticket.id)
    if to_ask is not None and to_ask.reason != "low_score":  # a bad mark alone, given right after the call, holds nothing up
        raise Conflict("A colleague is still to ask the customer again: record that first.")
    complaint = _complaint(tx, ticket)
    if complaint is not None and complaint.stage not in (*ANSWERED_STAGES, *OVER_STAGES):
        raise Conflict("This is a complaint: it has to be decided before it can be solved.")


def _end_calls(tx: Tx, ticket: Ticket, agent: Agent, wrap_up_code: str) -> None:
    """Solving says how the call ended, too: nobody has to say it twice."""
    for call in tx.session.scalars(select(Call).where(Call.ticket_id == ticket.id, Call.state == CALL_WRAP_UP)).all():
        calls.wrap_up(tx, call, agent, wrap_up_code, "")


def _complaint(tx: Tx, ticket: Ticket) -> Complaint | None:
    return tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
