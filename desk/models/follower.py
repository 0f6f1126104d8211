"""Somebody wants to hear what happens on a ticket without being its owner."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class TicketFollower(Base):
    """`seen_id` is the last event of the ticket that they have seen; what comes after it is news."""

    __tablename__ = "ticket_follower"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]
    seen_id: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        Index("uq_ticket_follower", "ticket_id", "agent_id", unique=True),
        Index("ix_ticket_follower_agent", "agent_id", "ticket_id"),
    )
