"""A chat with a visitor of a web page; its messages are ordinary messages on the ticket."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

QUEUED, ACTIVE, ENDED = "queued", "active", "ended"


class Chat(Base):
    """`token_hash` proves the visitor; `ended_by` is agent, customer, idle, disconnect or system.

    `identity` is what the visitor's site calls them, where it has proved it; `mailed` counts transcripts that they asked for.
    """

    __tablename__ = "chat"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    state: Mapped[str] = mapped_column(default=QUEUED)
    visitor_name: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="en")
    topic: Mapped[str] = mapped_column(default="")
    page_url: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")
    rating: Mapped[int | None]
    identity: Mapped[str] = mapped_column(default="")
    mailed: Mapped[int] = mapped_column(default=0)
