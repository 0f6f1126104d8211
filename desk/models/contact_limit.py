"""Conduct that nobody has to bear: one warning, and after it a limit on how a customer reaches us, for a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

CHANNEL, PERSON = "channel", "person"
KINDS = (CHANNEL, PERSON)
WRITING = "email"  # in writing only: by mail, form or letter


class ConductWarning(Base):
    """What was said or done, as facts, and that the customer was told in these words what follows if it goes on."""

    __tablename__ = "conduct_warning"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    happened: Mapped[str]
    said: Mapped[str]
    given_by: Mapped[str]
    given_at: Mapped[datetime]

    __table_args__ = (Index("ix_conduct_warning_of", "customer_id", "id"),)


class ContactLimit(Base):
    """How a customer reaches us until a day: in writing only, or by one person. It ends by itself; the matter goes on.

    `review_at` is the day by which somebody looks whether it is still needed.
    """

    __tablename__ = "contact_limit"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    kind: Mapped[str]  # channel | person
    person_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    reason: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    review_at: Mapped[datetime]
    until: Mapped[datetime]
    reviewed_by: Mapped[str] = mapped_column(default="")
    reviewed_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")
    ended_for: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        only_where("uq_contact_limit_now", "customer_id", where="ended_at IS NULL", unique=True),
        only_where("ix_contact_limit_review", "review_at", "id", where="ended_at IS NULL"),
        Index("ix_contact_limit_of", "customer_id", "id"),
    )
