"""What makes a mail part of its thread: recipients, subject, Message-ID, In-Reply-To and References."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from sqlalchemy import select

from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import Message, Ticket
from desk.models.message import IN
from desk.queries.mail.recipients import our_own, recipients
from desk.store import Tx

MOST_RECIPIENTS = 50
MOST_REFERENCES = 20


def address_mail(tx: Tx, ticket: Ticket, message: Message, to: Sequence[str], cc: Sequence[str]) -> None:
    """Fill in the head of an answer. Without `to` it goes where `recipients` says. Raises `Invalid` for who cannot get it."""
    last_in = tx.session.scalar(
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.channel == "email", Message.direction == IN, Message.held.is_(False))
        .order_by(Message.id.desc())
        .limit(1)
    )
    message.to = _checked(tx, to) or recipients(tx.session, tx.settings, ticket).to
    if not message.to:
        raise Invalid("We have no e-mail address of this customer. Add one, or answer another way.")
    message.cc = [each for each in _checked(tx, cc) if each not in message.to]
    if len(message.to) + len(message.cc) > MOST_RECIPIENTS:
        raise Invalid("A mail goes to at most %(count)s people.", count=MOST_RECIPIENTS)
    message.from_address = tx.settings.mail_from
    message.subject = _reply_subject(last_in.subject if last_in and last_in.subject else ticket.subject, ticket.number)
    message.mail_message_id = new_message_id(tx)
    if last_in is not None and last_in.mail_message_id:
        message.in_reply_to = last_in.mail_message_id
        message.references = [*last_in.references, last_in.mail_message_id][-MOST_REFERENCES:]


def new_message_id(tx: Tx) -> str:
    """A Message-ID of ours: unique, and nothing about us can be read from it."""
    return f"{secrets.token_hex(16)}@{tx.settings.mail_domain}"


def _checked(tx: Tx, addresses: Sequence[str]) -> list[str]:
    """In normal form, each once. Mail to ourselves would come back as a new mail of the customer's ticket."""
    found = list(dict.fromkeys(customers.normal("email", each) for each in addresses if each.strip()))
    ours = our_own(tx.session, tx.settings) if found else ()
    for each in found:
        if each in ours:
            raise Invalid("“%(value)s” is our own address; choose somebody else.", value=each)
    return found


def _reply_subject(subject: str, number: int | None) -> str:
    bare = re.sub(r"^\s*((re|aw|sv|回复|答复|回覆)\s*[:：]\s*)+", "", subject, flags=re.IGNORECASE)
    mark = f"[#{number}]"
    return f"Re: {bare}" if mark in bare else f"Re: {bare} {mark}"
