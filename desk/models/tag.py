"""Tags: words of this installation that tickets are marked with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

COLOURS = ("grey", "teal", "green", "amber", "red", "violet", "gold", "blue")
LONGEST_TAG = 40


class Tag(Base):
    """`folded` is the word without what does not tell words apart (case, width, traditional signs); it is there once.

    Who is retired stays on the tickets and is offered no more; merged is retired with the tag that took its place.
    """

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    word: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[str] = mapped_column(default=COLOURS[0])
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"))


class TicketTag(Base):
    """A ticket is marked with a tag."""

    __tablename__ = "ticket_tag"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    at: Mapped[datetime]

    __table_args__ = (
        Index("uq_ticket_tag", "ticket_id", "tag_id", unique=True),
        Index("ix_ticket_tag_tag", "tag_id", "ticket_id"),
    )
