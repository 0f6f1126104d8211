"""From rows to the bytes of a mail: who gets it, in whose name, in which language, with which history below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.email.address import sign_address, sign_bounce
from channels.email.compose import compose
from channels.email.layout import Quoted, html, plain
from channels.message import Contact, File, Outbound
from desk.config import Settings
from desk.installation import Installation
from desk.models import Agent, Attachment, Message, OutboxMail, OutboxRecipient, Setting, Ticket
from desk.models.mail import QUEUED
from desk.models.message import IN

WROTE = {"en": "On %(day)s, %(who)s wrote:", "zh": "在 %(day)s，%(who)s 写道："}
SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp"}
LARGEST_SHOWN = 3_000_000  # bytes; a larger picture is rather kept than looked at
DAY = {"en": "%-d %B %Y, %H:%M", "zh": "%Y年%-m月%-d日 %H:%M"}


@dataclass(frozen=True)
class Ready:
    """A mail as the relay is to get it. `recipients` are those who do not have it yet."""

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes


def build(desk: Installation, mail_id: int) -> Ready:
    """Read the rows in one go, then compose outside of any transaction. The same rows make the same mail."""
    settings = desk.settings
    with desk.store.read() as reading:
        mail = reading.get_one(OutboxMail, mail_id)
        waiting = select(OutboxRecipient.address).where(OutboxRecipient.mail_id == mail_id, OutboxRecipient.state == QUEUED)
        recipients = tuple(reading.scalars(waiting.order_by(OutboxRecipient.id)))
        message = reading.get(Message, mail.message_id) if mail.message_id else None
        ticket = reading.get(Ticket, mail.ticket_id) if mail.ticket_id else None
        locale = (ticket.locale if ticket else "") or settings.locale
        company = _company(reading, locale)
        signature = _signature(reading, message, company)
        quoted = _quoted(reading, settings, message, locale)
        attachments = reading.scalars(select(Attachment).where(Attachment.message_id == message.id)).all() if message else ()
    outbound = _outbound(mail, message, [_file(desk, each) for each in attachments], _reply_to(desk, mail, ticket))
    text, footer = outbound.text, "" if signature else company
    outbound = replace(
        outbound,
        text=plain(text, signature=signature, quoted=quoted),
        html=html(text, locale=locale, signature=signature, footer=footer, quoted=quoted, pictures=_pictures(outbound)),
    )
    raw = compose(
        outbound, from_address=settings.mail_from, from_name=company, domain=settings.mail_domain, date=desk.clock.now()
    )  # fmt: skip
    # An automatic mail has no return path: a bounce of it must not come back to be answered (RFC 3834).
    envelope_from = "" if mail.automatic else sign_bounce(settings.mail_domain, mail.id, desk.secret)
    return Ready(envelope_from, recipients, raw)


def _outbound(mail: OutboxMail, message: Message | None, files: Sequence[File], reply_to: str) -> Outbound:
    payload = mail.payload
    own = dict(payload) if message is None else {}
    return Outbound(
        channel="email",
        recipients=_contacts(message.to if message else own["to"]),
        cc=_contacts(message.cc if message else own.get("cc", [])),
        subject=message.subject if message else own["subject"],
        text=message.text if message else own["text"],
        files=tuple(files),
        message_id=payload.get("message_id") or (message.mail_message_id if message else None) or "",
        in_reply_to=message.in_reply_to if message else own.get("in_reply_to", ""),
        references=tuple(message.references if message else own.get("references", ())),
        reply_to=reply_to,
        automatic=mail.automatic,
        headers=tuple((name, value) for name, value in payload.get("headers", ())),
    )


def _contacts(addresses: Sequence[str]) -> tuple[Contact, ...]:
    return tuple(Contact("email", address) for address in addresses)


def _file(desk: Installation, attachment: Attachment) -> File:
    """A picture is shown in the mail's HTML, in a part that the HTML names; any other file hangs on."""
    shown = attachment.content_type in SHOWN and attachment.size <= LARGEST_SHOWN
    content_id = f"{attachment.sha256[:20]}.{attachment.id}@{desk.settings.mail_domain}" if shown else ""
    data = desk.files.get(attachment.sha256)
    return File(attachment.name, attachment.content_type, data, content_id=content_id, inline=shown)


def _pictures(outbound: Outbound) -> list[tuple[str, str]]:
    return [(file.content_id, file.name) for file in outbound.files if file.inline and file.content_id]


def _reply_to(desk: Installation, mail: OutboxMail, ticket: Ticket | None) -> str:
    number = mail.payload.get("ticket_number") or (ticket.number if ticket else None)
    return sign_address(desk.settings.mail_from, number, desk.secret) if number else desk.settings.mail_from


def _company(session: Session, locale: str) -> str:
    setting = session.get(Setting, "company")
    names = setting.value if setting else {}
    return names.get(locale) or names.get("en", "")


def _signature(session: Session, message: Message | None, company: str) -> str:
    """The writer's own, else their name and the company's; letters that the desk writes by itself have none."""
    agent = session.get(Agent, message.agent_id) if message is not None and message.agent_id else None
    if agent is None:
        return ""
    return agent.signature.strip() or "\n".join(each for each in (agent.name, company) if each)


def _quoted(session: Session, settings: Settings, message: Message | None, locale: str) -> Quoted | None:
    """What the customer wrote in the mail that this one answers: only their new words, since older ones may hold secret links."""
    if message is None or not message.in_reply_to or message.agent_id is None:
        return None
    query = select(Message).where(
        Message.mail_message_id == message.in_reply_to,
        Message.ticket_id == message.ticket_id,
        Message.direction == IN,
        Message.held.is_(False),
    )
    answered = session.scalar(query.limit(1))
    if answered is None or not (answered.reply_text or answered.text).strip():
        return None
    language = "zh" if locale == "zh" else "en"
    day = answered.created_at.astimezone(ZoneInfo(settings.timezone)).strftime(DAY[language])
    intro = WROTE[language] % {"day": day, "who": answered.author_name or answered.from_address}
    return Quoted(intro, answered.reply_text or answered.text)
