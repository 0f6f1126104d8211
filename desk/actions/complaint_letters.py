"""The letters of a complaint: where they go, and the link they carry."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions import customers, letters
from desk.days import day_in_words
from desk.errors import Invalid
from desk.models import Complaint, ContactPoint, Customer, Message, Ticket
from desk.models.message import IN
from desk.queries.complaints import zone_of
from desk.store import Tx

ON_RECORD = ("acknowledgement", "decision", "extension", "not_reached", "paused", "summary")


def write_letter(tx: Tx, complaint: Complaint, ticket: Ticket, kind: str, *, reason: str = "") -> bool:
    """Send one of the complaint letters; False when we know no address. `reason` is that of more time unless given."""
    address = address_for(tx, ticket)
    if not address:
        return False
    zone, locale = zone_of(tx.session, ticket, complaint), ticket.locale
    letters.send_letter(
        tx,
        ticket,
        address,
        kind,
        on_record=kind in ON_RECORD,
        # A decision is a person's letter: if it cannot be delivered, the bounce must come back to us.
        automatic=kind != "decision",
        link=status_link(tx, complaint),
        received=day_in_words(complaint.received_at, zone, locale),
        decide_by=day_in_words(complaint.decide_due_at, zone, locale),
        statement=complaint.statement,
        decision=complaint.decision,
        reason=reason or complaint.extended_for,
        outcome=letters.outcome_in_words(complaint.outcome, locale) if complaint.outcome else "",
    )
    return True


def mail_status_link(tx: Tx, number: str, contact: str) -> None:
    """Mail the status page's address to the complainant, if number and contact belong together. Tells nobody whether they do."""
    digits = "".join(character for character in number if character in "0123456789")
    ticket = tx.session.scalar(select(Ticket).where(Ticket.number == int(digits))) if 0 < len(digits) <= 12 else None
    complaint = tx.session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id)) if ticket else None
    if ticket is not None and complaint is not None and _knows(tx, ticket, contact):
        write_letter(tx, complaint, ticket, "status_link")


def address_for(tx: Tx, ticket: Ticket) -> str:
    """Where letters about this ticket go: the address its writer gave, else the customer's first; empty if there is none."""
    given = tx.session.scalar(
        select(Message.from_address)
        .where(
            Message.ticket_id == ticket.id,
            Message.direction == IN,
            Message.held.is_(False),
            Message.customer_id == ticket.customer_id,
            Message.from_address.contains("@"),
        )
        .order_by(Message.id)
        .limit(1)
    )
    return given or customers.address_of(tx, tx.session.get_one(Customer, ticket.customer_id), "email")


def status_link(tx: Tx, complaint: Complaint) -> str:
    """The address at which the complainant follows the case."""
    return f"{tx.settings.base_url}/track/{complaint.access_key}"


def _knows(tx: Tx, ticket: Ticket, contact: str) -> bool:
    kind = "email" if "@" in contact else "phone"
    try:
        value = customers.normal(kind, contact)
    except Invalid:
        return False
    own = select(ContactPoint.id).where(
        ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == kind, ContactPoint.value == value
    )
    return value == address_for(tx, ticket) or tx.session.scalar(own) is not None
