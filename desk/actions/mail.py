"""What a mail means for the desk, once it has been read and judged: a message, a note, or a failed delivery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from channels.email.parsed import BouncedRecipient
from channels.message import Inbound
from desk.actions import customers, intake
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import Message, RawMail
from desk.models.mail import FAILED
from desk.models.message import OUT
from desk.store import Tx

UNKNOWN_SENDER = "unknown@sender.invalid"


@dataclass(frozen=True)
class ReadMail:
    """A mail at the door: as delivered, as read, as judged. The raw bytes and the files are in the file store already."""

    inbound: Inbound
    files: tuple[KeptFile, ...]
    raw: KeptFile
    envelope_from: str
    envelope_to: tuple[str, ...]
    received_at: datetime
    verdict: str
    reasons: tuple[str, ...]
    bounced: tuple[BouncedRecipient, ...] = ()
    returned_message_id: str = ""
    ticket_number: int | None = None
    queue_key: str = ""


def take_in(tx: Tx, mail: ReadMail) -> RawMail:
    """Receive a mail: once, whatever it is, with a row in the ledger that says what became of it.

    Only what a person wrote opens, reopens or wakes anything. An automatic answer joins its ticket without effect; a bounce
    marks the mail that bounced; without a ticket of their own both are only noted.
    """
    before = tx.session.scalar(select(RawMail).where(RawMail.identity == mail.inbound.external_id))
    if before is not None:
        return before
    ledger = RawMail(
        identity=mail.inbound.external_id,
        sha256=mail.raw.sha256,
        size=mail.raw.size,
        envelope_from=mail.envelope_from,
        envelope_to=list(mail.envelope_to),
        received_at=mail.received_at,
        verdict=mail.verdict,
        reasons=list(mail.reasons),
        outcome="kept",
    )
    tx.session.add(ledger)
    if mail.verdict == "bounce":
        _note_bounce(tx, mail, ledger)
    elif mail.verdict in ("person", "list", "unreadable", "too_large") or (
        mail.verdict == "auto_reply" and intake.find_ticket(tx, mail.inbound, mail.ticket_number)[0] is not None
    ):
        _receive(tx, mail, ledger)
    tx.emit("mail.received", ticket=ledger.ticket_id, data={"verdict": mail.verdict, "outcome": ledger.outcome})
    return ledger


def _receive(tx: Tx, mail: ReadMail, ledger: RawMail) -> None:
    receipt = intake.receive(tx, _with_sender(mail), mail.files, ticket_number=mail.ticket_number, queue_key=mail.queue_key)
    ledger.ticket_id, ledger.message_id = receipt.ticket.id, receipt.message.id
    ledger.outcome = "opened" if receipt.opened else "appended"


def _with_sender(mail: ReadMail) -> Inbound:
    """The mail with a sender that can stand: From, else the envelope's, else a name for nobody."""
    for address in (mail.inbound.sender.value, mail.envelope_from, UNKNOWN_SENDER):
        try:
            value = customers.normal("email", address)
        except Invalid:
            continue
        return replace(mail.inbound, sender=replace(mail.inbound.sender, value=value))
    return mail.inbound


def _note_bounce(tx: Tx, mail: ReadMail, ledger: RawMail) -> None:
    """Mark the mail of ours that did not arrive; a delay is only noted."""
    ledger.outcome = "noted"
    bounced = None
    for message_id in (mail.returned_message_id, mail.inbound.in_reply_to, *reversed(mail.inbound.references)):
        if message_id:
            query = select(Message).where(Message.mail_message_id == message_id, Message.direction == OUT)
            bounced = tx.session.scalar(query.limit(1))
        if bounced is not None:
            break
    if bounced is None:
        return
    ledger.ticket_id, ledger.message_id = bounced.ticket_id, bounced.id
    failed = [each for each in mail.bounced if not each.temporary]
    if failed or not mail.bounced:
        reason = "; ".join(f"{each.address}: {each.status} {each.diagnostic}".strip() for each in failed)
        bounced.delivery, bounced.delivery_error = FAILED, (reason or "returned")[:500]
    tx.emit(
        "mail.bounced",
        ticket=bounced.ticket_id,
        message=bounced,
        data={"recipients": [each.address for each in mail.bounced], "permanent": bool(failed) or not mail.bounced},
    )
