"""Mail on its way in: the spool between “250” and reading, our addresses, mailboxes that we fetch from, and what was counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

SMTP, IMAP = "smtp", "imap"
REMOVED = "removed"


class SpooledMail(Base):
    """A mail that we have answered for and not read yet. The row goes in the transaction that records what became of it.

    `attempts` counts failures that this mail caused; after one it rests until `next_at`. `raw_mail_id` is set when a mail from
    the quarantine is to be read again: its row in the ledger is used, not another; `as_person` then lets it in whatever it is.
    """

    __tablename__ = "spooled_mail"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    door: Mapped[str] = mapped_column(default=SMTP)
    mailbox: Mapped[str]  # the address of ours that it is counted under
    envelope_from: Mapped[str]
    envelope_to: Mapped[list[str]] = mapped_column(JSON)
    peer: Mapped[str] = mapped_column(default="")
    helo: Mapped[str] = mapped_column(default="")  # how the sender greeted us: what SPF asks about when nobody is named
    received_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
    raw_mail_id: Mapped[int | None] = mapped_column(ForeignKey("raw_mail.id"), index=True)
    as_person: Mapped[bool] = mapped_column(default=False)
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class MailTally(Base):
    """How much came to each of our addresses on a day (of the desk's time zone), counted at the door and by nothing else."""

    __tablename__ = "mail_tally"

    day: Mapped[str] = mapped_column(primary_key=True)  # 2026-11-21
    mailbox: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(default=0)


class MailAddress(Base):
    """An address of ours and the queue that its mail goes to."""

    __tablename__ = "mail_address"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"), index=True)
    name: Mapped[str] = mapped_column(default="")
    name_zh: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class MailAccount(Base):
    """A mailbox elsewhere that we fetch from by IMAP. `secret` is encrypted with the installation's key.

    `uid_validity` and `last_uid` say how far it has been fetched; a folder that was made anew begins from the start.
    """

    __tablename__ = "mail_account"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    tls: Mapped[str]  # tls | starttls | none
    user: Mapped[str]
    auth: Mapped[str]  # password | xoauth2
    secret: Mapped[str] = mapped_column(default="")
    folder: Mapped[str] = mapped_column(default="INBOX")
    after: Mapped[str] = mapped_column(default="flag")  # flag | move
    after_folder: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")  # of ours, that its mail counts as sent to
    active: Mapped[bool] = mapped_column(default=True)
    uid_validity: Mapped[int] = mapped_column(default=0)
    last_uid: Mapped[int] = mapped_column(default=0)
    fetched_at: Mapped[datetime | None]
    fetched: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    failing_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class MailSilence(Base):
    """A sender whose mail goes round or floods: nothing automatic is sent there until `until`, unless somebody lifts it."""

    __tablename__ = "mail_silence"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    address: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    mails: Mapped[int]
    lifted_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_mail_silence_address", "address", "until"),)


class TicketParticipant(Base):
    """Somebody beside the customer who takes part in a ticket by mail: in copy, let in, or written to by an agent.

    Whom an agent removed is kept, so that the next mail of theirs does not count by itself.
    """

    __tablename__ = "ticket_participant"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    address: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    how: Mapped[str] = mapped_column(default="copy")  # copy | let_in | added | removed
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_ticket_participant", "ticket_id", "address", unique=True),)
