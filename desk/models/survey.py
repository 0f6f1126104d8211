"""Asking the customer how it was, and calling back those for whom it was not good (回访)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class Survey(Base):
    """One question sheet sent for one solution of a ticket: satisfaction 1 to 5, solved or not, and a comment."""

    __tablename__ = "survey"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    access_key: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    sent_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    score: Mapped[int | None]
    solved: Mapped[bool | None]
    comment: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_survey_answered", "answered_at"),)


class FollowUp(Base):
    """A call or message to a customer after the answer: why, by whom (never the handler), and what came of it."""

    __tablename__ = "follow_up"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"))
    reason: Mapped[str]  # low_score | not_solved | complaint
    state: Mapped[str] = mapped_column(default="open")  # open | done
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    excluded_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    channel: Mapped[str] = mapped_column(default="")  # by which it was tried: phone | email | chat
    outcome: Mapped[str] = mapped_column(default="")  # satisfied | dissatisfied | not_reached
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_follow_up_state", "state", "created_at"),)
