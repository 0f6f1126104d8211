"""Mail as it passes our door: what came in (raw, kept), what is to go out, and the demo's own mailbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

QUEUED, SENDING, SENT, FAILED = "queued", "sending", "sent", "failed"
OPENED, APPENDED, NOTED, DUPLICATE, QUARANTINED, REFUSED = "opened", "appended", "noted", "duplicate", "quarantined", "refused"
OUTCOMES = (OPENED, APPENDED, NOTED, DUPLICATE, QUARANTINED, REFUSED)


class RawMail(Base):
    """The ledger of everything answered 250: where the bytes lie, what we took it for and why, and what became of it.

    A mail that came before has a row of its own too, with the first one's id in `duplicate_of_id`; all others have an identity
    of their own. `sha256` is empty for what was turned away at the door.
    """

    __tablename__ = "raw_mail"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    identity: Mapped[str]
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("raw_mail.id"))
    sha256: Mapped[str]
    size: Mapped[int]
    door: Mapped[str] = mapped_column(default="smtp")  # smtp | imap
    mailbox: Mapped[str] = mapped_column(default="")
    peer: Mapped[str] = mapped_column(default="")
    envelope_from: Mapped[str]
    envelope_to: Mapped[list[str]] = mapped_column(JSON)
    from_address: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    mail_message_id: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime] = mapped_column(index=True)
    read_at: Mapped[datetime | None]
    verdict: Mapped[str]  # person | auto_reply | bounce | list | loop | unreadable | … as the screening says
    reasons: Mapped[list[str]] = mapped_column(JSON)
    outcome: Mapped[str]  # opened | appended | noted | duplicate | quarantined | refused
    settled_by: Mapped[str] = mapped_column(default="")
    settled_at: Mapped[datetime | None]
    settled_why: Mapped[str] = mapped_column(default="")
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)

    __table_args__ = (
        Index(
            "uq_raw_mail_identity",
            "identity",
            unique=True,
            sqlite_where=text("duplicate_of_id IS NULL"),
            postgresql_where=text("duplicate_of_id IS NULL"),
        ),
        # With all rows in it, SQLite would look for first deliveries by what nearly all rows have in common.
        only_where("ix_raw_mail_duplicate_of_id", "duplicate_of_id", where="duplicate_of_id IS NOT NULL"),
        Index("ix_raw_mail_outcome", "outcome", "received_at", "id"),
        Index("ix_raw_mail_mailbox", "mailbox", "received_at", "id"),
        Index("ix_raw_mail_sender", "from_address", "received_at"),
    )


class OutboxMail(Base):
    """A mail that must leave. Written with the change that causes it, sent by the worker, tried again until it is clear.

    `state` is `queued` or `sending` while anybody is still to get it, then `sent`, or `failed` when nobody got it. What became
    of each recipient stands in `OutboxRecipient`. `automatic` mail has no return path and is not answered by machines.
    """

    __tablename__ = "outbox_mail"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    automatic: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (Index("ix_outbox_mail_due", "state", "next_at"),)


class OutboxRecipient(Base):
    """One address that a mail goes to: `queued`, `sent` (the relay has it) or `failed` (refused, given up, or come back).

    `code` and `said` are the answer of the relay, or of the server that sent it back, in its own words; `status` is the
    enhanced code such as 5.1.1. `settled_at` is when somebody saw the failure and left it so.
    """

    __tablename__ = "outbox_recipient"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("outbox_mail.id"))
    address: Mapped[str]
    state: Mapped[str] = mapped_column(default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    code: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="")
    said: Mapped[str] = mapped_column(default="")
    came_back: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_outbox_recipient_address", "mail_id", "address", unique=True),
        Index("ix_outbox_recipient_address", "address", "changed_at"),
        Index("ix_outbox_recipient_state", "state", "changed_at"),
        only_where("ix_outbox_recipient_unsettled", "mail_id", where="state = 'failed' AND settled_at IS NULL"),
    )


class PictureTrust(Base):
    """An agent wants to see the pictures in the mails of this sender, though they tell the sender that they are seen."""

    __tablename__ = "picture_trust"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    address: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (Index("uq_picture_trust", "agent_id", "address", unique=True),)


class MailboxMail(Base):
    """With no relay set, mail that we send lands here, where a newcomer reads and answers it."""

    __tablename__ = "mailbox_mail"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    at: Mapped[datetime]
    envelope_from: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_mailbox_mail_recipient", "recipient", "id"),)
