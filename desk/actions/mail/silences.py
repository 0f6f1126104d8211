"""The loop breaker: senders to whom nothing automatic is sent for a while, because their mail goes round or floods."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.models import MailSilence
from desk.store import Tx

HOURS = 24


def silence(tx: Tx, address: str, mails: int) -> MailSilence:
    """Send nothing automatic to this address for `HOURS`; again and again while the flood goes on."""
    found = current(tx, address)
    if found is None:
        found = MailSilence(address=address, since=tx.now, until=tx.now + timedelta(hours=HOURS), mails=mails)
        tx.session.add(found)
        tx.emit("mail.loop_broken", data={"mails": mails})
    found.until, found.mails = tx.now + timedelta(hours=HOURS), max(found.mails, mails)
    return found


def lift(tx: Tx, found: MailSilence) -> None:
    """Somebody has looked: automatic mail may go there again."""
    if found.lifted_at is None:
        found.lifted_at = tx.now
        tx.emit("mail.silence_lifted", data={"id": found.id})


def current(tx: Tx, address: str) -> MailSilence | None:
    """The silence that holds for this address now."""
    query = select(MailSilence).where(
        MailSilence.address == address.lower(), MailSilence.until > tx.now, MailSilence.lifted_at.is_(None)
    )
    return tx.session.scalar(query.limit(1))
