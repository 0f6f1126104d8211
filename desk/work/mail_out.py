"""The way out for mail: claim what is due, build it, hand it to the relay with no transaction open, record how it went.

A mail leaves at least once. Between the relay's answer and our record of it nothing can be certain: what a sender that dies
there had in hand goes again under the same Message-ID, so that mail programs show it once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import func, select

from channels.email.parse import parse
from channels.email.sender import RecipientResult, RelayAway, Sender, sender_to
from channels.message import SendFailed
from desk import traces
from desk.actions.mail.outbox import Answer, claim_due, postpone, record_answers, record_failed, release_claims
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.mail_key import signing_key
from desk.models import MailboxMail, OutboxMail
from desk.models.mail import QUEUED
from desk.store import Store, StoreAway
from desk.work.mail_building import build
from desk.work.mail_claims import Claims

log = logging.getLogger(__name__)

AWAY_S = (5, 10, 30, 60, 120, 300)  # how long the relay is left alone when it is away again and again


class MailOut:
    """Sends the outbox. One `turn` sends what is due and says when the next mail is."""

    def __init__(self, desk: Installation, sender: Sender) -> None:
        self._desk = desk
        self._sender = sender
        self._key = signing_key(desk.settings) if desk.settings.mail_relay else None
        self._away = 0
        self._away_until = 0.0
        self._unrecorded: dict[int, Mapping[str, Answer]] = {}
        self._claims = Claims(desk)
        self._begun = False
        self._stopping = False

    def stop(self) -> None:
        """Finish the mail that is on its way; the others stay due."""
        self._stopping = True

    def turn(self) -> float | None:
        rest = self._away_until - self._desk.clock.monotonic()
        if rest > 0:
            return rest
        self._begin()
        try:
            self._claims.take_over()
            while True:
                self._record_what_is_left()
                if self._stopping:
                    return None
                with self._desk.store.tx(SYSTEM) as tx:
                    claimed = [mail.id for mail in claim_due(tx, limit=1)]
                    for mail_id in claimed:
                        self._claims.hold(mail_id)  # before anybody sees that it is claimed
                if not claimed:
                    return self._until_next()
                if not self._send(claimed[0]):
                    return self._away_until - self._desk.clock.monotonic()
        finally:
            self._sender.close()
            self._claims.close()

    def _begin(self) -> None:
        """One process sends on SQLite: what is claimed when it begins was claimed by one that is no more."""
        if not self._begun and self._desk.settings.on_sqlite:
            with self._desk.store.tx(SYSTEM) as tx:
                release_claims(tx)
        self._begun = True

    def _until_next(self) -> float | None:
        with self._desk.store.read() as reading:
            next_at = reading.scalar(select(func.min(OutboxMail.next_at)).where(OutboxMail.state == QUEUED))
        return None if next_at is None else (next_at - self._desk.clock.now()).total_seconds()

    def _send(self, mail_id: int) -> bool:
        """Whether to go on with other mails."""
        with traces.span("send mail", {"desk.mail": mail_id}, kind="client"):
            return self._send_it(mail_id)

    def _send_it(self, mail_id: int) -> bool:
        try:
            ready = build(self._desk, mail_id)
            raw = self._key.sign(ready.raw) if self._key else ready.raw
            results = self._sender.send(ready.envelope_from, ready.recipients, raw) if ready.recipients else {}
        except RelayAway as away:
            self._wait_for_relay(mail_id, str(away))
            return False
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
            self._away = 0
            # Kept until it is written down: if the database is away just now, the mail is not sent twice for that.
            self._unrecorded[mail_id] = {address: _answer(result) for address, result in results.items()}
            self._record_what_is_left()
        return True

    def _record_what_is_left(self) -> None:
        for mail_id, answers in list(self._unrecorded.items()):
            with self._desk.store.tx(SYSTEM) as tx:
                record_answers(tx, mail_id, answers)
            del self._unrecorded[mail_id]

    def _wait_for_relay(self, mail_id: int, reason: str) -> None:
        wait = AWAY_S[min(self._away, len(AWAY_S) - 1)]
        self._away += 1
        self._away_until = self._desk.clock.monotonic() + wait
        log.warning("the mail relay is away, for %s s nothing is sent: %s", wait, reason)
        with self._desk.store.tx(SYSTEM) as tx:
            postpone(tx, mail_id, reason, tx.now + timedelta(seconds=wait))


def sender_for(settings: Settings, store: Store) -> Sender:
    """The relay of the settings; with none, the built-in mailbox."""
    return sender_to(settings.mail_relay) if settings.mail_relay else MailboxSender(store)


class MailboxSender:
    """With no relay set, mail goes into a table that the demo's mailbox page shows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, envelope_from: str, recipients: tuple[str, ...], raw: bytes) -> dict[str, RecipientResult]:
        subject = parse(raw).subject
        with self._store.tx(SYSTEM) as tx:
            for recipient in recipients:
                tx.session.add(MailboxMail(at=tx.now, envelope_from=envelope_from, recipient=recipient, subject=subject, raw=raw))
            tx.emit("mailbox.filled", data={"recipients": len(recipients)})
        return {recipient: RecipientResult(250, "kept in the built-in mailbox") for recipient in recipients}

    def close(self) -> None:
        """There is no connection."""


def _answer(result: RecipientResult) -> Answer:
    return Answer(result.code, result.text, result.status)
