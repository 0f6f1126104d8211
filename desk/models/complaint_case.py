"""What a complaint's file holds beside its stage: the points complained of, the decision as it is drafted, and what is given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

PROVEN, NOT_PROVEN, OPEN_QUESTION = "proven", "not_proven", "undetermined"
DRAFT, ASKED, REJECTED, SENT = "draft", "asked", "rejected", "sent"


class Allegation(Base):
    """One point of a complaint. `finding` is empty until somebody has looked into it; `standard` is what it is measured by."""

    __tablename__ = "allegation"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    text: Mapped[str]
    standard: Mapped[str] = mapped_column(default="")
    finding: Mapped[str] = mapped_column(default="")  # proven | not_proven | undetermined
    reason: Mapped[str] = mapped_column(default="")
    found_by: Mapped[str] = mapped_column(default="")
    found_at: Mapped[datetime | None]


class ComplaintDecision(Base):
    """One decision from its draft to the letter. `approvals` are [{"agent", "name", "at"}, …], never of who drafted it.

    `letter` is the letter's HTML as it was sent, `letter_sha256` its hash, which the event of sending names too; so with the PDF.
    """

    __tablename__ = "complaint_decision"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    state: Mapped[str] = mapped_column(default=DRAFT)  # draft | asked | rejected | sent
    outcome: Mapped[str]
    looked_into: Mapped[str]  # what we did to find out
    reasons: Mapped[str]
    apology: Mapped[str] = mapped_column(default="")
    changed: Mapped[str] = mapped_column(default="")  # what we do so that it does not happen again
    drafted_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    drafted_at: Mapped[datetime]
    approvals: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    rejected_for: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]
    letter: Mapped[str] = mapped_column(default="")
    letter_sha256: Mapped[str] = mapped_column(default="")
    pdf: Mapped[bytes | None] = mapped_column(LargeBinary)  # the same letter as a file, made with it
    pdf_sha256: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_complaint_decision_of", "complaint_id", "id"),)


class Redress(Base):
    """Something given to put it right. `cents` is money in hundredths, 0 for an apology; `proof` says that it was done."""

    __tablename__ = "redress"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    kind: Mapped[str]
    cents: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(default="")
    due_at: Mapped[datetime]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    done_at: Mapped[datetime | None]
    proof: Mapped[str] = mapped_column(default="")
