"""A question from the desk to the next support level: what is the matter, what was tried, what is asked, and by when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

OPEN, ANSWERED, RETURNED, HANDED_ON, WITHDRAWN = "open", "answered", "returned", "handed_on", "withdrawn"


class HandUp(Base):
    """One hand-up. The ticket's owner stays the only voice to the customer; `item_id` is the work of whoever is asked.

    `returned` means sent back unanswered with a reason (in `answer`): something was missing. One may be open per ticket.
    """

    __tablename__ = "hand_up"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("work_item.id"))
    from_level: Mapped[int]
    to_level: Mapped[int]
    state: Mapped[str] = mapped_column(default=OPEN)
    problem: Mapped[str]
    tried: Mapped[str]
    question: Mapped[str]
    needed_by: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    answer: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))

    __table_args__ = (
        Index("ix_hand_up_ticket", "ticket_id", "id"),
        Index("ix_hand_up_item", "item_id"),
        Index(
            "uq_hand_up_one_open",
            "ticket_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )
