"""A letter of ours to somebody whom no mail reaches: printed by a person, put into an envelope and posted."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where


class PaperLetter(Base):
    """Its words are the message's. `posted_on` is the day on which it went to the post, as who took it there says."""

    __tablename__ = "paper_letter"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    kind: Mapped[str]  # as the letters that go by mail: acknowledgement | decision | extension | …
    address: Mapped[str]
    made_at: Mapped[datetime]
    posted_on: Mapped[date | None]
    posted_by: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        only_where("ix_paper_letter_waiting", "id", where="posted_on IS NULL"),
        Index("ix_paper_letter_ticket", "ticket_id", "id"),
    )
