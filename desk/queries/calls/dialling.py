"""What a typed number is, who has it, and which matter the call may belong to."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberFormat, geocoder
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, access_customer, access_ticket, masked, visible_tickets
from desk.errors import NotFound
from desk.models import ContactPoint, Customer, Ticket
from desk.models.ticket import LIVE

HOME = "CN"  # where a number without its country is taken to be, as the intake does
MOST_TICKETS = 6


@dataclass(frozen=True)
class Dialling:
    """`number` is E.164, or empty when what was typed is none (yet). `contact_id` stands for a number the viewer may not read.

    `shown` is the number as people write it, masked where rights ask; `where` its place or country; `tickets` the open matters
    of whoever has it, `ticket` the one that was asked for.
    """

    typed: str
    number: str
    shown: str
    where: str
    contact_id: int | None
    customer: Customer | None
    tickets: list[Ticket]
    ticket: Ticket | None

    @property
    def is_ready(self) -> bool:
        return bool(self.number or self.contact_id)


def dialling(
    session: Session, viewer: Viewer, *, number: str = "", contact_id: int | None = None, ticket_number: int | None = None
) -> Dialling:
    """What the dialler shows. Raises `NotFound` for a contact or ticket that the viewer has nothing to do with."""
    ticket = access_ticket(session, viewer, ticket_number) if ticket_number is not None else None
    if contact_id is not None:
        return _by_contact(session, viewer, contact_id, ticket)
    parsed = parse(number)
    if parsed is None:
        return Dialling(number[:40], "", "", "", None, None, [], ticket)
    value = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    holder = select(Customer).join(ContactPoint, ContactPoint.customer_id == Customer.id)
    customer = _known(session, viewer, session.scalar(holder.where(ContactPoint.kind == "phone", ContactPoint.value == value)))
    shown = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)
    return Dialling(
        number[:40], value, shown, _place(parsed, viewer.locale), None, customer, _open(session, viewer, customer), ticket
    )


def parse(typed: str) -> phonenumbers.PhoneNumber | None:
    """The number as it can be dialled, or None. Without its country it is one of ours; "00" is as good as "+"."""
    text = typed.strip()[:40]
    try:
        number = phonenumbers.parse("+" + text[2:] if text.startswith("00") else text, HOME)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def _by_contact(session: Session, viewer: Viewer, contact_id: int, ticket: Ticket | None) -> Dialling:
    point = session.get(ContactPoint, contact_id)
    if point is None or point.kind != "phone":
        raise NotFound("There is no such contact.")
    if ticket is not None and ticket.customer_id == point.customer_id:
        customer = session.get_one(Customer, point.customer_id)
    else:
        viewer.require(Right.READ_CUSTOMERS)
        customer = access_customer(session, viewer, point.customer_id)
    parsed = parse(point.value)
    shown = phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL) if parsed else point.value
    where = _place(parsed, viewer.locale) if parsed else ""
    if viewer.masked:
        shown = masked(point.value, "phone")
    return Dialling("", "", shown, where, point.id, customer, _open(session, viewer, customer), ticket)


def _known(session: Session, viewer: Viewer, customer: Customer | None) -> Customer | None:
    """The customer, for somebody who has to do with them; a number tells nobody else whose it is."""
    if customer is None or not viewer.can(Right.READ_CUSTOMERS):
        return None
    try:
        return access_customer(session, viewer, customer.id)
    except NotFound:
        return None


def _open(session: Session, viewer: Viewer, customer: Customer | None) -> list[Ticket]:
    if customer is None:
        return []
    mine = (Ticket.customer_id == customer.id, Ticket.status.in_(LIVE), visible_tickets(viewer))
    return list(session.scalars(select(Ticket).where(*mine).order_by(Ticket.id.desc()).limit(MOST_TICKETS)))


def _place(number: phonenumbers.PhoneNumber, locale: str) -> str:
    """The letters of the country, and the town where the number says one."""
    region = phonenumbers.region_code_for_number(number) or ""
    town = geocoder.description_for_valid_number(number, locale)
    return " · ".join(dict.fromkeys(part for part in (region, town) if part))
