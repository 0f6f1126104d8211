"""What customers agree to and take back again, each as a row of its own that nothing changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from desk.errors import Conflict
from desk.models import Consent, Customer, Ticket
from desk.models.consent import GIVEN, WITHDRAWN
from desk.queries.people.consents import consent_in_force
from desk.store import Tx

CHATTING = "chat"


@dataclass(frozen=True)
class Wording:
    """The text that stood before somebody, in which language, and which version of it."""

    text: str
    locale: str
    version: int


def agree(tx: Tx, ticket: Ticket, purpose: str, wording: Wording, *, channel: str, evidence: str) -> Consent:
    """The ticket's customer has agreed to this text."""
    customer = tx.session.get_one(Customer, ticket.customer_id)
    return _add(tx, customer, purpose, wording, action=GIVEN, channel=channel, evidence=evidence, ticket_id=ticket.id)


def withdraw(tx: Tx, customer: Customer, purpose: str, *, evidence: str) -> Consent:
    """They take it back. Raises `Conflict` when there is nothing to take back."""
    given = consent_in_force(tx.session, customer.id, purpose)
    if given is None:
        raise Conflict("Nothing is agreed to that could be taken back.")
    wording = Wording(given.text, given.locale, given.version)
    return _add(tx, customer, purpose, wording, action=WITHDRAWN, channel=given.channel, evidence=evidence, ticket_id=None)


def _add(tx: Tx, customer: Customer, purpose: str, wording: Wording, **values: Any) -> Consent:
    row = Consent(customer_id=customer.id, purpose=purpose, at=tx.now, **asdict(wording), **values)
    tx.session.add(row)
    happened = "customer.consent_given" if row.action == GIVEN else "customer.consent_withdrawn"
    tx.emit(happened, customer=customer, data={"purpose": purpose, "version": wording.version})
    return row
