"""What is changed so that a complaint does not come again (CAPA): done is not closed, somebody else looks whether it helped."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

CORRECTION, CORRECTIVE, PREVENTIVE = "correction", "corrective", "preventive"
KINDS = (CORRECTION, CORRECTIVE, PREVENTIVE)
OPEN, DONE, CLOSED = "open", "done", "closed"
EFFECTIVE, NOT_EFFECTIVE, INCONCLUSIVE = "effective", "not_effective", "inconclusive"
RESULTS = (EFFECTIVE, NOT_EFFECTIVE, INCONCLUSIVE)


class CorrectiveAction(Base):
    """One thing to be changed, by somebody, by a day.

    `cause` and `product` say what it is to end; `like_before` and `like_after` count such complaints, over `check_after_days`
    before it was opened and after it was done. One that did not help is closed so, and the next one names it as `previous_id`.
    """

    __tablename__ = "corrective_action"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=OPEN)
    title: Mapped[str]
    change: Mapped[str]  # what is to be different afterwards
    method: Mapped[str]  # by what somebody will see whether it helped
    cause: Mapped[str] = mapped_column(default="")
    product: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("complaint_alert.id"), index=True)
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("corrective_action.id"))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    check_after_days: Mapped[int] = mapped_column(default=30)
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    evidence: Mapped[str] = mapped_column(default="")
    check_due_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    result: Mapped[str] = mapped_column(default="")  # effective | not_effective | inconclusive: the last check's
    check_note: Mapped[str] = mapped_column(default="")
    like_before: Mapped[int] = mapped_column(default=0)
    like_after: Mapped[int | None]
    told: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict)  # by language: what you said, what we did
    told_at: Mapped[datetime | None]  # since when customers read that

    __table_args__ = (
        Index("ix_corrective_action_state", "state", "due_at", "id"),
        Index("ix_corrective_action_owner", "owner_id", "state", "id"),
        Index("ix_corrective_action_done", "done_at", "id"),
        only_where("ix_corrective_action_told", "told_at", "id", where="told_at IS NOT NULL"),
    )

    @property
    def clock_at(self) -> datetime | None:
        """By when the next thing is to happen: it is to be done, then somebody is to look whether it helped."""
        return {OPEN: self.due_at, DONE: self.check_due_at}.get(self.state)


class ActionCase(Base):
    """A complaint that an action answers to."""

    __tablename__ = "corrective_action_case"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("corrective_action.id"))
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)

    __table_args__ = (UniqueConstraint("action_id", "complaint_id"),)
