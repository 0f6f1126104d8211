"""Asking customers twice a year whether they would recommend us: about us as a whole, and never about one person."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.people import customers
from desk.actions.surveys import surveys, whom
from desk.actions.surveys.rules import RELATION_EVERY, RELATION_TIMER
from desk.actions.timers import set_timer
from desk.models import Customer, Survey, Ticket
from desk.models.survey import NPS, RELATION
from desk.models.ticket import CLOSED, SOLVED
from desk.queries.surveys.rules import survey_rules
from desk.store import Tx

LATELY = timedelta(days=180)  # whose last matter was solved within this time is a customer of ours
HALF_A_YEAR = timedelta(days=182)
AT_ONCE = 500  # customers looked at in one turn


def ask_some(tx: Tx, data: dict[str, int]) -> None:
    """One turn (timer `survey.relation`): ask some of those whose last matter was solved lately; the next turn goes on."""
    rules = survey_rules(tx.session)
    if not rules.relation:
        return
    after = select(Customer.id).where(Customer.id > data.get("after", 0))
    seen = tx.session.scalars(after.order_by(Customer.id).limit(AT_ONCE)).all()
    for customer_id in seen:
        last = select(Ticket).where(Ticket.customer_id == customer_id).order_by(Ticket.id.desc()).limit(1)
        ticket = tx.session.scalar(last)
        if ticket is not None and _was_solved_lately(tx, ticket) and whom.is_drawn(tx, ticket, rules.share):
            ask(tx, ticket)
    again = {"after": seen[-1] if len(seen) == AT_ONCE else 0}
    set_timer(tx, RELATION_TIMER, "", tx.now + RELATION_EVERY, again)


def ask(tx: Tx, ticket: Ticket) -> Survey | None:
    """Ask the customer of this ticket, by mail and in the hours of their own day. None when they are not to be asked now."""
    customer, rules = tx.session.get_one(Customer, ticket.customer_id), survey_rules(tx.session)
    address = customers.address_of(tx, customer, "email")
    asked = select(Survey.occasion, Survey.sent_at).where(
        Survey.customer_id == customer.id, Survey.sent_at > tx.now - HALF_A_YEAR
    )
    too_soon = any(
        occasion == RELATION or sent_at > tx.now - whom.QUARANTINE for occasion, sent_at in tx.session.execute(asked.limit(20))
    )
    left_alone = whom.whom_to_leave(tx, customer, rules) or whom.has_open_complaint(tx, customer.id)
    if not address or too_soon or left_alone:
        return None
    return surveys.send_sheet(tx, ticket, "email", NPS, tx.now, agent_id=None, occasion=RELATION)


def _was_solved_lately(tx: Tx, ticket: Ticket) -> bool:
    over = ticket.status in (SOLVED, CLOSED)
    return over and ticket.solved_at is not None and ticket.solved_at > tx.now - LATELY
