"""Asking the customer how it was, once for each solution, and doing something about the answer."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from desk.actions import customers, follow_up_work, letters, tickets, work_items
from desk.actions.calendars import calendar_of
from desk.actions.tickets import TICKET_WORK
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid
from desk.models import Complaint, ContactPoint, Customer, Message, Queue, Recusal, Survey, Ticket
from desk.models.complaint import OVER_STAGES
from desk.models.message import OUT
from desk.models.survey import CES, CSAT, INDEX, NPS, SCALES
from desk.models.ticket import CLOSED, LIVE, MERGED, SOLVED, SPAM
from desk.queries.callbacks import zone_of
from desk.queries.survey_rules import NOTHING, SurveyRules, may_leave_at, survey_rules
from desk.sentences import N_
from desk.store import Tx

LOW = {CSAT: 2, CES: 3, NPS: 6}  # so low a mark has somebody else ask what went wrong
LOW_INDEX = 0.8  # of what was expected
SEND_TIMER, REMIND_TIMER, RECOVER_TIMER = "survey.send", "survey.remind", "survey.recover"
REMIND_AFTER = timedelta(days=3)
YEAR = timedelta(days=365)
STALE_AFTER = timedelta(days=1)  # who could not be asked until then is not asked
ANSWERED_WITHIN = timedelta(days=7)
CORRECTED_WITHIN = timedelta(days=1)
MAX_COMMENT = 4000


def send_survey(tx: Tx, ticket: Ticket, channel: str) -> Survey | None:
    """Ask about the solution just given: a line in the chat, and a mail when we know an address. None when nobody is asked.

    Never for spam, nor while a complaint is open, nor one person again too soon (`SurveyRules`). A mail waits for the hours of
    the customer's own day. Asking twice about one solution returns the first question sheet.
    """
    if ticket.status in (SPAM, MERGED) or has_open_complaint(tx, ticket):
        return None
    before, rules = _latest(tx, ticket.id), survey_rules(tx.session)
    if before is not None and ticket.solved_at is not None and before.sent_at >= ticket.solved_at:
        return before
    customer = tx.session.get_one(Customer, ticket.customer_id)
    address = "" if customer.surveys_declined_at is not None else customers.address_of(tx, customer, "email")
    unreachable = "" if channel == "chat" or address else "declined" if customer.surveys_declined_at is not None else "no_address"
    reason = why_not(tx, ticket, customer, rules, channel, unreachable)
    if reason:
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": reason})
        return None
    leaves_at = tx.now if channel == "chat" else may_leave_at(tx.now, _zone(tx, ticket), rules.hours)
    survey = Survey(
        ticket_id=ticket.id,
        access_key=secrets.token_urlsafe(24),
        channel=channel,
        sent_at=leaves_at,
        kind=rules.kind_for(channel),
        version=rules.version,
        customer_id=customer.id,
        agent_id=ticket.owner_id,
        queue_id=ticket.queue_id,
    )
    tx.session.add(survey)
    tx.session.flush()
    if leaves_at > tx.now:
        set_timer(tx, SEND_TIMER, str(survey.id), leaves_at, {"survey_id": survey.id})
        tx.emit("survey.put_off", ticket=ticket, customer=customer, data={"survey": survey.id})
    else:
        _send(tx, survey, ticket, address)
    return survey


def send_now(tx: Tx, survey: Survey) -> None:
    """The hours have come (timer `survey.send`), unless the matter is open again or the customer has said no meanwhile."""
    ticket, customer = tx.session.get_one(Ticket, survey.ticket_id), _asked(tx, survey)
    address = "" if customer.surveys_declined_at is not None else customers.address_of(tx, customer, "email")
    is_fresh = survey.answered_at is None and tx.now <= survey.sent_at + STALE_AFTER
    if is_fresh and address and ticket.status in (SOLVED, CLOSED) and not has_open_complaint(tx, ticket):
        _send(tx, survey, ticket, address)
    else:
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": "overtaken"})


def answer_survey(
    tx: Tx,
    survey: Survey,
    score: int | None,
    solved: bool | None,
    comment: str = "",
    *,
    expected: int | None = None,
    how: str = "page",
) -> None:
    """Record the customer's answer; the same answer again has no further effect, and within a day it can be corrected.

    “Not solved” opens the ticket again; that or a low score has somebody else ask what went wrong. Raises `Invalid` for an
    incomplete answer and `Conflict` when it is too late.
    """
    fields, (least, most) = {}, SCALES[survey.kind]
    if score is None or not least <= score <= most:
        fields["score"] = N_("Please choose a mark from 1 to 5.") if survey.kind == CSAT else N_("Please choose a mark.")
    if survey.kind == INDEX and (expected is None or not least <= expected <= most):
        fields["expected"] = N_("Please choose a mark.")
    if solved is None:
        fields["solved"] = N_("Please say whether your problem is solved.")
    if fields:
        raise Invalid("Two answers are needed.", fields)
    comment = comment.strip()[:MAX_COMMENT]
    said = (score, solved, comment, expected)
    if (survey.score, survey.solved, survey.comment, survey.expected) == said and survey.answered_at is not None:
        return
    if not takes_answer(survey, tx.now):
        raise Conflict("This question sheet is closed. If something is still open, please write to us or call us.")
    survey.score, survey.solved, survey.comment, survey.answered_how = score, solved, comment, how
    survey.expected = expected if survey.kind == INDEX else None
    _take_in(tx, survey)


def answered_by_key(tx: Tx, survey: Survey, *, score: int | None = None, solved: bool | None = None) -> None:
    """One answer of a caller, who may hang up before the next: each counts by itself."""
    survey.score = survey.score if score is None else score
    survey.solved = survey.solved if solved is None else solved
    survey.answered_how = "phone"
    _take_in(tx, survey)


def remind(tx: Tx, survey: Survey) -> None:
    """Nobody has answered in three days (timer `survey.remind`): one more mail, and never a second.

    Not to who has said no or answered, nor when the matter is open again.
    """
    ticket, customer = tx.session.get_one(Ticket, survey.ticket_id), _asked(tx, survey)
    declined, is_over = customer.surveys_declined_at is not None, tx.now > survey.sent_at + ANSWERED_WITHIN
    if survey.answered_at is not None or survey.reminded_at is not None or declined or is_over:
        return
    if ticket.status not in (SOLVED, CLOSED) or has_open_complaint(tx, ticket) or _needs_care(tx, customer):
        return
    address = customers.address_of(tx, customer, "email")
    leaves_at = may_leave_at(tx.now, _zone(tx, ticket), survey_rules(tx.session).hours)
    if address and leaves_at > tx.now:
        set_timer(tx, REMIND_TIMER, str(survey.id), leaves_at, {"survey_id": survey.id})
    elif address:
        survey.reminded_at = tx.now
        _mail(tx, survey, ticket, address, "survey_reminder")
        tx.emit("survey.reminded", ticket=ticket, customer=customer, data={"survey": survey.id})


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


def is_low(survey: Survey) -> bool:
    """Whether somebody should ask what went wrong."""
    if survey.score is None:
        return False
    if survey.kind == INDEX:
        return bool(survey.expected) and survey.score / (survey.expected or 1) < LOW_INDEX
    return survey.score <= LOW[survey.kind]


def _take_in(tx: Tx, survey: Survey) -> None:
    """What was answered has its effects."""
    ticket, corrected = tx.session.get_one(Ticket, survey.ticket_id), survey.answered_at is not None
    survey.answered_at = survey.answered_at or tx.now
    clear_timer(tx, SEND_TIMER, str(survey.id))
    clear_timer(tx, REMIND_TIMER, str(survey.id))
    ticket.score, ticket.updated_at = survey.score if survey.kind == CSAT else ticket.score, tx.now
    said = {"score": survey.score, "most": SCALES[survey.kind][1], "solved": survey.solved, "corrected": corrected}
    tx.emit(
        "survey.answered",
        ticket=ticket,
        customer=ticket.customer_id,
        agent=ticket.owner_id,
        data={"survey": survey.id, **said},
    )
    _act_on(tx, ticket, survey)
    if is_low(survey) or survey.solved is False:
        set_timer(tx, RECOVER_TIMER, str(survey.id), tx.now, {"survey_id": survey.id})


def _send(tx: Tx, survey: Survey, ticket: Ticket, address: str) -> None:
    if survey.channel == "chat":
        _say_in_chat(tx, ticket, _link(tx, survey))
    if address:
        _mail(tx, survey, ticket, address, "survey")
        set_timer(tx, REMIND_TIMER, str(survey.id), tx.now + REMIND_AFTER, {"survey_id": survey.id})
    tx.emit("survey.sent", ticket=ticket, customer=ticket.customer_id, data={"survey": survey.id, "channel": survey.channel})


def _mail(tx: Tx, survey: Survey, ticket: Ticket, address: str, kind: str) -> None:
    link = _link(tx, survey)
    leave = f"{link}/leave"
    # One click in the mail program is enough (RFC 8058); letters about the matter itself never carry this.
    headers = (("List-Unsubscribe", f"<{leave}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    letters.send_letter(tx, ticket, address, kind, headers=headers, subject=ticket.subject, link=link, leave=leave)


def _link(tx: Tx, survey: Survey) -> str:
    return f"{tx.settings.base_url}/survey/{survey.access_key}"


def why_not(tx: Tx, ticket: Ticket, customer: Customer, rules: SurveyRules, channel: str, unreachable: str = "") -> str:
    """Why this customer is not asked now; empty when they are. `unreachable` is why no way leads to them, if none does."""
    if rules.kind_for(channel) == NOTHING:
        return "switched_off"
    if tx.actor.kind == "agent" and _is_kept_out(tx, ticket, tx.actor.id):
        return "kept_out"
    if unreachable:
        return unreachable
    if _needs_care(tx, customer):
        return "special_needs"
    asked = select(Survey.sent_at).where(Survey.customer_id == customer.id, Survey.sent_at > tx.now - YEAR)
    moments = tx.session.scalars(asked.order_by(Survey.sent_at.desc()).limit(rules.a_year)).all()
    if moments and moments[0] > tx.now - timedelta(days=rules.every_days):
        return "asked_lately"
    return "asked_often" if len(moments) >= rules.a_year else ""


def _needs_care(tx: Tx, customer: Customer) -> bool:
    """Whom we know to need something special from us is spared question sheets."""
    cases = select(Complaint.id).join(Ticket, Ticket.id == Complaint.ticket_id)
    return tx.session.scalar(cases.where(Ticket.customer_id == customer.id, Complaint.needs != "").limit(1)) is not None


def _is_kept_out(tx: Tx, ticket: Ticket, agent_id: int | None) -> bool:
    """Whoever is complained about does not have the complainant asked how they were."""
    query = select(Recusal.id).where(Recusal.ticket_id == ticket.id, Recusal.agent_id == agent_id)
    return tx.session.scalar(query) is not None


def _zone(tx: Tx, ticket: Ticket) -> str:
    """The customer's time zone, as far as their phone number says it; else that of the queue."""
    ours = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id)).zone
    of_them = select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == "phone")
    number = tx.session.scalar(of_them.order_by(ContactPoint.id).limit(1))
    return zone_of(number, ours) if number else ours


def _act_on(tx: Tx, ticket: Ticket, survey: Survey) -> None:
    handler_id = ticket.owner_id
    if survey.solved is False and ticket.status in (SOLVED, CLOSED):
        tickets.reopen(tx, ticket, reason="survey")
    if survey.solved is False and ticket.status in LIVE:
        # Who has just hung up still wraps the call up, and has it in hand.
        if survey.answered_how != "phone" and work_items.open_item(tx, ticket.id, TICKET_WORK) is None:
            tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))
        follow_up_work.open_follow_up(tx, ticket, "not_solved", exclude=handler_id)
    elif is_low(survey):
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


def has_open_complaint(tx: Tx, ticket: Ticket) -> bool:
    """Whether the ticket is a complaint that is not over: its customer is asked by that."""
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
