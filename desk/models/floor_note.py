"""A few words of a supervisor to somebody of their team, on that person's screen until they have seen them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where


class FloorNote(Base):
    """`agent_id` is whom it is for, `author` the name of who wrote it; `seen_at` is when its reader said so."""

    __tablename__ = "floor_note"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    author: Mapped[str]
    text: Mapped[str]
    sent_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_floor_note_agent", "agent_id", "id"),
        only_where("ix_floor_note_unseen", "agent_id", "id", where="seen_at IS NULL"),
    )
