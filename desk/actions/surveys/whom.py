"""Whom we ask how it was, and whom we leave alone; which of them is left to a lot, and never to an agent."""

from __future__ import annotations

import hmac
from datetime import timedelta

from sqlalchemy import select

from desk.models import (
    Agent,
    BlockedNumber,
    Complaint,
    ContactPoint,
    Customer,
    OutboxRecipient,
    Recusal,
    Survey,
    Ticket,
)
from desk.models.complaint import OVER_STAGES
from desk.models.mail import FAILED
from desk.models.survey import RELATION, SOLVED_NOW
from desk.queries.people.contact_limits import running_limit
from desk.queries.surveys.rules import NOTHING, SurveyRules
from desk.store import Tx

YEAR = timedelta(days=365)
QUARANTINE = timedelta(days=90)  # after being asked about us as a whole
MOST_POINTS = 20


def why_not(tx: Tx, ticket: Ticket, customer: Customer, rules: SurveyRules, channel: str) -> str:
    """Why this customer is not asked now; empty when they are."""
    if rules.kind_for(channel) == NOTHING:
        return "switched_off"
    if tx.actor.kind == "agent" and _is_kept_out(tx, ticket, tx.actor.id):
        return "kept_out"
    alone = whom_to_leave(tx, customer, rules)
    if alone:
        return alone
    asked = select(Survey.sent_at).where(Survey.customer_id == customer.id, Survey.sent_at > tx.now - YEAR)
    moments = tx.session.scalars(
        asked.where(Survey.occasion == SOLVED_NOW).order_by(Survey.sent_at.desc()).limit(rules.a_year)
    ).all()
    if moments and moments[0] > tx.now - timedelta(days=rules.every_days):
        return "asked_lately"
    if tx.session.scalar(asked.where(Survey.occasion == RELATION, Survey.sent_at > tx.now - QUARANTINE).limit(1)):
        return "asked_lately"
    return "asked_often" if len(moments) >= rules.a_year else ""


def whom_to_leave(tx: Tx, customer: Customer, rules: SurveyRules) -> str:
    """Why this customer is asked on no occasion; empty when they may be."""
    if customer.surveys_declined_at is not None:
        return "declined"
    points = select(ContactPoint.kind, ContactPoint.value).where(ContactPoint.customer_id == customer.id)
    known = tx.session.execute(points.order_by(ContactPoint.id).limit(MOST_POINTS)).all()
    addresses = [value for kind, value in known if kind == "email"]
    if any(rules.leaves_out(each) for each in addresses):
        return "left_out"
    if addresses and tx.session.scalar(select(Agent.id).where(Agent.email.in_(addresses)).limit(1)):
        return "internal"
    if addresses and _comes_back(tx, addresses[0]):
        return "bounced"
    if _is_limited(tx, customer, [value for kind, value in known if kind == "phone"]):
        return "limited"
    return "special_needs" if _needs_care(tx, customer) else ""


def has_open_complaint(tx: Tx, customer_id: int) -> bool:
    """Whether the customer has a complaint that is not over: they are asked by that, and by nothing else."""
    query = select(Complaint.id).join(Ticket, Ticket.id == Complaint.ticket_id)
    open_one = query.where(Ticket.customer_id == customer_id, Complaint.stage.not_in(OVER_STAGES))
    return tx.session.scalar(open_one.limit(1)) is not None


def is_drawn(tx: Tx, ticket: Ticket, share: int) -> bool:
    """Whether the lot falls on this solution: by a number that only the desk's key gives, so that nobody can choose it."""
    of = f"{ticket.id}:{ticket.solved_at}".encode()
    drawn = hmac.digest(tx.settings.secret_key.encode(), of, "sha256")
    return int.from_bytes(drawn[:8]) % 100 < share


def _comes_back(tx: Tx, address: str) -> bool:
    """Whether the last mail to this address could not be delivered."""
    sent = select(OutboxRecipient.state).where(OutboxRecipient.address == address)
    return tx.session.scalar(sent.order_by(OutboxRecipient.changed_at.desc()).limit(1)) == FAILED


def _is_limited(tx: Tx, customer: Customer, numbers: list[str]) -> bool:
    """Whether the customer may reach us in few ways only, after abuse; then we do not ask for their mark."""
    blocked = select(BlockedNumber.id).where(BlockedNumber.number.in_(numbers))
    is_limited = running_limit(tx.session, customer.id, tx.now) is not None
    return is_limited or bool(numbers and tx.session.scalar(blocked.limit(1)))


def _needs_care(tx: Tx, customer: Customer) -> bool:
    """Whom we know to need something special from us is spared question sheets."""
    cases = select(Complaint.id).join(Ticket, Ticket.id == Complaint.ticket_id)
    return tx.session.scalar(cases.where(Ticket.customer_id == customer.id, Complaint.needs != "").limit(1)) is not None


def _is_kept_out(tx: Tx, ticket: Ticket, agent_id: int | None) -> bool:
    """Whoever is complained about does not have the complainant asked how they were."""
    query = select(Recusal.id).where(Recusal.ticket_id == ticket.id, Recusal.agent_id == agent_id)
    return tx.session.scalar(query) is not None
