"""A complaint: a ticket that is handled as a case, on clocks promised to the customer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

RECEIVED, ACKNOWLEDGED, ASSESSED, INVESTIGATING = "received", "acknowledged", "assessed", "investigating"
DECIDED, FOLLOW_UP, CLOSED, REOPENED, WITHDRAWN = "decided", "follow_up", "closed", "reopened", "withdrawn"

# What may follow what. The edges answer a forbidden move with this list.
NEXT: dict[str, tuple[str, ...]] = {
    RECEIVED: (ACKNOWLEDGED, WITHDRAWN),
    ACKNOWLEDGED: (ASSESSED, WITHDRAWN),
    ASSESSED: (INVESTIGATING, WITHDRAWN),
    INVESTIGATING: (DECIDED, WITHDRAWN),
    DECIDED: (FOLLOW_UP,),
    FOLLOW_UP: (CLOSED, REOPENED),
    CLOSED: (REOPENED,),
    REOPENED: (INVESTIGATING, WITHDRAWN),
    WITHDRAWN: (),
}


class Complaint(Base):
    """The record beside the ticket. `policy` names the rule that set the due times; both are kept as promised."""

    __tablename__ = "complaint"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), unique=True)
    stage: Mapped[str] = mapped_column(default=RECEIVED)
    policy: Mapped[str] = mapped_column(default="DEFAULT")
    category: Mapped[str] = mapped_column(default="")
    severity: Mapped[int] = mapped_column(default=3)
    statement: Mapped[str]
    remedy_wanted: Mapped[str] = mapped_column(default="")
    product: Mapped[str] = mapped_column(default="")
    order_number: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")  # upheld | partly_upheld | not_upheld | resolved_early | withdrawn
    decision: Mapped[str] = mapped_column(default="")
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    received_at: Mapped[datetime]
    acknowledge_due_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    decide_due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    access_key: Mapped[str] = mapped_column(unique=True)  # the secret part of the status page's address

    __table_args__ = (
        Index("ix_complaint_stage_due", "stage", "decide_due_at"),
        Index("ix_complaint_stage_id", "stage", "id"),
        Index("ix_complaint_closed", "closed_at", "id"),
    )


class Evidence(Base):
    """A file that belongs to the case: never changed, never removed."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"))
    sha256: Mapped[str]
    added_by: Mapped[str]  # customer | agent
    added_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("complaint_id", "attachment_id"),)
