"""What a mail means for the desk, once it has been read and judged: a message, a note, a bounce, or a case for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from channels.email.parsed import BouncedRecipient
from channels.message import Inbound
from desk.actions import intake
from desk.actions.mail import outbox, silences
from desk.actions.mail.acknowledging import acknowledge
from desk.actions.mail.threads import MOST_REFERENCES, disowned, find_thread
from desk.actions.people import customers
from desk.actions.tickets import spam, tickets
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import Agent, Attachment, Calendar, Message, OutboxMail, RawMail, Ticket, WorkItem
from desk.models.mail import APPENDED, DUPLICATE, NOTED, OPENED, QUARANTINED
from desk.models.message import INTERNAL, OUT
from desk.queries.people.contact_limits import contact_persons
from desk.store import Tx

UNKNOWN_SENDER = "unknown@sender.invalid"
WRITTEN = ("person", "list", "too_large", "unreadable")  # verdicts that may open a ticket; all others join one or are noted
REPORTS = ("bounce", "delay")
FLOOD_MAILS, FLOOD_S = 20, 600


@dataclass(frozen=True)
class ReadMail:
    """A mail as delivered, as read, as judged. The raw bytes and the files are in the file store already.

    `ticket_number` and `bounced_mail_id` are what addresses said that we signed. `raw_mail_id` is its row in the ledger when it
    comes from the quarantine.
    """

    inbound: Inbound
    files: tuple[KeptFile, ...]
    raw: KeptFile
    envelope_from: str
    envelope_to: tuple[str, ...]
    received_at: datetime
    verdict: str
    reasons: tuple[str, ...]
    door: str = "smtp"
    mailbox: str = ""
    peer: str = ""
    bounced: tuple[BouncedRecipient, ...] = ()
    returned_message_id: str = ""
    ticket_number: int | None = None
    bounced_mail_id: int | None = None
    queue_key: str = ""
    raw_mail_id: int | None = None


@dataclass
class Before:
    """What the desk knew before a batch, asked for once: mails that came already, and which senders are colleagues."""

    firsts: dict[str, RawMail] = field(default_factory=dict)
    colleagues: dict[str, Agent] = field(default_factory=dict)


def take_in_all(tx: Tx, mails: Sequence[ReadMail]) -> None:
    """Receive a batch of mails, each once, with its row in the ledger. Those that plainly begin something go together."""
    identities = [mail.inbound.external_id for mail in mails]
    senders = {mail.inbound.sender.value for mail in mails}
    firsts = tx.session.scalars(select(RawMail).where(RawMail.identity.in_(identities), RawMail.duplicate_of_id.is_(None)))
    colleagues = tx.session.scalars(select(Agent).where(Agent.email.in_(senders), Agent.active))
    before = Before({row.identity: row for row in firsts}, {agent.email: agent for agent in colleagues})
    new = _plainly_new(tx, mails, before)
    _open_all(tx, new, before)
    together = {id(mail) for mail in new}  # not by value: a mail that came twice is equal to itself
    for mail in mails:
        if id(mail) not in together:
            _take_in(tx, mail, before)
    _watch_for_floods(tx, mails)


def keep_alone(tx: Tx, mail: ReadMail) -> RawMail:
    """The last resort for a mail that cannot even become a ticket: a row in the ledger, for people to look at."""
    ledger = _ledger(tx, mail)
    ledger.outcome = QUARANTINED
    tx.emit("mail.received", data={"verdict": ledger.verdict, "outcome": ledger.outcome})
    return ledger


def _plainly_new(tx: Tx, mails: Sequence[ReadMail], before: Before) -> list[ReadMail]:
    """Mails of people that name nothing we know: no ticket, no mail, no colleague. Each is the first of its ticket."""
    asked = {each for mail in mails for each in _named(mail)}
    known = set(tx.session.scalars(select(Message.mail_message_id).where(Message.mail_message_id.in_(asked)))) if asked else set()
    known |= {mail.inbound.message_id for mail in mails}
    junk = spam.junk_senders(tx, {mail.inbound.sender.value for mail in mails})
    seen = set(before.firsts)
    new = []
    for mail in mails:
        inbound, identity = mail.inbound, mail.inbound.external_id
        if (
            mail.verdict in ("person", "list")
            and mail.raw_mail_id is None
            and mail.ticket_number is None
            and identity not in seen
            and inbound.sender.value not in before.colleagues
            and inbound.sender.value not in junk
            and not known.intersection(_named(mail))
            and "[#" not in inbound.subject
            and not disowned(inbound)
        ):
            new.append(mail)
        seen.add(identity)
    return new


def _named(mail: ReadMail) -> list[str]:
    inbound = mail.inbound
    return [each for each in (inbound.in_reply_to, *inbound.references[-MOST_REFERENCES:]) if each]


def _open_all(tx: Tx, mails: Sequence[ReadMail], before: Before) -> None:
    """A ticket for each, in as many statements as there are tables."""
    if not mails:
        return
    ready = [_with_sender(mail) for mail in mails]
    locales = [intake.locale_of(mail.inbound) for mail in ready]
    people = [(mail.inbound.sender.value, mail.inbound.sender.name, locale) for mail, locale in zip(ready, locales, strict=True)]
    customer_of = customers.identify_all(tx, people)
    queues = {key: intake.find_queue(tx, key) for key in {mail.queue_key for mail in ready}}
    hours = list(tx.session.scalars(select(Calendar)))  # held on to, so that each is read once
    counts = {Ticket: len(ready), Message: len(ready), Attachment: sum(len(mail.files) for mail in ready)}
    opened = []
    only = contact_persons(tx.session, [each.id for each in customer_of.values()], tx.now)
    with tx.ahead({**counts, WorkItem: len(ready), RawMail: len(ready)}):
        for mail, locale in zip(ready, locales, strict=True):
            row = before.firsts[mail.inbound.external_id] = _ledger(tx, mail)
            customer, queue = customer_of[mail.inbound.sender.value], queues[mail.queue_key]
            receipt = intake.open_new(
                tx, _sent_to(mail), mail.files, customer, queue, locale=locale, owner_id=only.get(customer.id)
            )
            row.ticket_id, row.message_id, row.outcome = receipt.ticket.id, receipt.message.id, OPENED
            tx.emit("mail.received", ticket=receipt.ticket, data={"verdict": mail.verdict, "outcome": OPENED})
            opened.append(receipt)
    del hours
    for mail, receipt in zip(ready, opened, strict=True):
        intake.note_others(tx, receipt.ticket, mail.inbound)
        acknowledge(tx, receipt.ticket, receipt.message)


def _take_in(tx: Tx, mail: ReadMail, before: Before) -> RawMail:
    """Only what a person wrote opens, reopens or wakes anything.

    An automatic answer joins its ticket without effect; a bounce marks the mail that bounced; without a ticket of their own both
    are only noted. What goes round, and what could not be read, is for people to decide.
    """
    first = before.firsts.get(mail.inbound.external_id)
    ledger = _ledger(tx, mail)
    if first is not None and first is not ledger:
        _note_again(tx, ledger, first)
    else:
        before.firsts[mail.inbound.external_id] = ledger
        if mail.verdict in REPORTS:
            _note_bounce(tx, mail, ledger)
        elif mail.verdict == "loop":
            ledger.outcome = QUARANTINED
        elif mail.verdict in WRITTEN:
            _receive(tx, mail, ledger, before)
        elif find_thread(tx, mail.inbound, mail.ticket_number).ticket is not None:
            _receive(tx, replace(mail, inbound=replace(mail.inbound, kind="auto_reply")), ledger, before)
    tx.emit("mail.received", ticket=ledger.ticket_id, data={"verdict": mail.verdict, "outcome": ledger.outcome})
    return ledger


def _ledger(tx: Tx, mail: ReadMail) -> RawMail:
    """A new row, or the one that the mail has had in the quarantine."""
    row = tx.session.get(RawMail, mail.raw_mail_id) if mail.raw_mail_id else None
    if row is None:
        row = RawMail(
            door=mail.door,
            mailbox=mail.mailbox,
            peer=mail.peer,
            envelope_from=mail.envelope_from,
            envelope_to=list(mail.envelope_to),
            received_at=mail.received_at,
            outcome=NOTED,
        )
        tx.session.add(row)
    row.identity = mail.inbound.external_id
    row.sha256, row.size = mail.raw.sha256, mail.raw.size
    row.from_address = _from(mail)
    row.subject = mail.inbound.subject[:300]
    row.mail_message_id = mail.inbound.message_id
    row.verdict, row.reasons, row.outcome, row.read_at = mail.verdict, list(mail.reasons), NOTED, tx.now
    return row


def _note_again(tx: Tx, ledger: RawMail, first: RawMail) -> None:
    """The same mail once more, perhaps to another of our addresses: which is all that is new about it."""
    ledger.duplicate_of_id, ledger.outcome = first.id, DUPLICATE
    ledger.ticket_id, ledger.message_id = first.ticket_id, first.message_id
    message = tx.session.get(Message, first.message_id) if first.message_id else None
    if message is not None:
        also = [each for each in ledger.envelope_to if each not in message.meta.get("sent_to", ())]
        if also:
            message.meta = {**message.meta, "sent_to": [*message.meta.get("sent_to", ()), *also]}


def _receive(tx: Tx, mail: ReadMail, ledger: RawMail, before: Before) -> None:
    mail = _with_sender(mail)
    mail = replace(mail, inbound=_sent_to(mail))
    colleague = before.colleagues.get(mail.inbound.sender.value)
    if colleague is not None and mail.verdict == "person" and not disowned(mail.inbound):
        thread = find_thread(tx, mail.inbound, mail.ticket_number)
        if thread.ticket is not None:
            message = _note_of_colleague(tx, thread.ticket, colleague, mail, thread.how)
            ledger.ticket_id, ledger.message_id, ledger.outcome = thread.ticket.id, message.id, APPENDED
            return
    known = tx.session.get(Ticket, ledger.ticket_id) if ledger.ticket_id else None  # it was in quarantine, with its ticket
    receipt = intake.receive(
        tx, mail.inbound, mail.files, ticket=known, ticket_number=mail.ticket_number, queue_key=mail.queue_key
    )
    ledger.ticket_id, ledger.message_id = receipt.ticket.id, receipt.message.id
    if receipt.opened:
        acknowledge(tx, receipt.ticket, receipt.message)
    if mail.verdict == "unreadable":
        ledger.outcome = QUARANTINED
    elif mail.inbound.kind != "message":
        ledger.outcome = NOTED
    else:
        ledger.outcome = OPENED if receipt.opened else APPENDED


def _note_of_colleague(tx: Tx, ticket: Ticket, colleague: Agent, mail: ReadMail, how: str) -> Message:
    """What one of us writes by mail about a ticket is for us, until somebody chooses to tell the customer."""
    inbound = mail.inbound
    message = Message(
        channel="email",
        direction=INTERNAL,
        kind="note",
        agent_id=colleague.id,
        author_name=colleague.name,
        from_address=inbound.sender.value,
        to=[contact.value for contact in inbound.to],
        cc=[contact.value for contact in inbound.cc],
        subject=inbound.subject[:500],
        text=inbound.reply_text or inbound.text,
        reply_text=inbound.reply_text or inbound.text,
        external_id=inbound.external_id,
        mail_message_id=inbound.message_id or None,
        in_reply_to=inbound.in_reply_to,
        references=list(inbound.references),
        threaded_by=how,
        meta=inbound.meta,
    )
    return tickets.add_message(tx, ticket, message, mail.files)


def _sent_to(mail: ReadMail) -> Inbound:
    return replace(mail.inbound, meta={**mail.inbound.meta, "sent_to": list(mail.envelope_to)})


def _with_sender(mail: ReadMail) -> ReadMail:
    """The mail with a sender that can stand: From, else the envelope's, else a name for nobody."""
    for address in (mail.inbound.sender.value, mail.envelope_from, UNKNOWN_SENDER):
        try:
            value = customers.normal("email", address)
        except Invalid:
            continue
        return replace(mail, inbound=replace(mail.inbound, sender=replace(mail.inbound.sender, value=value)))
    return mail


def _note_bounce(tx: Tx, mail: ReadMail, ledger: RawMail) -> None:
    """Mark the recipients of our mail who did not get it; a delay is only told."""
    bounced = _bounced_message(tx, mail)
    sent = tx.session.get(OutboxMail, mail.bounced_mail_id) if mail.bounced_mail_id is not None else None
    if bounced is not None:
        ledger.ticket_id, ledger.message_id = bounced.ticket_id, bounced.id
        sent = outbox.sent_as(tx, bounced)
    if sent is None:
        return
    ledger.ticket_id = sent.ticket_id
    reports = [(each.address, each.status, each.diagnostic, each.waiting) for each in mail.bounced]
    if not reports and mail.verdict == "bounce":
        reports = [("", "", "returned", False)]
    for address, status, text, temporary in reports:
        outbox.record_bounce_of(tx, sent, address, status, text, temporary)


def _bounced_message(tx: Tx, mail: ReadMail) -> Message | None:
    """What came back: by the envelope sender that we signed, else by the Message-IDs that the report gives back."""
    if mail.bounced_mail_id is not None:
        sent = tx.session.get(OutboxMail, mail.bounced_mail_id)
        if sent is not None and sent.message_id is not None:
            return tx.session.get(Message, sent.message_id)
    ids = [each for each in (mail.returned_message_id, mail.inbound.in_reply_to, *reversed(mail.inbound.references)) if each][:20]
    query = select(Message).where(Message.mail_message_id.in_(ids), Message.direction == OUT)
    found = {message.mail_message_id: message for message in tx.session.scalars(query)} if ids else {}
    return next((found[each] for each in ids if each in found), None)


def _watch_for_floods(tx: Tx, mails: Sequence[ReadMail]) -> None:
    """More than `FLOOD_MAILS` from one sender within `FLOOD_S`: nothing automatic is sent there any more, whoever began."""
    addresses = {_from(mail) for mail in mails} - {""}
    since = tx.now - timedelta(seconds=FLOOD_S)
    counts = (
        select(RawMail.from_address, func.count())
        .where(RawMail.from_address.in_(addresses), RawMail.received_at > since, RawMail.duplicate_of_id.is_(None))
        .group_by(RawMail.from_address)
        .having(func.count() > FLOOD_MAILS)
    )
    for address, count in tx.session.execute(counts).all():
        silences.silence(tx, address, count)


def _from(mail: ReadMail) -> str:
    return (mail.inbound.sender.value or mail.envelope_from).lower()[:254]
