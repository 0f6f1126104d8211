"""Asking the customer how it was, once for each solution, and doing something about the answer."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from desk.actions.calendars import calendar_of
from desk.actions.mail import letters
from desk.actions.people import customers
from desk.actions.surveys import follow_up_work
from desk.actions.surveys.marks import complains, is_low
from desk.actions.surveys.whom import has_open_complaint, is_drawn, whom_to_leave, why_not
from desk.actions.tickets import tickets
from desk.actions.tickets.tickets import TICKET_WORK
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import ContactPoint, Customer, Message, Queue, Survey, Ticket
from desk.models.message import OUT
from desk.models.survey import CSAT, INDEX, SCALES, SOLVED_NOW
from desk.models.ticket import CLOSED, LIVE, MERGED, SOLVED, SPAM
from desk.queries.calls.callbacks import zone_of
from desk.queries.surveys.rules import may_leave_at, survey_rules
from desk.sentences import N_
from desk.store import Tx

SEND_TIMER, REMIND_TIMER, RECOVER_TIMER = "survey.send", "survey.remind", "survey.recover"
REMIND_AFTER = timedelta(days=3)
STALE_AFTER = timedelta(days=1)  # who could not be asked until then is not asked
ANSWERED_WITHIN = timedelta(days=7)
CORRECTED_WITHIN = timedelta(days=1)
MAX_COMMENT = 4000


def send_survey(tx: Tx, ticket: Ticket, channel: str) -> Survey | None:
    """Ask about the solution just given: a line in the chat, and a mail when we know an address. None when nobody is asked.

    Never for spam, nor while a complaint is open, nor one person again too soon (`SurveyRules`). It waits as long as the rules
    say, and for the hours of the customer's own day. Asking twice about one solution returns the first question sheet.
    """
    if ticket.status in (SPAM, MERGED) or has_open_complaint(tx, ticket.customer_id):
        return None
    before, rules = _latest(tx, ticket.id), survey_rules(tx.session)
    if before is not None and ticket.solved_at is not None and before.sent_at >= ticket.solved_at:
        return before
    customer = tx.session.get_one(Customer, ticket.customer_id)
    address = customers.address_of(tx, customer, "email")
    reason = why_not(tx, ticket, customer, rules, channel) or ("no_address" if channel != "chat" and not address else "")
    if reason:
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": reason})
        return None
    if not is_drawn(tx, ticket, rules.share):
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": "not_drawn"})
        return None
    ready_at = tx.now + rules.delay_for(channel)
    return send_sheet(tx, ticket, channel, rules.kind_for(channel), ready_at, agent_id=ticket.owner_id)


def send_sheet(
    tx: Tx, ticket: Ticket, channel: str, kind: str, ready_at: datetime, *, agent_id: int | None, occasion: str = SOLVED_NOW
) -> Survey:
    """Send a question sheet then, or when the hours of the customer's own day have come after that."""
    leaves_at = ready_at
    if channel != "chat" or ready_at > tx.now:  # who has just chatted is still there, whatever the hour
        leaves_at = may_leave_at(ready_at, _zone(tx, ticket), survey_rules(tx.session).hours)
    survey = new_sheet(tx, ticket, channel, kind, leaves_at, agent_id=agent_id, occasion=occasion)
    if leaves_at > tx.now:
        set_timer(tx, SEND_TIMER, str(survey.id), leaves_at, {"survey_id": survey.id})
        tx.emit("survey.put_off", ticket=ticket, customer=ticket.customer_id, data={"survey": survey.id})
    else:
        _send(tx, survey, ticket, customers.address_of(tx, _asked(tx, survey), "email"))
    return survey


def new_sheet(
    tx: Tx, ticket: Ticket, channel: str, kind: str, sent_at: datetime, *, agent_id: int | None, occasion: str = SOLVED_NOW
) -> Survey:
    """A question sheet with an address of its own, which nobody can guess."""
    survey = Survey(
        ticket_id=ticket.id,
        access_key=secrets.token_urlsafe(24),
        channel=channel,
        sent_at=sent_at,
        kind=kind,
        version=survey_rules(tx.session).version,
        customer_id=ticket.customer_id,
        agent_id=agent_id,
        queue_id=ticket.queue_id,
        occasion=occasion,
    )
    tx.session.add(survey)
    tx.session.flush()
    return survey


def send_now(tx: Tx, survey_id: int) -> None:
    """Its time has come (timer `survey.send`), unless the matter is open again or the customer has said no meanwhile.

    A sheet that nobody ever got is none: it is taken away, and the customer may be asked about the next solution.
    """
    survey = tx.session.get(Survey, survey_id)
    if survey is None or survey.answered_at is not None:
        return
    ticket, customer = tx.session.get_one(Ticket, survey.ticket_id), _asked(tx, survey)
    address = customers.address_of(tx, customer, "email")
    is_fresh, is_over = tx.now <= survey.sent_at + STALE_AFTER, ticket.status in (SOLVED, CLOSED)
    if is_fresh and is_over and (address or survey.channel == "chat") and not _left_alone(tx, ticket, customer):
        _send(tx, survey, ticket, address)
    else:
        tx.session.delete(survey)
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


def recover_soon(tx: Tx, survey: Survey) -> None:
    """Have it looked at whether this answer makes a complaint, if it is one of those that may."""
    if is_low(survey) or survey.solved is False or complains(survey):
        set_timer(tx, RECOVER_TIMER, str(survey.id), tx.now, {"survey_id": survey.id})


def remind(tx: Tx, survey: Survey) -> None:
    """Nobody has answered in three days (timer `survey.remind`): one more mail, and never a second.

    Not to who has said no or answered, nor when the matter is open again.
    """
    ticket, customer = tx.session.get_one(Ticket, survey.ticket_id), _asked(tx, survey)
    if survey.answered_at is not None or survey.reminded_at is not None or tx.now > survey.sent_at + ANSWERED_WITHIN:
        return
    if ticket.status not in (SOLVED, CLOSED) or _left_alone(tx, ticket, customer):
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
    recover_soon(tx, survey)


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


def _left_alone(tx: Tx, ticket: Ticket, customer: Customer) -> bool:
    """Whether something has come between since the sheet was made."""
    return bool(whom_to_leave(tx, customer, survey_rules(tx.session))) or has_open_complaint(tx, ticket.customer_id)


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
    elif is_low(survey) or complains(survey):
        follow_up_work.open_follow_up(tx, ticket, "low_score" if is_low(survey) else "complains", exclude=handler_id)
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
