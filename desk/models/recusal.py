"""Who must have nothing to do with a case: the person complained about, and whoever is too near to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

ABOUT, INTEREST = "about", "interest"  # complained about | has an interest of their own in how it ends


class Recusal(Base):
    """One person kept out of one ticket: for them it is not there, and none of its work is given to them."""

    __tablename__ = "recusal"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    why: Mapped[str]  # about | interest
    note: Mapped[str] = mapped_column(default="")
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("ticket_id", "agent_id"), Index("ix_recusal_agent", "agent_id", "ticket_id"))
