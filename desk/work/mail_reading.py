"""Reading what the doors have kept: parsed by child processes, recorded in batches; the kept bytes go with the record."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO

from sqlalchemy import Connection, delete, func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import undefer

from channels.email.address import read_address, read_bounce
from channels.message import Contact, Inbound
from desk import traces
from desk.actions.mail.mail import ReadMail, keep_alone, take_in_all
from desk.actions.mail.spool import TRIES, put_off
from desk.events import SYSTEM
from desk.files import KeptFile
from desk.installation import Installation
from desk.models import SpooledMail
from desk.models.mail_in import IMAP
from desk.store import StoreAway
from desk.work.mail_pool import Pool
from desk.work.mail_wire import Job, Reading, Unread
from desk.work.our_addresses import OurAddresses

log = logging.getLogger(__name__)

BATCH = 24
MOST_BYTES = 32 * 1024 * 1024  # of one batch
READER_LOCK = 7_305_004  # key of the PostgreSQL advisory lock of whoever reads
IDLE_S = 2.0  # without a bell, for mail that another process kept


@dataclass(frozen=True)
class _Batch:
    """Mails in hand and what their reading will say."""

    mails: list[SpooledMail]
    answers: list[Future[Reading | Unread]]


class MailReading:
    """Reads the spool, oldest first. One process reads at a time; another takes over when it has gone."""

    def __init__(
        self,
        desk: Installation,
        addresses: OurAddresses,
        *,
        rest: Callable[[float], None] = lambda _seconds: None,
        batch: Callable[[], int] = lambda: BATCH,
        pool: Pool | None = None,
    ) -> None:
        self._desk = desk
        self._addresses = addresses
        self._rest = rest
        self._batch = batch
        self._pool = pool or Pool()
        self._turn_of = _ReaderLock(desk)
        self._stopping = threading.Event()

    def turn(self) -> float | None:
        """Read all there is, or until `stop`; returns the seconds until a mail is to be tried again."""
        if not self._turn_of.hold():
            return IDLE_S
        self._addresses.refresh()
        batch = self._begin(())
        while batch is not None and not self._stopping.is_set():
            following = self._begin(batch.mails)  # is parsed while this one is recorded
            began = self._desk.clock.monotonic()
            self._finish(batch)
            self._rest(self._desk.clock.monotonic() - began)
            batch = following or self._begin(())
        return self._until_next()

    def stop(self) -> None:
        """Record what is being recorded and begin nothing more: the rest of the spool is read by whoever comes next."""
        self._stopping.set()
        self._pool.close()

    def close(self) -> None:
        """End the reading processes and let another process read."""
        self._pool.close()
        self._turn_of.release()

    def _begin(self, in_hand: Sequence[SpooledMail]) -> _Batch | None:
        """Have the next mails parsed, beside those in hand; None when there are no more."""
        mails = self._next([mail.id for mail in in_hand])
        if not mails:
            return None
        domains, own = frozenset({self._desk.settings.mail_domain}), self._addresses.own()
        jobs = [
            Job(
                raw=mail.raw,
                # What a mailbox elsewhere gave us has lost its envelope.
                envelope_from=None if mail.door == IMAP else mail.envelope_from,
                own_domains=domains,
                own_addresses=own,
                folder=self._desk.files.folder,
                trust=self._desk.settings.mail_trust,
                peer=mail.peer,
                helo=mail.helo,
            )
            for mail in mails
        ]
        return _Batch(mails, self._pool.begin(jobs))

    def _next(self, in_hand: Sequence[int]) -> list[SpooledMail]:
        now = self._desk.clock.now()
        due = or_(SpooledMail.next_at.is_(None), SpooledMail.next_at <= now)
        query = select(SpooledMail.id, func.length(SpooledMail.raw)).where(due, SpooledMail.id.not_in(in_hand))
        with self._desk.store.read() as session:
            ids, total = [], 0
            for spool_id, size in session.execute(query.order_by(SpooledMail.id).limit(self._batch())):
                total += size
                if ids and total > MOST_BYTES:
                    break
                ids.append(spool_id)
            whole = select(SpooledMail).where(SpooledMail.id.in_(ids)).options(undefer(SpooledMail.raw)).order_by(SpooledMail.id)
            return list(session.scalars(whole)) if ids else []

    def _until_next(self) -> float:
        with self._desk.store.read() as session:
            next_at = session.scalar(select(func.min(SpooledMail.next_at)))
        if next_at is None:
            return IDLE_S
        return min(IDLE_S, max(0.05, (next_at - self._desk.clock.now()).total_seconds()))

    def _finish(self, batch: _Batch) -> None:
        for answer in batch.answers:
            # Each by itself: to wait for all at once is to wait for ever for those that are cancelled in the line.
            with suppress(CancelledError):
                answer.exception()
        if self._stopping.is_set():
            return  # an answer may be missing because we stop, which says nothing about its mail
        answers = [answer.result() for answer in batch.answers]
        self._desk.files.settle(written for answer in answers if isinstance(answer, Reading) for written in answer.written)
        pairs = list(zip(batch.mails, answers, strict=True))
        self._record([(mail, self._understood(mail, answer)) for mail, answer in pairs if isinstance(answer, Reading)])
        unread = [(mail, answer) for mail, answer in pairs if isinstance(answer, Unread)]
        for mail, answer in unread:
            if answer.by_mail:
                self._failed(mail, answer.why)
        ours = [answer.why for _, answer in unread if not answer.by_mail]
        if ours:
            raise OSError(f"mail cannot be read just now: {ours[0]}")

    def _record(self, done: Sequence[tuple[SpooledMail, ReadMail]]) -> None:
        """All in one transaction; when that fails each in its own, so that one cannot hold up the others."""
        if not done:
            return
        try:
            self._store(done)
        except StoreAway:
            raise
        except Exception:
            if len(done) == 1:
                mail, _ = done[0]
                log.exception("mail %s of the spool could not be recorded", mail.id)
                self._failed(mail, "it could not be recorded; the log says why")
                return
            log.warning("a batch of %d mails could not be recorded together; each is tried alone", len(done))
            for one in done:
                self._record([one])

    def _store(self, done: Sequence[tuple[SpooledMail, ReadMail]]) -> None:
        told = traces.span("read mail", {"desk.mails": [mail.id for mail, _ in done]})
        with told, self._desk.store.tx(SYSTEM) as tx:
            gone = delete(SpooledMail).where(SpooledMail.id.in_([mail.id for mail, _ in done])).returning(SpooledMail.id)
            ours = set(tx.session.scalars(gone))  # fewer when another process was quicker
            take_in_all(tx, [read for mail, read in done if mail.id in ours])

    def _failed(self, mail: SpooledMail, why: str) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            attempts = put_off(tx, mail.id, why)
        if attempts < TRIES:
            return
        log.error("mail %s of the spool cannot be read (%s); it becomes a ticket as it came", mail.id, why)
        files = self._desk.files
        raw = files.keep(mail.raw, "message.eml", "message/rfc822")
        unreadable = self._unreadable(mail, raw, why)
        try:
            self._store([(mail, unreadable)])
        except StoreAway:
            raise
        except Exception:
            log.exception("mail %s of the spool cannot become a ticket either; it goes into quarantine alone", mail.id)
            with self._desk.store.tx(SYSTEM) as tx:
                if tx.session.execute(delete(SpooledMail).where(SpooledMail.id == mail.id)).rowcount:
                    keep_alone(tx, unreadable)

    def _understood(self, mail: SpooledMail, reading: Reading) -> ReadMail:
        inbound = reading.inbound
        settings, secret = self._desk.settings, self._desk.secret
        to = [
            *mail.envelope_to,
            *(contact.value for contact in (*inbound.to, *inbound.cc)),
            *inbound.meta.get("delivered_to", ()),
        ]
        return ReadMail(
            inbound=inbound,
            files=reading.files,
            raw=reading.raw,
            door=mail.door,
            mailbox=mail.mailbox,
            peer=mail.peer,
            envelope_from=mail.envelope_from,
            envelope_to=tuple(mail.envelope_to),
            received_at=mail.received_at,
            verdict="person" if mail.as_person else reading.verdict,
            reasons=(*reading.reasons, "let in by hand") if mail.as_person else reading.reasons,
            bounced=reading.bounced,
            returned_message_id=reading.returned_message_id,
            ticket_number=_first(read_address(address, settings.mail_from, secret) for address in to),
            bounced_mail_id=_first(read_bounce(address, settings.mail_domain, secret) for address in to),
            queue_key=self._addresses.queue_key([*mail.envelope_to, *to, mail.mailbox]),
            raw_mail_id=mail.raw_mail_id,
        )

    def _unreadable(self, mail: SpooledMail, raw: KeptFile, why: str) -> ReadMail:
        inbound = Inbound(
            channel="email",
            external_id=f"unreadable:{mail.id}:{raw.sha256}",
            sender=Contact("email", mail.envelope_from),
            subject="(unreadable mail / 无法读取的邮件)",
            text="This mail could not be read. It is attached as it came. / 这封邮件无法读取，原件见附件。",
            locale="en",
        )
        return ReadMail(
            inbound=inbound,
            files=(raw,),
            raw=raw,
            door=mail.door,
            mailbox=mail.mailbox,
            peer=mail.peer,
            envelope_from=mail.envelope_from,
            envelope_to=tuple(mail.envelope_to),
            received_at=mail.received_at,
            verdict="unreadable",
            reasons=(why,),
            queue_key=self._addresses.queue_key(mail.envelope_to),
            raw_mail_id=mail.raw_mail_id,
        )


def _first(numbers: Iterator[int | None]) -> int | None:
    return next((number for number in numbers if number is not None), None)


class _ReaderLock:
    """One reader at a time, so that two do not parse the same mail; that it is recorded once does not depend on this.

    The lock goes with the process or its connection: a reader that was killed holds up nobody.
    """

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._connection: Connection | None = None
        self._file: IO[str] | None = None

    def hold(self) -> bool:
        """Whether this process reads now."""
        if self._desk.settings.on_sqlite:
            return self._hold_file()
        return self._hold_advisory()

    def release(self) -> None:
        connection, file, self._connection, self._file = self._connection, self._file, None, None
        if file is not None:
            file.close()
        if connection is not None:
            # Said, since the server notices only in its own time that a connection was closed.
            with closing(connection), suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": READER_LOCK})

    def _hold_file(self) -> bool:
        if self._file is not None:
            return True
        file = (self._desk.settings.data_dir / "mail_reader.lock").open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        self._desk.files.clear_unsettled()
        return True

    def _hold_advisory(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._desk.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # never back to the pool: the lock belongs to this connection and ends with it
            if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": READER_LOCK}):
                self._connection = connection
                self._desk.files.clear_unsettled()
                return True
            connection.close()
        except SQLAlchemyError as error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            raise StoreAway from error
        return False
