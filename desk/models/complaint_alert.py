"""What shows only over several complaints: more that are alike than there should be, and what one customer's have in common."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

BY_CAUSE, BY_CATEGORY = "cause", "category"
DISMISSED, HANDLED = "dismissed", "handled"


class ComplaintAlert(Base):
    """One cluster: the same `about` (a root cause, or a category while the cause is not known) and product.

    `seen` came within the window, `expected` is the mean of the periods before it, `most` what chance would still explain. While
    it is open there is no second one of the same cluster. `complaint_ids` are those that were counted, the latest of very many.
    """

    __tablename__ = "complaint_alert"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    dimension: Mapped[str]  # cause | category
    about: Mapped[str]
    product: Mapped[str] = mapped_column(default="")
    found_at: Mapped[datetime]
    seen: Mapped[int]
    expected: Mapped[float]
    most: Mapped[int]
    complaint_ids: Mapped[list[int]] = mapped_column(JSON)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    outcome: Mapped[str] = mapped_column(default="")  # dismissed | handled
    reason: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        only_where("uq_complaint_alert_open", "dimension", "about", "product", where="closed_at IS NULL", unique=True),
        Index("ix_complaint_alert_closed", "closed_at", "id"),
        Index("ix_complaint_alert_of", "about", "product", "id"),
    )


class PatternNote(Base):
    """What complaint officers tell one another of one customer's complaints, as facts. Nobody else knows that it is there."""

    __tablename__ = "pattern_note"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    text: Mapped[str]
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]

    __table_args__ = (Index("ix_pattern_note_of", "customer_id", "id"),)
