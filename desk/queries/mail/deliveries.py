"""What became of the mails that we sent: of each recipient on a message, and what an owner of tickets has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import Message, OutboxMail, OutboxRecipient, PictureTrust, Ticket
from desk.models.mail import FAILED, QUEUED, SENDING

MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Delivery:
    """One mail and its recipients. `next_at` is when those who wait are tried again."""

    mail: OutboxMail
    recipients: list[OutboxRecipient] = field(default_factory=list)

    @property
    def trouble(self) -> list[OutboxRecipient]:
        """Who did not get it, or not at once."""
        return [each for each in self.recipients if each.state == FAILED or (each.state == QUEUED and each.said)]

    @property
    def unsettled(self) -> bool:
        """Whether somebody has to do something."""
        return any(each.state == FAILED and each.settled_at is None for each in self.recipients)

    @property
    def next_at(self) -> datetime | None:
        return self.mail.next_at if any(each.state == QUEUED for each in self.recipients) else None


@dataclass(frozen=True)
class Undelivered:
    """A ticket, and how many recipients on it did not get what we sent."""

    number: int
    subject: str
    count: int


@dataclass(frozen=True)
class MailFigures:
    """How mail leaves. `oldest` is since when the oldest has waited; `reason` what the relay said to it."""

    waiting: int
    oldest: datetime | None
    reason: str
    failed_today: int
    last_sent: datetime | None


def deliveries(session: Session, messages: Sequence[Message]) -> dict[int, Delivery]:
    """The mail of each of these messages that went out by mail."""
    ours = [message.id for message in messages if message.delivery and message.channel == "email"]
    if not ours:
        return {}
    mails = {mail.id: Delivery(mail) for mail in session.scalars(select(OutboxMail).where(OutboxMail.message_id.in_(ours)))}
    query = select(OutboxRecipient).where(OutboxRecipient.mail_id.in_(mails)).order_by(OutboxRecipient.id)
    for recipient in session.scalars(query):
        mails[recipient.mail_id].recipients.append(recipient)
    return {each.mail.message_id or 0: each for each in mails.values()}


def mail_of(session: Session, message: Message) -> OutboxMail | None:
    """The mail that carries this message."""
    return session.scalar(select(OutboxMail).where(OutboxMail.message_id == message.id))


def trusted_senders(session: Session, agent_id: int | None, messages: Sequence[Message]) -> set[str]:
    """Of which senders of these messages this agent wants to see the pictures at once."""
    senders = {message.from_address.lower() for message in messages if message.html and message.from_address}
    if not senders or agent_id is None:
        return set()
    query = select(PictureTrust.address).where(PictureTrust.agent_id == agent_id, PictureTrust.address.in_(senders))
    return set(session.scalars(query))


def undelivered_of(session: Session, agent_id: int) -> list[Undelivered]:
    """On which tickets of this owner somebody did not get our mail and nobody has looked, the latest first."""
    query = (
        select(Ticket.number, Ticket.subject, func.count())
        .join(OutboxMail, OutboxMail.ticket_id == Ticket.id)
        .join(OutboxRecipient, OutboxRecipient.mail_id == OutboxMail.id)
        .where(OutboxRecipient.state == FAILED, OutboxRecipient.settled_at.is_(None), Ticket.owner_id == agent_id)
        .group_by(Ticket.id, Ticket.number, Ticket.subject)
        .order_by(Ticket.id.desc())
        .limit(MOST_PROBLEMS)
    )
    return [Undelivered(number or 0, subject, count) for number, subject, count in session.execute(query)]


def mail_figures(session: Session, today: datetime) -> MailFigures:
    """How it goes with the mail that leaves; `today` is the moment at which the day began."""
    waiting = OutboxMail.state.in_((QUEUED, SENDING))
    oldest = session.scalars(select(OutboxMail).where(waiting).order_by(OutboxMail.created_at).limit(1)).first()
    failed = select(func.count()).where(OutboxRecipient.state == FAILED, OutboxRecipient.changed_at >= today)
    return MailFigures(
        waiting=session.scalar(select(func.count()).select_from(OutboxMail).where(waiting)) or 0,
        oldest=oldest.created_at if oldest else None,
        reason=oldest.last_error if oldest else "",
        failed_today=session.scalar(failed) or 0,
        last_sent=session.scalar(select(func.max(OutboxMail.sent_at)).where(OutboxMail.sent_at.is_not(None))),
    )
