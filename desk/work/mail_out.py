"""The way out for mail: claim what is due, build it, hand it to the relay with no transaction open, record how it went."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import func, select

from channels.email.address import sign_address
from channels.email.compose import compose
from channels.email.parse import parse
from channels.email.sender import RecipientResult, Sender, SmtpSender
from channels.message import Contact, File, Outbound, SendFailed
from desk.actions.outbox import claim_due, record_failed, record_sent
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Attachment, MailboxMail, Message, OutboxMail, Setting, Ticket
from desk.models.mail import QUEUED
from desk.store import Store, StoreAway

log = logging.getLogger(__name__)


class MailOut:
    """Sends the outbox. One `turn` sends what is due and says when the next mail is."""

    def __init__(self, desk: Installation, sender: Sender) -> None:
        self._desk = desk
        self._sender = sender

    def turn(self) -> float | None:
        while True:
            with self._desk.store.tx(SYSTEM) as tx:
                claimed = [mail.id for mail in claim_due(tx, limit=1)]
            if not claimed:
                return self._until_next()
            self._send(claimed[0])

    def _until_next(self) -> float | None:
        with self._desk.store.read() as reading:
            next_at = reading.scalar(select(func.min(OutboxMail.next_at)).where(OutboxMail.state == QUEUED))
        return None if next_at is None else (next_at - self._desk.clock.now()).total_seconds()

    def _send(self, mail_id: int) -> None:
        settings = self._desk.settings
        try:
            outbound, raw = self._build(mail_id)
            addresses = [contact.value for contact in (*outbound.recipients, *outbound.cc)]
            # An automatic mail has no return path: a bounce of it must not come back to be answered (RFC 3834).
            results = self._sender.send("" if outbound.automatic else settings.mail_from, addresses, raw)
        except SendFailed as failure:
            with self._desk.store.tx(SYSTEM) as tx:
                record_failed(tx, mail_id, str(failure), retryable=failure.retryable)
        except StoreAway:
            raise
        except Exception as error:
            log.exception("mail %s could not be made ready; the others are sent", mail_id)
            with self._desk.store.tx(SYSTEM) as tx:
                record_failed(tx, mail_id, str(error), retryable=True)
        else:
            with self._desk.store.tx(SYSTEM) as tx:
                record_sent(tx, mail_id, {address: [result.code, result.text] for address, result in results.items()})

    def _build(self, mail_id: int) -> tuple[Outbound, bytes]:
        settings = self._desk.settings
        with self._desk.store.read() as reading:
            mail = reading.get_one(OutboxMail, mail_id)
            message = reading.get(Message, mail.message_id) if mail.message_id else None
            number = mail.payload.get("ticket_number") or reading.scalar(select(Ticket.number).where(Ticket.id == mail.ticket_id))
            attachments = reading.scalars(select(Attachment).where(Attachment.message_id == message.id)).all() if message else ()
            company = reading.get(Setting, "company")
            locale = reading.scalar(select(Ticket.locale).where(Ticket.id == mail.ticket_id)) or settings.locale
        files = tuple(File(each.name, each.content_type, self._desk.files.get(each.sha256)) for each in attachments)
        outbound = _outbound(mail.payload, message, files, _reply_to(settings, number, self._desk.secret))
        names = company.value if company else {}
        name = names.get(locale) or names.get("en", "")
        raw = compose(
            outbound, from_address=settings.mail_from, from_name=name, domain=settings.mail_domain, date=self._desk.clock.now()
        )
        return outbound, raw


def sender_for(settings: Settings, store: Store) -> Sender:
    """The relay of the settings; with none, the built-in mailbox."""
    if not settings.mail_relay:
        return MailboxSender(store)
    relay = urlsplit(settings.mail_relay)
    return SmtpSender(
        relay.hostname or "localhost",
        relay.port or 25,
        starttls=relay.scheme == "smtp+starttls",
        username=unquote(relay.username or ""),
        password=unquote(relay.password or ""),
    )


class MailboxSender:
    """With no relay set, mail goes into a table that the demo's mailbox page shows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, envelope_from: str, recipients: list[str], raw: bytes) -> dict[str, RecipientResult]:
        subject = parse(raw).subject
        with self._store.tx(SYSTEM) as tx:
            for recipient in recipients:
                tx.session.add(MailboxMail(at=tx.now, envelope_from=envelope_from, recipient=recipient, subject=subject, raw=raw))
            tx.emit("mailbox.filled", data={"recipients": len(recipients)})
        return {recipient: RecipientResult(250, "kept in the built-in mailbox") for recipient in recipients}


def _outbound(payload: dict[str, Any], message: Message | None, files: tuple[File, ...], reply_to: str) -> Outbound:
    if message is not None:
        return Outbound(
            channel="email",
            recipients=_contacts(message.to),
            cc=_contacts(message.cc),
            subject=message.subject,
            text=message.text,
            files=files,
            message_id=message.mail_message_id or "",
            in_reply_to=message.in_reply_to,
            references=tuple(message.references),
            reply_to=reply_to,
            automatic=bool(payload.get("automatic")),
        )
    return Outbound(
        channel="email",
        recipients=_contacts(payload["to"]),
        cc=_contacts(payload.get("cc", [])),
        subject=payload["subject"],
        text=payload["text"],
        message_id=payload.get("message_id", ""),
        in_reply_to=payload.get("in_reply_to", ""),
        references=tuple(payload.get("references", ())),
        reply_to=reply_to,
        automatic=bool(payload.get("automatic")),
    )


def _contacts(addresses: list[str]) -> tuple[Contact, ...]:
    return tuple(Contact("email", address) for address in addresses)


def _reply_to(settings: Settings, number: int | None, secret: bytes) -> str:
    return sign_address(settings.mail_from, number, secret) if number else settings.mail_from
