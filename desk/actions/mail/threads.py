"""Which ticket a mail is about, how that is known, and who takes part in it. Never by likeness of subjects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.actions.people import customers
from desk.actions.tickets.survivors import survivor
from desk.errors import Invalid
from desk.models import ContactPoint, Customer, Message, Ticket, TicketParticipant
from desk.models.mail_in import REMOVED
from desk.models.message import IN, OUT
from desk.models.ticket import CLOSED, FIRST_NUMBER, LIVE, SOLVED
from desk.queries.mail.recipients import our_own
from desk.store import Tx

REOPEN_DAYS = 30
MOST_REFERENCES = 50  # of a mail, that are looked at
MOST_PARTICIPANTS = 50  # of a ticket
BY_AGENT = ("let_in", "added")
_SUBJECT_NUMBER = re.compile(r"\[#(\d{5,12})(?:-R\d{1,3})?\]")  # a complaint that was opened again has a suffix


@dataclass(frozen=True)
class Thread:
    """The ticket that a mail joins and why, or `new`. `earlier` is what it would have joined, had it not been closed for long.

    `meant` is the ticket that the mail names, where that was merged into the one it joins.
    """

    ticket: Ticket | None
    how: str
    earlier: Ticket | None = None
    meant: Ticket | None = None


def find_thread(tx: Tx, inbound: Inbound, number: int | None) -> Thread:
    """In this order: signed reply address; In-Reply-To, then References from the last; number in the subject, from a participant.

    `number` is what a signed reply address said. A ticket closed for more than `REOPEN_DAYS` is not joined, but named.
    """
    earlier = None
    for how, named in _candidates(tx, inbound, number):
        ticket = survivor(tx, named)
        if _joinable(tx, ticket):
            return Thread(ticket, how, meant=named if named.id != ticket.id else None)
        if earlier is None and ticket.status == CLOSED:
            earlier = ticket
    return Thread(None, "closed_before" if earlier is not None else "new", earlier)


def is_participant(tx: Tx, ticket: Ticket, address: str) -> bool:
    """Whether the address is the customer's, is noted as taking part, has been let in before, or was written to by us.

    Whom an agent removed no longer takes part, whatever was before.
    """
    own = select(ContactPoint.id).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.value == address)
    if tx.session.scalar(own.limit(1)) is not None:
        return True
    noted = select(TicketParticipant.how).where(TicketParticipant.ticket_id == ticket.id, TicketParticipant.address == address)
    how = tx.session.scalar(noted)
    if how is not None:
        return how != REMOVED
    wrote = select(Message.id).where(
        Message.ticket_id == ticket.id, Message.from_address == address, Message.direction == IN, Message.held.is_(False)
    )
    if tx.session.scalar(wrote.limit(1)) is not None:
        return True
    ours = (
        select(Message.to, Message.cc)
        .where(Message.ticket_id == ticket.id, Message.direction == OUT, Message.channel == "email")
        .order_by(Message.id.desc())
        .limit(200)
    )
    return any(address in (*to, *cc) for to, cc in tx.session.execute(ours))


def takes_part(tx: Tx, ticket: Ticket, customer: Customer, inbound: Inbound) -> bool:
    """Whether what this customer writes joins the ticket without anybody's leave; a sender who may be anybody never does."""
    if disowned(inbound):
        return False
    if customer.id == ticket.customer_id:
        return True
    return inbound.sender.kind == "email" and is_participant(tx, ticket, inbound.sender.value)


def disowned(inbound: Inbound | Message) -> bool:
    """Whether the domain that a mail names as its sender's does not stand behind it."""
    return inbound.meta.get("authentication", {}).get("standing") == "failed"


def note_participants(tx: Tx, ticket: Ticket, people: Iterable[Contact], how: str) -> None:
    """Keep who takes part beside the customer; our own addresses and the customer's are left out.

    Whom an agent removed comes back only by an agent's doing, not because somebody copies them in again.
    """
    people = list(people)
    ours = our_own(tx.session, tx.settings) if people else ()
    people = [person for person in people if person.value not in ours]
    if not people:
        return
    customers_own = select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == "email")
    skip = set(tx.session.scalars(customers_own))
    known = select(TicketParticipant).where(TicketParticipant.ticket_id == ticket.id)
    there = {row.address: row for row in tx.session.scalars(known)}
    for person in people:
        try:
            address = customers.normal("email", person.value)
        except Invalid:
            continue
        before = there.get(address)
        if before is not None and before.how == REMOVED and how in BY_AGENT:
            before.how = how
        if before is not None or address in skip or len(there) >= MOST_PARTICIPANTS:
            continue
        there[address] = TicketParticipant(
            ticket_id=ticket.id, address=address, name=person.name[:200], how=how, created_at=tx.now
        )  # fmt: skip
        tx.session.add(there[address])


def remove_participant(tx: Tx, ticket: Ticket, participant: TicketParticipant) -> None:
    """They get no more copies, and what they write waits to be let in again."""
    if participant.how == REMOVED:
        return
    tx.emit("ticket.participant_removed", ticket=ticket, data={"address": participant.address, "old": participant.how})
    participant.how = REMOVED


def _candidates(tx: Tx, inbound: Inbound, number: int | None) -> Iterable[tuple[str, Ticket]]:
    if number is not None:
        ticket = _by_number(tx, number)
        if ticket is not None:
            yield "reply_address", ticket
    ids = [("in_reply_to", inbound.in_reply_to), *(("references", each) for each in reversed(inbound.references))]
    ids = [(how, each) for how, each in ids if each][:MOST_REFERENCES]
    found = _by_message_ids(tx, [each for _, each in ids]) if ids else {}
    yield from ((how, found[each]) for how, each in ids if each in found)
    for digits in _SUBJECT_NUMBER.findall(inbound.subject)[:5]:
        ticket = _by_number(tx, int(digits))
        if ticket is not None and is_participant(tx, survivor(tx, ticket), inbound.sender.value):
            yield "subject_number", ticket


def _by_number(tx: Tx, number: int) -> Ticket | None:
    return tx.session.scalar(select(Ticket).where(Ticket.number == number)) if number > FIRST_NUMBER else None


def _by_message_ids(tx: Tx, message_ids: list[str]) -> dict[str, Ticket]:
    """The ticket of each Message-ID that we know; where several messages carry one, the first of them counts."""
    query = select(Message.mail_message_id, Ticket).join(Ticket, Ticket.id == Message.ticket_id)
    found: dict[str, Ticket] = {}
    for message_id, ticket in tx.session.execute(query.where(Message.mail_message_id.in_(message_ids)).order_by(Message.id)):
        found.setdefault(message_id or "", ticket)
    return found


def _joinable(tx: Tx, ticket: Ticket) -> bool:
    if ticket.status in (*LIVE, SOLVED):
        return True
    return ticket.status == CLOSED and ticket.closed_at is not None and ticket.closed_at > tx.now - timedelta(days=REOPEN_DAYS)
