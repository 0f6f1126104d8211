"""Whom an answer by mail goes to when nobody chooses: everybody of the conversation, never ourselves, nobody twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.addresses import is_address
from desk.config import Settings
from desk.models import ContactPoint, MailAccount, MailAddress, Message, Ticket, TicketParticipant
from desk.models.mail_in import REMOVED
from desk.models.message import IN


@dataclass(frozen=True)
class Recipients:
    """`sender` and `wanted` are set when the last mail asks for answers to another address than it came from."""

    to: list[str]
    cc: list[str]
    sender: str = ""
    wanted: str = ""


@dataclass(frozen=True)
class OurOwn:
    """The addresses at which the desk itself gets mail; colleagues at our domain have names of their own."""

    addresses: frozenset[str]
    domain: str

    def __contains__(self, address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        bare = f"{local.partition('+')[0]}@{domain}"
        return address.lower() in self.addresses or bare in self.addresses or (domain == self.domain and "+" in local)


def our_own(session: Session, settings: Settings) -> OurOwn:
    """What is ours by name, and every reply or bounce address below it."""
    named = session.scalars(select(MailAddress.address).union(select(MailAccount.address)))
    return OurOwn(frozenset({settings.mail_from.lower(), *(each.lower() for each in named if each)}), settings.mail_domain)


def recipients(session: Session, settings: Settings, ticket: Ticket) -> Recipients:
    """To: where the last mail wants its answer, else whom it came from, else the customer. Copies: everybody else who takes part.

    Held mails do not count, and who was blind-copied stands nowhere.
    """
    known = select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == "email")
    customers = list(session.scalars(known.order_by(ContactPoint.verified.desc(), ContactPoint.id)))
    last = session.scalar(
        select(Message)
        .where(
            Message.ticket_id == ticket.id,
            Message.channel == "email",
            Message.direction == IN,
            Message.kind == "message",
            Message.held.is_(False),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    people = session.execute(
        select(TicketParticipant.address, TicketParticipant.how)
        .where(TicketParticipant.ticket_id == ticket.id)
        .order_by(TicketParticipant.id)
    ).all()
    ours, gone = our_own(session, settings), {address for address, how in people if how == REMOVED}
    sender = last.from_address.lower() if last is not None else ""
    wanted = _kept(last.meta.get("reply_to", ()), ours) if last is not None else []
    to = wanted or _kept([sender], ours) or _kept(customers[:1], ours)
    others = [address for address, how in people if how != REMOVED]
    if last is not None:
        others = [*last.to, *last.cc, *others]
        if last.customer_id != ticket.customer_id:
            others = [*customers[:1], *others]  # whose matter it is hears of it, whoever wrote last
    cc = [each for each in _kept(others, ours) if each not in to and each not in gone and each != sender]
    return Recipients(to, cc, *((sender, ", ".join(wanted)) if wanted and wanted != [sender] else ()))


def participants(session: Session, ticket: Ticket) -> Sequence[TicketParticipant]:
    """Who takes part beside the customer, in the order in which they came."""
    query = select(TicketParticipant).where(TicketParticipant.ticket_id == ticket.id, TicketParticipant.how != REMOVED)
    return session.scalars(query.order_by(TicketParticipant.id)).all()


def _kept(addresses: Iterable[str], ours: OurOwn) -> list[str]:
    found = dict.fromkeys(each.strip().lower() for each in addresses)
    return [each for each in found if is_address(each) and each not in ours]
