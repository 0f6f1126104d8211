"""Keeping what has been delivered before anybody reads it: one insert for a batch, in the transaction that earns the “250”."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql, sqlite

from desk.models import MailTally, RawMail, SpooledMail
from desk.models.mail import REFUSED
from desk.store import BELL, Tx

BACKOFF_S = (2, 10, 60)
TRIES = 3  # failures that a mail itself caused, before it becomes a ticket as it came


@dataclass(frozen=True)
class Delivery:
    """A mail as a door got it. `mailbox` is the address of ours that it is counted under."""

    door: str
    mailbox: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    peer: str
    received_at: datetime
    raw: bytes


@dataclass(frozen=True)
class Refusal:
    """What a door turned away, and with which words."""

    envelope_from: str
    address: str
    peer: str
    at: datetime
    answer: str


def keep(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Keep the bytes of a batch; whoever reads them is woken by the commit."""
    rows = [
        {
            "door": each.door,
            "mailbox": each.mailbox,
            "envelope_from": each.envelope_from,
            "envelope_to": list(each.envelope_to),
            "peer": each.peer,
            "received_at": each.received_at,
            "attempts": 0,
            "last_error": "",
            "raw": each.raw,
        }
        for each in deliveries
    ]
    tx.session.execute(insert(SpooledMail.__table__), rows)
    _count(tx, [(each.received_at, each.mailbox) for each in deliveries])
    if tx.session.get_bind().dialect.name == "postgresql":
        tx.session.execute(text("SELECT pg_notify(:bell, '')"), {"bell": BELL})


def note_refused(tx: Tx, refusals: Sequence[Refusal]) -> None:
    """Write into the ledger what was turned away; there are no bytes of it."""
    for position, each in enumerate(refusals):
        words = f"{each.at.isoformat()}|{each.peer}|{each.envelope_from}|{each.address}|{position}"
        tx.session.add(
            RawMail(
                identity="refused:" + hashlib.sha256(words.encode("utf-8", "replace")).hexdigest(),
                sha256="",
                size=0,
                peer=each.peer,
                envelope_from=each.envelope_from,
                envelope_to=[each.address],
                from_address=each.envelope_from.lower(),
                received_at=each.at,
                read_at=tx.now,
                verdict="refused",
                reasons=[each.answer],
                outcome=REFUSED,
            )
        )
    _count(tx, [(each.at, "") for each in refusals])


def put_off(tx: Tx, spool_id: int, reason: str) -> int:
    """Let a mail that failed by its own fault rest for a while. Returns how often it has failed."""
    mail = tx.session.get(SpooledMail, spool_id)
    if mail is None:
        return 0
    mail.next_at = tx.now + timedelta(seconds=BACKOFF_S[min(mail.attempts, len(BACKOFF_S) - 1)])
    mail.attempts += 1
    mail.last_error = reason[:500]
    return mail.attempts


def _count(tx: Tx, arrivals: Sequence[tuple[datetime, str]]) -> None:
    zone = ZoneInfo(tx.settings.timezone)
    add = postgresql.insert if tx.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    # In one order everywhere, so that two doors that count at the same time wait for each other and not in a circle.
    for (day, mailbox), count in sorted(
        Counter((f"{at.astimezone(zone):%Y-%m-%d}", mailbox) for at, mailbox in arrivals).items()
    ):
        row = add(MailTally).values(day=day, mailbox=mailbox, received=count)
        more = {"received": MailTally.received + row.excluded.received}
        tx.session.execute(row.on_conflict_do_update(index_elements=["day", "mailbox"], set_=more))
