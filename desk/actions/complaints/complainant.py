"""The complainant's own say: more words and files while the case is open, and whether the matter is settled."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import select

from channels.form import MAX_TEXT, addition
from channels.message import Contact
from desk.actions import intake
from desk.actions.complaints import clocks, complaints
from desk.actions.complaints.evidence import add_evidence
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.models import Complaint, ContactPoint, Customer, Message, Ticket
from desk.models.complaint import AWAITING_INFO, CLOSED, INVESTIGATING, NEXT, OVER_STAGES, REOPENED
from desk.queries.complaints.representatives import is_withheld
from desk.sentences import N_
from desk.store import Tx


def adds(tx: Tx, complaint: Complaint, text: str, files: Sequence[KeptFile] = (), *, token: str) -> Message:
    """The complainant adds words or files on the status page; whoever handles the case is woken. `token` makes it happen once."""
    if complaint.stage in OVER_STAGES:
        raise Conflict("This complaint is closed. If something is still open, tell us below and we look at it again.")
    if not text.strip() and not files:
        raise Invalid("Please write something or attach a file.", {"text": N_("Please write something or attach a file.")})
    if len(text) > MAX_TEXT:
        raise Invalid("This text is too long.", {"text": N_("This text is too long; please attach it as a file.")})
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    inbound = addition(token, _contact(tx, ticket), text or "—", ticket.locale)
    receipt = intake.receive(tx, inbound, files, ticket=ticket)
    add_evidence(tx, complaint, receipt.message, "customer")
    clocks.answered(tx, complaint)
    if complaint.stage == AWAITING_INFO:
        complaints.enter(tx, complaint, INVESTIGATING, reason="the customer answered")
    return receipt.message


def answers(tx: Tx, complaint: Complaint, satisfied: bool, text: str = "", *, token: str = "") -> Complaint:
    """The complainant says whether the matter is settled: closed if so, looked at again by somebody else if not.

    A closed complaint can be answered “not settled” for thirty days.
    """
    if complaint.stage == (CLOSED if satisfied else REOPENED):
        return complaint
    wanted = CLOSED if satisfied else REOPENED
    if is_withheld(tx.session, complaint.id):
        raise Conflict("Before you can answer, we need to see that you may speak for the complainant.")
    if wanted not in NEXT[complaint.stage]:
        raise Conflict("There is nothing to answer at this stage.", allowed=NEXT[complaint.stage])
    if not satisfied and not text.strip():
        raise Invalid("Please tell us what is still open.", {"text": N_("Please tell us what is still open.")})
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    if text.strip():
        inbound = addition(token or secrets.token_hex(8), _contact(tx, ticket), text[:MAX_TEXT], ticket.locale)
        intake.receive(tx, inbound, ticket=ticket, queue_work=False)
    return complaints.heard(tx, complaint, satisfied, reason="customer")


def _contact(tx: Tx, ticket: Ticket) -> Contact:
    """The complainant as the channel knows them: whoever has the link writes as the customer of the ticket."""
    customer = tx.session.get_one(Customer, ticket.customer_id)
    point = tx.session.scalar(
        select(ContactPoint).where(ContactPoint.customer_id == customer.id).order_by(ContactPoint.id).limit(1)
    )
    if point is None:
        raise NotFound("We have lost the way to reach you; please file the complaint again.")
    return Contact(point.kind, point.value, customer.name)
