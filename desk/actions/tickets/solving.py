"""Solving a ticket, and closing it when the customer has nothing more to say."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.calls import calls
from desk.actions.surveys import follow_up_work, surveys
from desk.actions.tickets import own_fields, tickets
from desk.actions.tickets.tickets import TICKET_WORK
from desk.actions.timers import set_timer
from desk.actions.work import work_items
from desk.actions.work.work_items import OPEN_STATES
from desk.errors import Conflict, Invalid
from desk.models import Agent, ArticleLink, Call, Complaint, Queue, Ticket, WorkItem
from desk.models.call import WRAP_UP as CALL_WRAP_UP
from desk.models.complaint import ANSWERED_STAGES, OVER_STAGES
from desk.models.ticket import CATEGORIES, CLOSED, LIVE, NO_ANSWER, NO_ARTICLE, SOLVED, WRAP_UP_CODES
from desk.models.work_item import WRAP_UP
from desk.sentences import N_
from desk.store import Tx

QUIET = timedelta(days=5)  # solved and nothing heard for so long: closed
NOT_ASKED = ("wrong_number", "dropped", "no_action")  # wrap-up codes after which there is nothing to ask the customer about
LIVE_WORK = ("call", "chat")


def solve(
    tx: Tx, ticket: Ticket, agent: Agent, *, category: str, wrap_up_code: str, resolution: str, no_article: str = ""
) -> None:
    """Say that the matter is settled, what it was and what settled it; the customer is asked whether they agree.

    Where the queue asks for the article that helped and none is linked, `no_article` (of `models.ticket.NO_ARTICLE`) says why.

    Raises `Invalid` with `fields` for what is missing, `Conflict` when the ticket is not open, a conversation still runs, a
    promise to the customer is open, or it is a complaint without a decision.
    """
    no_article = _why_no_article(tx, ticket, wrap_up_code, no_article)
    _check_answers(category, wrap_up_code, resolution, no_article)
    if ticket.status not in LIVE:
        raise Conflict("This ticket is not open any more; open it again before solving it.")
    check_nothing_open(tx, ticket)
    own_fields.check_answered(tx, ticket)
    _end_calls(tx, ticket, agent, wrap_up_code)
    finish_work(tx, ticket)
    settle(tx, ticket, category=category, wrap_up_code=wrap_up_code, resolution=resolution.strip())
    ticket.no_article = no_article or None
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    tx.emit(
        "ticket.solved",
        ticket=ticket,
        customer=ticket.customer_id,
        agent=agent,
        data={"category": category, "wrap_up_code": wrap_up_code} | ({"no_article": no_article} if no_article else {}),
    )
    if wrap_up_code not in NOT_ASKED:
        surveys.send_survey(tx, ticket, ticket.channel)
    else:  # on record, so that nobody spares themselves bad marks by the code they choose
        tx.emit("survey.not_sent", ticket=ticket, customer=ticket.customer_id, data={"reason": wrap_up_code})
    _close_later(tx, ticket)


def end_unanswered(tx: Tx, ticket: Ticket) -> None:
    """The customer was asked, reminded twice and kept silent: it ends without them, and opens again when they write.

    Nobody is asked how it was. Raises `Conflict` as `solve` does.
    """
    check_nothing_open(tx, ticket)
    finish_work(tx, ticket)
    settle(tx, ticket, category=ticket.category, wrap_up_code=NO_ANSWER, resolution="")
    solved = {"category": ticket.category, "wrap_up_code": NO_ANSWER}
    tx.emit("ticket.solved", ticket=ticket, customer=ticket.customer_id, agent=ticket.owner_id, data=solved)
    _close_later(tx, ticket)


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


def _close_later(tx: Tx, ticket: Ticket) -> None:
    set_timer(tx, "ticket.close", str(ticket.id), tx.now + QUIET, {"ticket_id": ticket.id})


def _why_no_article(tx: Tx, ticket: Ticket, wrap_up_code: str, given: str) -> str | None:
    """The reason that counts: none where none is needed, None where one is missing."""
    asked = tx.session.get_one(Queue, ticket.queue_id).asks_article and wrap_up_code not in NOT_ASKED
    if not asked or tx.session.scalar(select(ArticleLink.article_id).where(ArticleLink.ticket_id == ticket.id).limit(1)):
        return ""
    return given if given in NO_ARTICLE else None


def _check_answers(category: str, wrap_up_code: str, resolution: str, no_article: str | None) -> None:
    fields = {}
    if category not in CATEGORIES:
        fields["category"] = N_("Choose what it was about.")
    if wrap_up_code not in WRAP_UP_CODES:
        fields["wrap_up_code"] = N_("Choose how it ended.")
    if not resolution.strip():
        fields["resolution"] = N_("Write in a sentence what settled it.")
    if no_article is None:
        fields["no_article"] = N_("Link the article that helped, or choose why there is none.")
    if fields:
        raise Invalid("Something is missing before this ticket can be solved.", fields)


def check_nothing_open(tx: Tx, ticket: Ticket) -> None:
    """Raises `Conflict` when a conversation runs, a promise to the customer is open, or a colleague is still to do something."""
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
