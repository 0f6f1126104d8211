"""The SMTP door: a batch of mails is kept as it came, in one transaction, and only then answered 250. Reading comes later."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from channels.email.batch import Envelope, Reply
from channels.email.listener import MailListener, Refused
from desk import traces
from desk.actions.mail.spool import Delivery, Refusal, keep, note_refused
from desk.db import connect
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models.mail_in import SMTP
from desk.store import StoreAway
from desk.work.mail_tls import smtp_tls
from desk.work.mail_wire import LARGEST_MAIL
from desk.work.our_addresses import FRESH_S, OurAddresses
from desk.work.pace import Pace

log = logging.getLogger(__name__)

RECEIVED = Reply(250, "2.0.0 Received, thank you")
MOST_REFUSALS = 500  # noted at a time; whoever knocks more often than that is only logged
REFUSALS_EVERY_S = 1.0


class MailDoor:
    """Receives mail for the desk. `start` binds the port of the settings; `port` is the real one then.

    `kept` is called after each commit, with mail waiting to be read.
    """

    def __init__(
        self, desk: Installation, *, kept: Callable[[], None] = lambda: None, noted: Callable[[], None] = lambda: None
    ) -> None:
        self._desk = desk
        self._kept = kept
        self._noted = noted
        self.pace = Pace(desk.clock)
        self.addresses = OurAddresses(desk)
        self._connection: Any = None
        self._refused: deque[Refusal] = deque(maxlen=MOST_REFUSALS)
        settings = desk.settings
        self.listener = MailListener(
            settings.smtp_host,
            settings.smtp_port,
            self.accept,
            now=desk.clock.now,
            recipient_ok=self.addresses.is_ours,
            refused=self._note,
            size_limit=LARGEST_MAIL,
            hostname=settings.mail_domain,
            tls_context=smtp_tls(settings),
            sign_in=settings.smtp_auth,
        )

    def start(self) -> None:
        self.addresses.refresh()
        self.listener.start()

    def stop(self) -> None:
        self.listener.stop()
        self.stop_keeping()
        self.turn()

    def _connect(self) -> Any:
        """A connection whose commits are on disk when they return, however the server is set up: a `250` promises that."""
        connection = connect(self._desk.settings.database_url)
        if not self._desk.settings.on_sqlite:
            connection.execute("SET synchronous_commit = on")
        return connection

    def stop_keeping(self) -> None:
        """Close the connection over which mail is kept."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def port(self) -> int:
        return self.listener.port

    def accept(self, batch: Sequence[Envelope]) -> list[Reply]:
        """Keep a batch. Raises when the store is away: the listener answers 451 then, and nothing is kept."""
        with self.pace.hurrying():
            deliveries = [
                Delivery(
                    door=SMTP,
                    mailbox=self.addresses.mailbox_of(envelope.rcpt_tos) or self._desk.settings.mail_from,
                    envelope_from=envelope.mail_from,
                    envelope_to=envelope.rcpt_tos,
                    peer=envelope.peer,
                    received_at=envelope.received_at,
                    raw=envelope.data,
                    helo=envelope.helo,
                )
                for envelope in batch
            ]
            self.keep(deliveries)
        self._kept()
        return [RECEIVED] * len(batch)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Make mails durable, over a connection that is kept for this. Used by one thread."""
        settings = self._desk.settings
        connection, self._connection = self._connection, None
        try:
            connection = connection or self._connect()
            told = traces.span("receive mail", {"desk.mails": len(deliveries)})
            with told, self._desk.store.direct(connection, SYSTEM) as unit:
                keep(unit, deliveries, settings.timezone)
        except (psycopg.OperationalError, sqlite3.OperationalError) as error:
            raise StoreAway from error
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        self._connection = connection

    def turn(self) -> float:
        """Learn our addresses anew when they have changed, and write down who was turned away."""
        self.addresses.refresh()
        refusals = []
        while self._refused:
            refusals.append(self._refused.popleft())
        if refusals:
            with self._desk.store.tx(SYSTEM) as tx:
                note_refused(tx, refusals)
                tx.emit("mail.refused", data={"count": len(refusals)})
        return FRESH_S

    def _note(self, refused: Refused) -> None:
        """Runs on the listener's loop."""
        if len(self._refused) == MOST_REFUSALS:
            log.warning(
                "mail from %s for %s was refused and is not in the ledger: too many at once", refused.peer, refused.address
            )
            return
        at = self._desk.clock.now()
        self._refused.append(Refusal(refused.mail_from[:254], refused.address[:254], refused.peer, at, refused.answer))
        self._noted()
