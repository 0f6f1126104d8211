"""Mail that must leave is written with the change that causes it; the worker sends it afterwards and records how it went."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from desk.models import Message, OutboxMail
from desk.models.mail import FAILED, QUEUED, SENDING, SENT
from desk.store import Tx

BACKOFF_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800)  # then it has failed: about 16 hours
CLAIM_S = 600  # longer than the slowest relay may take over one mail


def queue_mail(tx: Tx, *, ticket_id: int | None, message: Message | None, payload: dict[str, Any]) -> OutboxMail:
    """Have a mail sent. `payload` has what `channels.message.Outbound` needs; `message` shows the delivery state."""
    mail = OutboxMail(
        message_id=message.id if message else None, ticket_id=ticket_id, payload=payload, next_at=tx.now, created_at=tx.now
    )
    tx.session.add(mail)
    tx.emit("mail.queued", ticket=ticket_id, message=message)
    return mail


def claim_due(tx: Tx, limit: int = 20) -> list[OutboxMail]:
    """Take the mails that are due, for `CLAIM_S` seconds; a sender that dies gives them back by running out of time."""
    query = (
        select(OutboxMail)
        .where(
            or_(OutboxMail.state == QUEUED, (OutboxMail.state == SENDING) & (OutboxMail.claimed_until < tx.now)),
            OutboxMail.next_at <= tx.now,
        )
        .order_by(OutboxMail.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    mails = list(tx.session.scalars(query))
    for mail in mails:
        mail.state = SENDING
        mail.claimed_until = tx.now + timedelta(seconds=CLAIM_S)
        mail.attempts += 1
    return mails


def record_sent(tx: Tx, mail_id: int, results: dict[str, Any]) -> None:
    """The relay took it for at least one recipient; `results` says per recipient what it answered."""
    mail = tx.session.get_one(OutboxMail, mail_id)
    mail.state, mail.sent_at, mail.results, mail.last_error = SENT, tx.now, results, ""
    _show(tx, mail, SENT, "")
    tx.emit("mail.sent", ticket=mail.ticket_id, message=mail.message_id)


def record_failed(tx: Tx, mail_id: int, reason: str, *, retryable: bool) -> datetime | None:
    """It did not leave. Returns when it will be tried again, or None when that is given up."""
    mail = tx.session.get_one(OutboxMail, mail_id)
    mail.last_error, mail.claimed_until = reason[:1000], None
    if retryable and mail.attempts <= len(BACKOFF_S):
        mail.state = QUEUED
        mail.next_at = tx.now + timedelta(seconds=BACKOFF_S[mail.attempts - 1])
        _show(tx, mail, QUEUED, reason)
        tx.emit("mail.delayed", ticket=mail.ticket_id, message=mail.message_id, data={"reason": reason[:300]})
        return mail.next_at
    mail.state = FAILED
    _show(tx, mail, FAILED, reason)
    tx.emit("mail.failed", ticket=mail.ticket_id, message=mail.message_id, data={"reason": reason[:300]})
    return None


def send_again(tx: Tx, mail: OutboxMail) -> None:
    """Try a failed mail once more, now."""
    mail.state, mail.attempts, mail.next_at, mail.claimed_until = QUEUED, 0, tx.now, None
    _show(tx, mail, QUEUED, "")
    tx.emit("mail.queued", ticket=mail.ticket_id, message=mail.message_id)


def _show(tx: Tx, mail: OutboxMail, delivery: str, error: str) -> None:
    if mail.message_id is not None:
        message = tx.session.get_one(Message, mail.message_id)
        message.delivery, message.delivery_error = delivery, error[:500]
