"""Telling who opened a ticket by mail that it arrived, without ever talking to a machine or too often (RFC 3834)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from desk.actions.mail import silences
from desk.actions.mail.letters import send_letter
from desk.actions.mail.threads import disowned
from desk.models import Message, OutboxMail, OutboxRecipient, Ticket
from desk.models.message import IN
from desk.models.ticket import SPAM
from desk.store import Tx

MOST_AN_HOUR = 3
BREAKER_MAILS, BREAKER_S = 500, 600  # so many automatic mails in so short a time are a loop that we have not understood


def acknowledge(tx: Tx, ticket: Ticket, message: Message) -> bool:
    """Send “we have your message” for the mail that opened a ticket, if that is wanted and does no harm; whether it was sent."""
    if not tx.settings.mail_acknowledge or ticket.status == SPAM or not _from_a_person(message) or _told_before(tx, ticket):
        return False
    address = message.from_address
    if not may_write_to(tx, address):
        return False
    send_letter(tx, ticket, address, "received", in_reply_to=message.mail_message_id or "", subject=ticket.subject)
    return True


def may_write_to(tx: Tx, address: str) -> bool:
    """Whether nothing speaks against one more automatic mail to this address, or to anybody, just now."""
    return silences.current(tx, address) is None and _sent_lately(tx, address) < MOST_AN_HOUR and not _too_much(tx)


def _from_a_person(message: Message) -> bool:
    ours = message.channel == "email" and message.direction == IN and message.kind == "message" and not message.held
    return ours and message.meta.get("verdict") == "person" and not disowned(message)


def _told_before(tx: Tx, ticket: Ticket) -> bool:
    query = select(OutboxMail.id).where(OutboxMail.ticket_id == ticket.id, OutboxMail.automatic)
    return tx.session.scalar(query.limit(1)) is not None


def _sent_lately(tx: Tx, address: str) -> int:
    query = (
        select(func.count())
        .select_from(OutboxRecipient)
        .join(OutboxMail, OutboxMail.id == OutboxRecipient.mail_id)
        .where(OutboxRecipient.address == address, OutboxRecipient.changed_at > tx.now - timedelta(hours=1), OutboxMail.automatic)
    )
    return tx.session.scalar(query) or 0


def _too_much(tx: Tx) -> bool:
    lately = OutboxMail.sent_at > tx.now - timedelta(seconds=BREAKER_S)
    query = select(func.count()).select_from(OutboxMail).where(OutboxMail.automatic, lately)
    return (tx.session.scalar(query) or 0) >= BREAKER_MAILS
