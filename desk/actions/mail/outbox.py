"""Mail that must leave is written with the change that causes it; the worker sends it afterwards and records how it went.

Each recipient has a state of its own, so that one whom the relay cannot take just now is tried again alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from desk.actions.people import customers
from desk.errors import Conflict, Invalid
from desk.models import Message, OutboxMail, OutboxRecipient
from desk.models.mail import FAILED, QUEUED, SENDING, SENT
from desk.store import Tx

PARTLY = "partly"
BACKOFF_S = (30, 60, 300, 900, 1800, 3600, 7200)  # and then every two hours
SPREAD = 4  # up to a quarter more, so that mails that failed together do not come back together
GIVE_UP_S = 48 * 3600
CLAIM_S = 600  # longer than the slowest relay may take over one mail


@dataclass(frozen=True)
class Answer:
    """What became of one recipient in one try: the relay's code and words. `code` is 0 when nobody answered at all."""

    code: int
    said: str = ""
    status: str = ""

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def for_good(self) -> bool:
        return 500 <= self.code < 600


def queue_mail(
    tx: Tx, *, ticket_id: int | None, message: Message | None, payload: dict[str, Any], automatic: bool = False
) -> OutboxMail:
    """Have a mail sent. `payload` has what `channels.message.Outbound` needs; `message` shows the delivery state."""
    mail = OutboxMail(
        message_id=message.id if message else None,
        ticket_id=ticket_id,
        payload=payload,
        automatic=automatic,
        next_at=tx.now,
        give_up_at=tx.now + timedelta(seconds=GIVE_UP_S),
        created_at=tx.now,
    )
    tx.session.add(mail)
    tx.session.flush()
    to, cc = (message.to, message.cc) if message else (payload["to"], payload.get("cc", []))
    for address in dict.fromkeys([*to, *cc]):
        tx.session.add(OutboxRecipient(mail_id=mail.id, address=address, changed_at=tx.now))
    if message is not None:
        message.delivery = QUEUED
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
        .order_by(OutboxMail.next_at, OutboxMail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    mails = list(tx.session.scalars(query))
    for mail in mails:
        mail.state = SENDING
        mail.claimed_until = tx.now + timedelta(seconds=CLAIM_S)
        mail.attempts += 1
    return mails


def in_hand(tx: Tx) -> list[OutboxMail]:
    """The mails that somebody has claimed, but for those that change just now."""
    query = select(OutboxMail).where(OutboxMail.state == SENDING).order_by(OutboxMail.id)
    return list(tx.session.scalars(query.with_for_update(skip_locked=True)))


def give_back(mail: OutboxMail) -> None:
    """Who had it in hand has died: it is due again now."""
    mail.state, mail.claimed_until = QUEUED, None


def release_claims(tx: Tx) -> None:
    """Whoever was sending has died, and there is nobody else."""
    for mail in in_hand(tx):
        give_back(mail)


def record_answers(tx: Tx, mail_id: int, answers: Mapping[str, Answer]) -> datetime | None:
    """What the relay said of each recipient. Returns when the rest is tried again, None when nobody is left to be tried."""
    mail = tx.session.get_one(OutboxMail, mail_id)
    mail.claimed_until, mail.last_error = None, ""
    rows = recipients_of(tx, mail)
    give_up = tx.now >= mail.give_up_at
    for row in rows:
        answer = answers.get(row.address)
        if answer is None or row.state != QUEUED:
            continue
        row.attempts += 1
        row.code, row.status, row.said, row.changed_at = answer.code, answer.status, answer.said[:1000], tx.now
        if answer.accepted:
            row.state = SENT
            mail.sent_at = tx.now
        else:
            mail.last_error = answer.said[:1000]
            row.state = FAILED if answer.for_good or give_up else QUEUED
    return _settle(tx, mail, rows)


def record_failed(tx: Tx, mail_id: int, reason: str, *, retryable: bool) -> datetime | None:
    """Nobody got it, for one reason. Returns when it will be tried again, or None when that is given up."""
    mail = tx.session.get_one(OutboxMail, mail_id)
    answer = Answer(0 if retryable else 500, reason)
    return record_answers(tx, mail_id, {row.address: answer for row in recipients_of(tx, mail)})


def postpone(tx: Tx, mail_id: int, reason: str, until: datetime) -> None:
    """The relay is away, which is no fault of this mail: it waits, and that counts as no try, but it is not kept for ever."""
    mail = tx.session.get_one(OutboxMail, mail_id)
    if tx.now >= mail.give_up_at:
        record_failed(tx, mail_id, reason, retryable=True)
        return
    first = mail.last_error != reason
    mail.state, mail.claimed_until, mail.last_error, mail.next_at = QUEUED, None, reason[:1000], until
    mail.attempts = max(0, mail.attempts - 1)
    rows = recipients_of(tx, mail)
    for row in rows:
        if row.state == QUEUED:
            row.said = reason[:1000]
    _show(tx, mail, rows)
    if first:
        tx.emit("mail.delayed", ticket=mail.ticket_id, message=mail.message_id, data={"reason": reason[:300]})


def record_bounce(tx: Tx, message: Message, address: str, status: str, text: str, temporary: bool) -> bool:
    """A server gave back what we sent to `address`: it failed, unless the report is only of a delay.

    Returns whether this changed anything. An empty or unknown address is taken for the only recipient there is.
    """
    mail = sent_as(tx, message)
    return mail is not None and record_bounce_of(tx, mail, address, status, text, temporary)


def record_bounce_of(tx: Tx, mail: OutboxMail, address: str, status: str, text: str, temporary: bool) -> bool:
    """As `record_bounce`, for a mail that may stand on no timeline."""
    rows = recipients_of(tx, mail)
    wanted = [row for row in rows if row.address.lower() == address.strip().lower()] or (rows if len(rows) == 1 else [])
    if not wanted or wanted[0].came_back or wanted[0].state == FAILED:
        return False
    row = wanted[0]
    row.status, row.said, row.changed_at = status[:20], text[:1000], tx.now
    if not temporary:
        row.state, row.came_back = FAILED, True
        mail.last_error = text[:1000]
        _settle(tx, mail, rows)
    tx.emit(
        "mail.bounced",
        ticket=mail.ticket_id,
        message=mail.message_id,
        data={"recipients": [row.address], "permanent": not temporary, "status": status[:20]},
    )
    return True


def send_again(tx: Tx, mail: OutboxMail) -> None:
    """Try those who did not get it once more, now."""
    rows = recipients_of(tx, mail)
    waiting = [row for row in rows if row.state == FAILED or (row.state == QUEUED and row.said)]
    if not waiting:
        raise Conflict("This mail has not failed; there is nothing to send again.")
    for row in waiting:
        row.state, row.came_back, row.settled_at, row.changed_at = QUEUED, False, None, tx.now
        row.code, row.status, row.said = 0, "", ""
    if mail.state != SENDING:
        mail.state, mail.claimed_until = QUEUED, None
    mail.attempts, mail.next_at, mail.give_up_at = 0, tx.now, tx.now + timedelta(seconds=GIVE_UP_S)
    _show(tx, mail, rows)
    tx.emit("mail.queued", ticket=mail.ticket_id, message=mail.message_id)


def change_address(tx: Tx, mail: OutboxMail, old: str, new: str) -> None:
    """Send it to another address instead of one that did not get it. Who has it already does not get it twice."""
    rows = recipients_of(tx, mail)
    row = next((each for each in rows if each.address == old and each.state in (FAILED, QUEUED)), None)
    if row is None:
        raise Conflict("This mail has not failed; there is nothing to send again.")
    address = customers.normal("email", new)
    if any(each.address.lower() == address.lower() and each is not row for each in rows):
        raise Invalid("This address is among the recipients already.")
    tx.emit("mail.readdressed", ticket=mail.ticket_id, message=mail.message_id, data={"old": old, "new": address})
    row.address, row.state = address, FAILED  # until it is tried again, in a moment
    if mail.message_id is not None:
        message = tx.session.get_one(Message, mail.message_id)
        message.to, message.cc = _replaced(message.to, old, address), _replaced(message.cc, old, address)
    else:
        payload = dict(mail.payload)
        for field in ("to", "cc"):
            payload[field] = _replaced(payload.get(field, []), old, address)
        mail.payload = payload
    send_again(tx, mail)


def leave(tx: Tx, mail: OutboxMail) -> None:
    """Somebody has seen that it failed and will do without: it no longer stands among the problems."""
    for row in recipients_of(tx, mail):
        if row.state == FAILED and row.settled_at is None:
            row.settled_at = tx.now
    tx.emit("mail.left", ticket=mail.ticket_id, message=mail.message_id)


def sent_as(tx: Tx, message: Message) -> OutboxMail | None:
    """The mail that carries this message."""
    return tx.session.scalar(select(OutboxMail).where(OutboxMail.message_id == message.id))


def recipients_of(tx: Tx, mail: OutboxMail) -> list[OutboxRecipient]:
    """Everybody a mail goes to, in the order in which they stand in it."""
    query = select(OutboxRecipient).where(OutboxRecipient.mail_id == mail.id).order_by(OutboxRecipient.id)
    return list(tx.session.scalars(query))


def wait_after(mail_id: int, attempts: int) -> timedelta:
    """How long to wait after that many tries. The spread is the mail's own, so that a restart changes nothing."""
    seconds = BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1]
    return timedelta(seconds=seconds + zlib.crc32(f"{mail_id}:{attempts}".encode()) % (seconds // SPREAD + 1))


def _settle(tx: Tx, mail: OutboxMail, rows: Sequence[OutboxRecipient]) -> datetime | None:
    """Bring the mail and its message in line with the recipients, and say what has happened."""
    states = {row.state for row in rows}
    failed = [row for row in rows if row.state == FAILED]
    _show(tx, mail, rows)
    if QUEUED in states:
        if mail.state == SENDING:
            mail.state, mail.next_at = QUEUED, min(tx.now + wait_after(mail.id, mail.attempts), max(mail.give_up_at, tx.now))
            tx.emit("mail.delayed", ticket=mail.ticket_id, message=mail.message_id, data={"reason": mail.last_error[:300]})
        return mail.next_at
    mail.state = SENT if SENT in states else FAILED
    if SENT in states and not any(row.came_back for row in rows):
        tx.emit("mail.sent", ticket=mail.ticket_id, message=mail.message_id)
    if failed and not any(row.came_back for row in failed):
        data = {"reason": failed[0].said[:300], "recipients": [row.address for row in failed]}
        tx.emit("mail.failed", ticket=mail.ticket_id, message=mail.message_id, data=data)
    return None


def _show(tx: Tx, mail: OutboxMail, rows: Sequence[OutboxRecipient]) -> None:
    if mail.message_id is None:
        return
    states = {row.state for row in rows}
    message = tx.session.get_one(Message, mail.message_id)
    message.delivery = (
        QUEUED if QUEUED in states else SENT if states == {SENT} else FAILED if states == {FAILED} or not states else PARTLY
    )
    troubled = [row for row in rows if row.state == FAILED] or [row for row in rows if row.state == QUEUED and row.said]
    message.delivery_error = "; ".join(_told(row, len(rows)) for row in troubled)[:500]


def _told(row: OutboxRecipient, of: int) -> str:
    said = f"{row.code} {row.said}" if row.code and not row.said.startswith(str(row.code)) else row.said
    return f"{row.address}: {said}" if of > 1 else said


def _replaced(addresses: Sequence[str], old: str, new: str) -> list[str]:
    return [new if each == old else each for each in addresses]
