"""What a customer sees of their own tickets: what they have said and what was said to them, never a word between colleagues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Attachment, Complaint, ContactPoint, Customer, Message, Ticket
from desk.models.message import OUT
from desk.models.ticket import MERGED, SPAM

MOST_TICKETS = 100
MOST_MESSAGES = 300


@dataclass(frozen=True)
class OwnTicket:
    """One line of the list; `complaint` is the key of the status page where the ticket is a complaint."""

    number: int
    subject: str
    status: str
    updated_at: datetime
    complaint: str


@dataclass(frozen=True)
class Said:
    """One message as its customer sees it."""

    id: int
    ours: bool
    at: datetime
    text: str
    files: list[Attachment]


def customer_with(session: Session, email: str) -> Customer:
    """Whose address this is; raises `NotFound` when it is nobody's any more."""
    point = select(ContactPoint).where(ContactPoint.kind == "email", ContactPoint.value == email)
    found = session.scalar(point)
    if found is None:
        raise NotFound("We do not know this address any more.")
    return session.get_one(Customer, found.customer_id)


def own_tickets(session: Session, customer: Customer) -> list[OwnTicket]:
    """The newest first."""
    query = select(Ticket, Complaint.access_key).outerjoin(Complaint, Complaint.ticket_id == Ticket.id)
    query = query.where(Ticket.customer_id == customer.id, Ticket.status.not_in((MERGED, SPAM)))
    return [
        OwnTicket(ticket.number or 0, ticket.subject, ticket.status, ticket.updated_at, key or "")
        for ticket, key in session.execute(query.order_by(Ticket.id.desc()).limit(MOST_TICKETS))
    ]


def own_ticket(session: Session, customer: Customer, number: int) -> Ticket:
    """One of this customer's tickets; raises `NotFound` for anybody else's, and for complaints: they have a page of their own."""
    ticket = session.scalar(select(Ticket).where(Ticket.number == number, Ticket.customer_id == customer.id))
    if ticket is None or ticket.status in (MERGED, SPAM):
        raise NotFound("There is no such request of yours.")
    if session.scalar(select(Complaint.id).where(Complaint.ticket_id == ticket.id)) is not None:
        raise NotFound("There is no such request of yours.")
    return ticket


def said_on(session: Session, customer: Customer, ticket: Ticket) -> list[Said]:
    """The conversation, oldest first. An answer that went only to others who take part is theirs alone."""
    own = set(session.scalars(select(ContactPoint.value).where(ContactPoint.customer_id == customer.id)))
    newest = (
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.kind == "message", Message.held.is_(False))
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
    )
    messages = [each for each in reversed(session.scalars(newest).all()) if _is_theirs(each, customer, own)]
    files: dict[int, list[Attachment]] = {}
    ids = [message.id for message in messages]
    for file in session.scalars(select(Attachment).where(Attachment.message_id.in_(ids)).order_by(Attachment.id)) if ids else ():
        files.setdefault(file.message_id or 0, []).append(file)
    return [
        Said(each.id, each.direction == OUT, each.created_at, each.reply_text or each.text, files.get(each.id, []))
        for each in messages
    ]


def own_file(session: Session, customer: Customer, ticket: Ticket, attachment_id: int) -> Attachment:
    """A file of the conversation; raises `NotFound` for every other."""
    for said in said_on(session, customer, ticket):
        for file in said.files:
            if file.id == attachment_id:
                return file
    raise NotFound("There is no such file.")


def _is_theirs(message: Message, customer: Customer, own: set[str]) -> bool:
    if message.direction != OUT:
        return message.customer_id == customer.id
    return message.channel != "email" or not own.isdisjoint((*message.to, *message.cc))
