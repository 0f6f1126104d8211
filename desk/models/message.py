"""One communication in or out, or a note between colleagues, on a ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

IN, OUT, INTERNAL = "in", "out", "internal"


class Message(Base):
    """`reply_text` is what is new in `text`. `external_id` is unique in its channel: receiving twice has one effect.

    `delivery` of what we send: queued, sent, failed; empty for what we receive. `held` messages come from someone who is not
    yet a participant: an agent approves or detaches them.
    """

    __tablename__ = "message"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    channel: Mapped[str]
    direction: Mapped[str]
    kind: Mapped[str] = mapped_column(default="message")  # message | note | auto_reply | bounce
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    author_name: Mapped[str] = mapped_column(default="")
    from_address: Mapped[str] = mapped_column(default="")
    to: Mapped[list[str]] = mapped_column(JSON, default=list)
    cc: Mapped[list[str]] = mapped_column(JSON, default=list)
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str]
    reply_text: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    external_id: Mapped[str | None]
    mail_message_id: Mapped[str | None]
    in_reply_to: Mapped[str] = mapped_column(default="")
    references: Mapped[list[str]] = mapped_column("references_", JSON, default=list)
    threaded_by: Mapped[str] = mapped_column(default="")
    held: Mapped[bool] = mapped_column(default=False)
    delivery: Mapped[str] = mapped_column(default="")
    delivery_error: Mapped[str] = mapped_column(default="")
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_message_ticket", "ticket_id", "id"),
        Index("uq_message_external", "channel", "external_id", unique=True),
        Index("ix_message_mail_message_id", "mail_message_id"),
        Index("ix_message_customer", "customer_id", "id"),
    )


# What somebody wrote: lines that the desk itself puts into a conversation say so in their `meta`.
BY_PEOPLE = Message.meta["system"].as_string().is_(None)
