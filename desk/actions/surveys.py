"""Asking the customer how it was, once for each solution, and doing something about the answer."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from desk.actions import customers, follow_up_work, letters, tickets, work_items
from desk.actions.tickets import TICKET_WORK
from desk.errors import Conflict, Invalid
from desk.models import Complaint, Customer, Message, Queue, Survey, Ticket
from desk.models.complaint import OVER_STAGES
from desk.models.message import OUT
from desk.models.ticket import CLOSED, LIVE, SOLVED, SPAM
from desk.sentences import N_
from desk.store import Tx

LOW_SCORE = 2
ANSWERED_WITHIN = timedelta(days=7)
CORRECTED_WITHIN = timedelta(days=1)
MAX_COMMENT = 4000


def send_survey(tx: Tx, ticket: Ticket, channel: str) -> Survey | None:
    """Ask about the solution just given: a line in the chat, and a mail when we know an address. None when nobody can be asked.

    Never for spam, nor while a complaint is open. Asking twice about one solution returns the first question sheet.
    """
    if ticket.status == SPAM or _has_open_complaint(tx, ticket):
        return None
    before = _latest(tx, ticket.id)
    if before is not None and ticket.solved_at is not None and before.sent_at >= ticket.solved_at:
        return before
    customer = tx.session.get_one(Customer, ticket.customer_id)
    address = "" if customer.surveys_declined_at is not None else customers.address_of(tx, customer, "email")
    if channel != "chat" and not address:
        reason = "declined" if customer.surveys_declined_at is not None else "no_address"
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": reason})
        return None
    survey = Survey(ticket_id=ticket.id, access_key=secrets.token_urlsafe(24), channel=channel, sent_at=tx.now)
    tx.session.add(survey)
    link = f"{tx.settings.base_url}/survey/{survey.access_key}"
    if channel == "chat":
        _say_in_chat(tx, ticket, link)
    if address:
        leave = f"{link}/leave"
        # One click in the mail program is enough (RFC 8058); letters about the matter itself never carry this.
        headers = (("List-Unsubscribe", f"<{leave}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        letters.send_letter(tx, ticket, address, "survey", headers=headers, subject=ticket.subject, link=link, leave=leave)
    tx.emit("survey.sent", ticket=ticket, customer=ticket.customer_id, data={"survey": survey.id, "channel": channel})
    return survey


def answer_survey(tx: Tx, survey: Survey, score: int | None, solved: bool | None, comment: str = "") -> None:
    """Record the customer's answer; the same answer again has no further effect, and within a day it can be corrected.

    “Not solved” opens the ticket again; that or a low score has somebody else ask what went wrong. Raises `Invalid` for an
    incomplete answer and `Conflict` when it is too late.
    """
    fields = {}
    if score is None or not 1 <= score <= 5:
        fields["score"] = N_("Please choose a mark from 1 to 5.")
    if solved is None:
        fields["solved"] = N_("Please say whether your problem is solved.")
    if fields:
        raise Invalid("Two answers are needed.", fields)
    comment = comment.strip()[:MAX_COMMENT]
    if (survey.score, survey.solved, survey.comment) == (score, solved, comment) and survey.answered_at is not None:
        return
    if not takes_answer(survey, tx.now):
        raise Conflict("This question sheet is closed. If something is still open, please write to us or call us.")
    ticket = tx.session.get_one(Ticket, survey.ticket_id)
    corrected = survey.answered_at is not None
    survey.score, survey.solved, survey.comment = score, solved, comment
    survey.answered_at = survey.answered_at or tx.now
    ticket.score, ticket.updated_at = score, tx.now
    tx.emit(
        "survey.answered",
        ticket=ticket,
        customer=ticket.customer_id,
        agent=ticket.owner_id,
        data={"survey": survey.id, "score": score, "solved": solved, "corrected": corrected},
    )
    _act_on(tx, ticket, survey)


def decline(tx: Tx, survey: Survey) -> None:
    """The customer wants no more question sheets by mail. Again changes nothing."""
    customer = _asked(tx, survey)
    if customer.surveys_declined_at is None:
        customer.surveys_declined_at = tx.now
        tx.emit("customer.surveys_declined", customer=customer, data={"survey": survey.id})


def welcome_again(tx: Tx, survey: Survey) -> None:
    """The customer wants to be asked after all."""
    customer = _asked(tx, survey)
    if customer.surveys_declined_at is not None:
        customer.surveys_declined_at = None
        tx.emit("customer.surveys_welcomed", customer=customer, data={"survey": survey.id})


def takes_answer(survey: Survey, now: datetime) -> bool:
    """Whether the sheet still takes an answer: seven days for the first one, one more day to correct it."""
    if survey.answered_at is None:
        return now <= survey.sent_at + ANSWERED_WITHIN
    return now <= survey.answered_at + CORRECTED_WITHIN


def _act_on(tx: Tx, ticket: Ticket, survey: Survey) -> None:
    handler_id = ticket.owner_id
    if survey.solved is False and ticket.status in (SOLVED, CLOSED):
        tickets.reopen(tx, ticket, reason="survey")
    if survey.solved is False and ticket.status in LIVE:
        if work_items.open_item(tx, ticket.id, TICKET_WORK) is None:
            tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))
        follow_up_work.open_follow_up(tx, ticket, "not_solved", exclude=handler_id)
    elif survey.score is not None and survey.score <= LOW_SCORE:
        follow_up_work.open_follow_up(tx, ticket, "low_score", exclude=handler_id)
    elif survey.solved:
        _settled_after_all(tx, ticket)


def _settled_after_all(tx: Tx, ticket: Ticket) -> None:
    """The customer agrees, perhaps in a second answer: then nobody need ask them what went wrong."""
    follow_up = follow_up_work.open_one(tx, ticket.id)
    if follow_up is not None and follow_up.reason != "complaint":
        follow_up_work.settle(tx, follow_up, "satisfied")
    if ticket.status in (SOLVED, CLOSED):
        tx.emit(
            "ticket.confirmed", ticket=ticket, customer=ticket.customer_id, agent=ticket.owner_id, data={"score": ticket.score}
        )


def _has_open_complaint(tx: Tx, ticket: Ticket) -> bool:
    open_one = select(Complaint.id).where(Complaint.ticket_id == ticket.id, Complaint.stage.not_in(OVER_STAGES))
    return tx.session.scalar(open_one) is not None


def _asked(tx: Tx, survey: Survey) -> Customer:
    return tx.session.get_one(Customer, tx.session.get_one(Ticket, survey.ticket_id).customer_id)


def _latest(tx: Tx, ticket_id: int) -> Survey | None:
    return tx.session.scalar(select(Survey).where(Survey.ticket_id == ticket_id).order_by(Survey.id.desc()).limit(1))


def _say_in_chat(tx: Tx, ticket: Ticket, link: str) -> None:
    _, text = letters.write(tx, "survey_line", ticket.locale, link=link, number=ticket.number or 0)
    line = Message(
        channel="chat",
        direction=OUT,
        customer_id=ticket.customer_id,
        text=text,
        reply_text=text,
        meta={"system": "survey", "url": link},
    )
    tickets.add_message(tx, ticket, line)
