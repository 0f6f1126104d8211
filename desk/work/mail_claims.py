"""Whose claims still hold: on PostgreSQL a sender locks each mail that it has in hand, and its death unlocks it.

The lock belongs to a connection of the sender's own, so that it ends with the process whatever the process had to say about it.
Without it, and on SQLite where only one process sends, a claim ends with its time.
"""

from __future__ import annotations

import logging
from contextlib import closing, suppress
from typing import Any

import psycopg

from desk.actions.mail.outbox import give_back, in_hand
from desk.db import connect
from desk.events import SYSTEM
from desk.installation import Installation

log = logging.getLogger(__name__)

MAILS_IN_HAND = 7_305_006  # first key of PostgreSQL's advisory locks; the second is the mail's id
MOST_KEYS = 2**31


class Claims:
    """The mails that this sender has in hand."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._connection: Any = None

    def hold(self, mail_id: int) -> bool:
        """Lock the mail until `close`; False when another sender has it in hand, or nobody can tell."""
        if self._desk.settings.on_sqlite:
            return False
        try:
            self._connection = self._connection or connect(self._desk.settings.database_url)
            keys = [MAILS_IN_HAND, mail_id % MOST_KEYS]
            return bool(self._connection.execute("SELECT pg_try_advisory_lock(%s::int, %s::int)", keys).fetchone()[0])
        except psycopg.Error as error:
            log.warning("a mail in hand cannot be locked: %s", error)
            self.close()
            return False

    def take_over(self) -> int:
        """Give back what senders had in hand that are no more; returns how many."""
        if self._desk.settings.on_sqlite:
            return 0
        with self._desk.store.tx(SYSTEM) as tx:
            dead = [mail for mail in in_hand(tx) if self.hold(mail.id)]
            for mail in dead:
                give_back(mail)
        if dead:
            log.warning("%d mails of a sender that is no more are sent from here", len(dead))
            self.close()
        return len(dead)

    def close(self) -> None:
        """Nothing is in hand any more."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        # Said, since the server notices only in its own time that a connection was closed.
        with closing(connection), suppress(psycopg.Error):
            connection.execute("SELECT pg_advisory_unlock_all()")
