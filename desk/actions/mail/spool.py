"""Keeping what has been delivered before anybody reads it: one insert for a batch, in the transaction that earns the “250”."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from desk.db import keepable, to_json
from desk.models import RawMail, SpooledMail
from desk.models.mail import REFUSED
from desk.store import BELL, Direct, Tx

SPOOL = (
    "INSERT INTO spooled_mail (door, mailbox, envelope_from, envelope_to, peer, received_at, raw, helo, attempts, last_error,"
    " as_person) VALUES "
)
COUNT = "INSERT INTO mail_tally (day, mailbox, received) VALUES"
COUNTED = "ON CONFLICT (day, mailbox) DO UPDATE SET received = mail_tally.received + excluded.received"
BACKOFF_S = (2, 10, 60)
TRIES = 3  # failures that a mail itself caused, before it becomes a ticket as it came


@dataclass(frozen=True)
class Delivery:
    """A mail as a door got it. `mailbox` is the address of ours that it is counted under, `helo` how its sender greeted us."""

    door: str
    mailbox: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    peer: str
    received_at: datetime
    raw: bytes
    helo: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a door turned away, and with which words."""

    envelope_from: str
    address: str
    peer: str
    at: datetime
    answer: str


def keep(unit: Direct, deliveries: Sequence[Delivery], zone: str) -> None:
    """Keep the bytes of a batch, and count them; whoever reads them is woken by the commit.

    At the driver's own level, because the senders wait for it. `zone` says where a day begins.
    """
    on_sqlite = isinstance(unit.cursor, sqlite3.Cursor)
    rows = [
        (
            each.door,
            keepable(each.mailbox),
            keepable(each.envelope_from),
            to_json(list(each.envelope_to)),
            each.peer,
            f"{each.received_at:%Y-%m-%d %H:%M:%S.%f}" if on_sqlite else each.received_at,  # as SQLAlchemy keeps moments there
            each.raw,
            keepable(each.helo),
        )
        for each in deliveries
    ]
    counts = _days(zone, [(each.received_at, each.mailbox) for each in deliveries])
    mark = "?" if on_sqlite else "%s"
    one, tally = f"({', '.join([mark] * 8)}, 0, '', false)", f"({mark}, {mark}, {mark})"
    cursor = unit.cursor
    cursor.execute("BEGIN IMMEDIATE" if on_sqlite else "BEGIN")
    try:
        cursor.execute(SPOOL + ", ".join([one] * len(rows)), [value for row in rows for value in row])
        cursor.execute(f"{COUNT} {', '.join([tally] * len(counts))} {COUNTED}", [value for row in counts for value in row])
        if not on_sqlite:
            cursor.execute("SELECT pg_notify(%s, '')", [BELL])
        cursor.execute("COMMIT")
    except BaseException:
        with suppress(Exception):
            cursor.execute("ROLLBACK")
        raise


def keep_fetched(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """The same for mail that was fetched: in the transaction that notes how far the mailbox has been read."""
    tx.session.add_all(
        SpooledMail(
            door=each.door,
            mailbox=each.mailbox,
            envelope_from=each.envelope_from,
            envelope_to=list(each.envelope_to),
            peer=each.peer,
            received_at=each.received_at,
            raw=each.raw,
        )
        for each in deliveries
    )
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
    for day, mailbox, count in _days(tx.settings.timezone, arrivals):
        statement = text(f"{COUNT} (:day, :mailbox, :count) {COUNTED}")
        tx.session.execute(statement, {"day": day, "mailbox": mailbox, "count": count})


def _days(zone: str, arrivals: Sequence[tuple[datetime, str]]) -> list[tuple[str, str, int]]:
    """In one order everywhere: two doors that count at the same time wait for each other and not in a circle."""
    here = ZoneInfo(zone)
    counts = Counter((f"{at.astimezone(here):%Y-%m-%d}", mailbox) for at, mailbox in arrivals)
    return [(day, mailbox, count) for (day, mailbox), count in sorted(counts.items())]
