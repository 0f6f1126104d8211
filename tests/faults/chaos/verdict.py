"""What a chaos run comes to: is everything that was acknowledged there, once, and is everybody's work done?"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter

import psycopg
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from desk.events import Event
from desk.installation import Installation
from desk.models import Attachment, MailboxMail, Message, OutboxMail, SpooledMail, WorkItem
from desk.models.message import IN, OUT
from tests.faults.chaos.ledger import Ledger

MARK = re.compile(r"(?:mail|chat|said|form|answer)-\d{6}-mark")
LETS_GO = ("item.", "offer.rejected", "offer.timed_out", "offer.rescinded")
QUIET_S = 240.0  # without anything getting less
HELD_TWICE = """
SELECT 'item ' || item_id || ' is held ' || count(*) || ' times' FROM offer
WHERE state IN ('offered', 'accepted') GROUP BY item_id HAVING count(*) > 1
"""
# Who has room for one more chat; work always waits. Where nobody has, that no offer is made says nothing of the router.
HAVE_ROOM = "SELECT count(*) FROM agent WHERE active AND presence = 'available' AND used <= 66"


class Watch:
    """Looks twice a second whether something is held by two, whenever the database can be asked; and whether offers are made."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.found: list[str] = []
        self.looks = 0
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._ledger, self._offers = ledger, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True, connect_timeout=3) as connection:
                    while not self._over.wait(0.5):
                        self.found += [row[0] for row in connection.execute(HELD_TWICE)]
                        self.looks += 1
                        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM offer").fetchone()
                        (roomy,) = connection.execute(HAVE_ROOM).fetchone()
                        if last > self._offers or not roomy:
                            self._offers = last
                            self._ledger.happened("offer")
            except psycopg.Error:
                self._over.wait(0.5)


def quiet(desk: Installation, *, backlog: bool) -> tuple[dict[str, int], int]:
    """Wait until nothing is left to do; what is left when it does not get less, and how much work waits for an agent.

    With a backlog it may: there is more of it than the agents can do.
    """
    least, until = float("inf"), 0.0
    while True:
        left, waiting = _left(desk, backlog=backlog)
        number = sum(left.values())
        if number < least:
            least, until = number, time.monotonic() + QUIET_S
        if not left or time.monotonic() > until:
            return left, waiting
        threading.Event().wait(1.0)


def _left(desk: Installation, *, backlog: bool) -> tuple[dict[str, int], int]:
    with desk.store.read() as reading:
        states = reading.execute(
            select(WorkItem.kind, WorkItem.state, func.count()).group_by(WorkItem.kind, WorkItem.state)
        ).all()
        left = {f"{kind} {state}": number for kind, state, number in states if state not in ("done", "abandoned", "withdrawn")}
        left["unread mail"] = reading.scalar(select(func.count()).select_from(SpooledMail)) or 0
        left["unsent mail"] = reading.scalar(select(func.count()).where(OutboxMail.state.not_in(("sent", "failed")))) or 0
    waiting = sum(number for name, number in left.items() if name.endswith(" waiting"))
    return {name: number for name, number in left.items() if number and not (backlog and name.endswith(" waiting"))}, waiting


def judge(desk: Installation, ledger: Ledger) -> list[str]:
    """Sentences about what is wrong; none when all is well."""
    with desk.store.read() as reading:
        texts = reading.execute(select(Message.direction, Message.text).where(Message.text.contains("-mark"))).all()
        mails = Counter(reading.scalars(select(Message.mail_message_id).where(Message.direction == IN)))
        posted = Counter(mark for raw in reading.scalars(select(MailboxMail.raw)) for mark in set(MARK.findall(_readable(raw))))
        lives = reading.execute(select(Event.item_id, Event.kind).where(Event.item_id.is_not(None)).order_by(Event.id)).all()
        files = set(reading.scalars(select(Attachment.sha256)))
    there: Counter[str] = Counter()
    for direction, text in texts:
        own = [mark for mark in MARK.findall(text) if mark.startswith("answer") == (direction == OUT)]
        there.update(set(own))
    there.update({mark: mails[f"{mark}@customers.example"] - there[mark] for mark in ledger.sent["mail"]})
    wrong = []
    for kind, kept in ledger.kept.items():
        wrong += [f"lost: {mark}" for mark in sorted(kept) if not there[mark]]
        wrong += [f"{there[mark]} times: {mark}" for mark in sorted(ledger.sent[kind]) if there[mark] > 1]
    wrong += [f"sent {number} times: {mark}" for mark, number in posted.items() if mark.startswith("answer") and number > 1]
    held: set[int] = set()
    for item, kind in lives:
        if kind == "offer.accepted":
            if item in held:
                wrong.append(f"accepted twice: item {item}")
            held.add(item)
        elif kind.startswith(LETS_GO):
            held.discard(item)
    for sha256 in files:
        if hashlib.sha256(desk.files.get(sha256)).hexdigest() != sha256:
            wrong.append(f"damaged: file {sha256}")
    return wrong


def _readable(raw: bytes) -> str:
    return raw.replace(b"=\r\n", b"").replace(b"=\n", b"").decode("ascii", "replace")
