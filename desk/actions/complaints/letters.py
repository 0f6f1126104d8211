"""The letters of a complaint: where they go, and the link they carry."""

from __future__ import annotations

import re
from datetime import datetime
from hmac import compare_digest
from unicodedata import normalize

from sqlalchemy import select

from desk.actions.mail import letters
from desk.actions.mail.paper_letters import write_on_paper
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.days import day_in_words
from desk.errors import Invalid
from desk.letter_texts import OUTCOMES
from desk.models import Agent, Complaint, ContactPoint, Customer, Message, Ticket
from desk.models.complaint import case_number, number_in
from desk.models.complaint_policy import Rules
from desk.models.message import IN, OUT
from desk.models.representative import ACCEPTED, ENDED, PERSON, REFUSED, SPEAKER
from desk.queries.complaints.complaints import zone_of
from desk.queries.complaints.policies import running_clocks
from desk.queries.complaints.representatives import is_withheld, latest_representative
from desk.store import Tx

ON_RECORD = ("acknowledgement", "decision", "extension", "holding", "not_reached", "notice", "paused", "retyped", "summary")
HARMLESS = ("acknowledgement", "status_link")
OTHER_RIGHTS = {
    "en": "Any further right that you have, for example to an ombudsman, stays yours.",
    "zh": "您依法享有的其他权利（例如向监管部门或调解机构反映）不受影响。",
}


def write_letter(
    tx: Tx, complaint: Complaint, ticket: Ticket, kind: str, *, reason: str = "", until: datetime | None = None
) -> bool:
    """Send one of the complaint letters, to each who is to have it; False when none goes by mail.

    For whom only a postal address is known it goes on the list of letters to print and post.
    `reason` is that of more time unless given. `until` is another day than that of the promise, by which they hear from us.
    """
    addresses = addresses_for(tx, complaint, ticket, harmless=kind in HARMLESS)
    zone, locale = zone_of(tx.session, ticket, complaint), ticket.locale
    values: dict[str, str | int] = {
        "number": case_number(ticket.number or 0, complaint.reopened),
        "link": status_link(tx, complaint),
        "received": day_in_words(complaint.received_at, zone, locale),
        "decide_by": day_in_words(until or complaint.decide_due_at, zone, locale),
        "rights": "\n".join(rights_of(tx, complaint, locale)) or OTHER_RIGHTS["zh" if locale == "zh" else "en"],
        "statement": complaint.statement,
        "decision": complaint.decision,
        "reason": reason or complaint.extended_for,
        "outcome": letters.outcome_in_words(complaint.outcome, locale) if complaint.outcome in OUTCOMES else "",
    }
    for address in addresses:
        on_record = kind in ON_RECORD and address == addresses[0]
        # A decision is a person's letter: if it cannot be delivered, the bounce must come back to us.
        letters.send_letter(tx, ticket, address, kind, on_record=on_record, automatic=kind != "decision", **values)
    withheld = complaint.anonymous or (kind not in HARMLESS and is_withheld(tx.session, complaint.id))
    if not addresses and kind in ON_RECORD and way_to(tx, ticket) == "post" and not withheld:
        write_on_paper(tx, ticket, postal_address(tx, ticket), kind, **values)
    return bool(addresses)


def way_to(tx: Tx, ticket: Ticket) -> str:
    """How the customer hears from us: by mail, by post, or else only by voice."""
    if address_for(tx, ticket):
        return "mail"
    return "post" if postal_address(tx, ticket) else "voice"


def postal_address(tx: Tx, ticket: Ticket) -> str:
    """The customer's name and address in one line, if they have ever given it."""
    return customers.address_of(tx, tx.session.get_one(Customer, ticket.customer_id), "post")


def tell_customer(tx: Tx, complaint: Complaint, ticket: Ticket, agent: Agent | None, text: str) -> None:
    """In an agent's own words: by mail if we know an address, on the status page to whom nobody knows."""
    if complaint.anonymous:
        _say_on_page(tx, ticket, agent, text.strip())
    elif address_for(tx, ticket):
        tickets.reply(tx, ticket, agent, text.strip(), channel="email")


def _say_on_page(tx: Tx, ticket: Ticket, agent: Agent | None, text: str) -> None:
    said = Message(
        channel="form",
        direction=OUT,
        customer_id=ticket.customer_id,
        agent_id=agent.id if agent else None,
        author_name=agent.name if agent else "",
        text=text,
        reply_text=text,
    )
    tickets.add_message(tx, ticket, said)


def addresses_for(tx: Tx, complaint: Complaint, ticket: Ticket, *, harmless: bool = False) -> list[str]:
    """To whom letters of this case go: the complainant, and who speaks for them once their proof is accepted.

    A `harmless` letter says nothing that whoever wrote to us has not written; it goes to them without a proof, too.
    """
    if complaint.anonymous:
        return []
    usual, found = address_for(tx, ticket), latest_representative(tx.session, complaint.id)
    if found is None or (not found.wrote and found.state in (REFUSED, ENDED)):
        return [usual] if usual else []
    speaker, person = (usual, found.email) if found.wrote else (found.email, usual)
    heard = found.state == ACCEPTED or (found.wrote and harmless)
    to = [*([person] if found.letters != SPEAKER or not heard else []), *([speaker] if heard and found.letters != PERSON else [])]
    return list(dict.fromkeys(each for each in to if each))


def by_code(tx: Tx, number: str, code: str) -> Complaint | None:
    """The complaint without a name that has this number and code, however the code was typed."""
    complaint, key = _by_number(tx, number), re.sub(r"[\s-]", "", normalize("NFKC", code)).upper()
    return complaint if complaint is not None and complaint.anonymous and compare_digest(complaint.access_key, key) else None


def rights_of(tx: Tx, complaint: Complaint, locale: str) -> list[str]:
    """What each policy of the case says about going further, once."""
    told = [Rules.of(policy.rules).rights for _clock, policy in running_clocks(tx.session, complaint.id)]
    return list(dict.fromkeys(rights["zh" if locale == "zh" else "en"] for rights in told if rights))


def mail_status_link(tx: Tx, number: str, contact: str) -> None:
    """Mail the status page's address to the complainant, if number and contact belong together. Tells nobody whether they do."""
    complaint = _by_number(tx, number)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id) if complaint is not None else None
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


def _by_number(tx: Tx, written: str) -> Complaint | None:
    number = number_in(written)
    query = select(Complaint).join(Ticket, Ticket.id == Complaint.ticket_id).where(Ticket.number == number)
    return tx.session.scalar(query) if number is not None else None


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
