"""Somebody is told that a complaint's clock runs down, or that a case is critical, until they have seen it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

ACKNOWLEDGE, DECIDE, CRITICAL = "acknowledge", "decide", "critical"
BREACH = 100


class ComplaintNotice(Base):
    """One person told once of one clock: `share` is the percentage of the time to `due_at` that had passed, 100 a breach.

    With the clock `critical` the case has become one of severity 1, and `share` is 0.
    """

    __tablename__ = "complaint_notice"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    clock: Mapped[str]  # acknowledge | decide | critical
    share: Mapped[int]
    due_at: Mapped[datetime]
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("complaint_id", "agent_id", "clock", "share", "due_at"),
        only_where("ix_complaint_notice_unseen", "agent_id", "id", where="seen_at IS NULL"),
    )
