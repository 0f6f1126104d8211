"""Somebody was named in a note, and is to look at it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where


class Mention(Base):
    """`agent_id` is who is named; `seen_at` when they had the ticket before them."""

    __tablename__ = "mention"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    __table_args__ = (only_where("ix_mention_unseen", "agent_id", "id", where="seen_at IS NULL"),)
