"""What came of asking a customer again (回访): recorded by whoever asked, who is never the one who handled the matter."""

from __future__ import annotations

from datetime import datetime
from itertools import takewhile

from sqlalchemy import select

from desk.actions.calendars import calendar_of
from desk.actions.complaints import complaints
from desk.actions.surveys.follow_up_work import plan_next_try, settle
from desk.actions.tickets import tickets
from desk.actions.tickets.tickets import TICKET_WORK
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, FollowUp, Queue, Ticket
from desk.models.complaint import FOLLOW_UP
from desk.models.survey import REACHED
from desk.models.ticket import MERGED, SPAM
from desk.sentences import N_
from desk.store import Tx

OUTCOMES = ("satisfied", "explained", "dissatisfied", "not_reached", "no_action")
OF_COMPLAINTS = ("satisfied", "dissatisfied", "not_reached")  # a decided complaint is settled, or it is not
NEED_NOTE = {
    "dissatisfied": N_("Please note what is still open."),
    "no_action": N_("Please note why nothing is to be done."),
}
CHANNELS = ("phone", "email", "chat")
WAYS_TRIED, TRIED_OVER_DAYS = 2, 5  # before a complaint is closed without the customer's word; business days


def record(
    tx: Tx,
    follow_up: FollowUp,
    agent: Agent,
    outcome: str,
    note: str = "",
    channel: str = "phone",
    told_at: datetime | None = None,
) -> None:
    """Record the answer and finish the work. Dissatisfied opens the matter again, one level higher; not reached is tried again.

    Of whom was reached it is known when: at `told_at`, or now.

    A complaint ends here: satisfied closes it; three tries in vain, by two ways and over five business days, close it
    unconfirmed. Raises `Invalid` for an unknown outcome or channel or a missing note, `NotAllowed` for the handler of the
    matter, `Conflict` when it is done already.
    """
    if outcome not in (OF_COMPLAINTS if follow_up.reason == "complaint" else OUTCOMES):
        raise Invalid("Choose what came of it.", {"outcome": N_("Choose what came of it.")})
    if channel not in CHANNELS:
        raise Invalid("Choose how you tried.", {"channel": N_("Choose how you tried.")})
    if outcome in NEED_NOTE and not note.strip():
        raise Invalid(NEED_NOTE[outcome], {"note": NEED_NOTE[outcome]})
    if told_at is not None and not (follow_up.begun_at or follow_up.created_at) <= told_at <= tx.now:
        raise Invalid("The customer was told between the beginning of this and now.", {"at": N_("Choose when it was.")})
    if follow_up.state != "open":
        raise Conflict("This follow-up has been recorded already.")
    if agent.id == follow_up.excluded_agent_id:
        raise NotAllowed("You handled this matter yourself; somebody else has to ask the customer.")
    follow_up.channel = channel
    reached_at = (told_at or tx.now) if outcome in REACHED else None
    settle(tx, follow_up, outcome, note=note, handler_id=agent.id, told_at=reached_at)
    ticket = tx.session.get_one(Ticket, follow_up.ticket_id)
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id))
    at_its_end = complaint is not None and complaint.stage == FOLLOW_UP
    if outcome == "not_reached":
        _not_reached(tx, follow_up, complaint if at_its_end else None)
    elif at_its_end and complaint is not None:
        complaints.heard(tx, complaint, outcome == "satisfied", reason=note or "follow_up", agent=agent)
    elif outcome == "dissatisfied" and ticket.status not in (MERGED, SPAM):
        _raise(tx, ticket)


def _not_reached(tx: Tx, follow_up: FollowUp, complaint: Complaint | None) -> None:
    vain = _tries_in_vain(tx, follow_up.ticket_id)
    if len(vain) < complaints.NOT_REACHED_TRIES or (complaint is not None and (complaint.needs or not _tried_enough(tx, vain))):
        plan_next_try(tx, follow_up)
    elif complaint is not None:
        complaints.close_unconfirmed(tx, complaint)


def _tries_in_vain(tx: Tx, ticket_id: int) -> list[FollowUp]:
    """The tries in a row, up to now, that reached nobody; the latest first."""
    query = select(FollowUp).where(FollowUp.ticket_id == ticket_id, FollowUp.state == "done")
    return list(takewhile(lambda each: each.outcome == "not_reached", tx.session.scalars(query.order_by(FollowUp.id.desc()))))


def _tried_enough(tx: Tx, vain: list[FollowUp]) -> bool:
    """A complaint is closed unconfirmed only after tries by two ways, over five business days."""
    ticket = tx.session.get_one(Ticket, vain[0].ticket_id)
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    first = calendar.local_day(vain[-1].done_at or tx.now)
    fifth_day = calendar.add_business_days(first, TRIED_OVER_DAYS - 1)
    return len({each.channel for each in vain}) >= WAYS_TRIED and calendar.local_day(tx.now) >= fifth_day


def _raise(tx: Tx, ticket: Ticket) -> None:
    tickets.reopen(tx, ticket, reason="follow_up")
    ticket.level = min(ticket.level + 1, 3)
    tx.emit("ticket.raised", ticket=ticket, customer=ticket.customer_id, data={"level": ticket.level})
    if work_items.open_item(tx, ticket.id, TICKET_WORK) is None:
        tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))
