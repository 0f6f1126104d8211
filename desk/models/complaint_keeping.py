"""Who was heard in a case, what must not be deleted of it, and the lists by which it is deleted in the end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

LISTED, CONFIRMED, DROPPED, DONE = "listed", "confirmed", "dropped", "done"


class Interview(Base):
    """Somebody was heard: who, in which part, when, and the sum of it."""

    __tablename__ = "interview"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"), index=True)
    person: Mapped[str]
    part: Mapped[str]  # complainant | staff | witness | expert
    how: Mapped[str]  # phone | in_person | writing
    heard_at: Mapped[datetime]
    summary: Mapped[str]
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]


class ComplaintHold(Base):
    """Nothing of the case may be deleted, whatever time has passed, until it is lifted by another person."""

    __tablename__ = "complaint_hold"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id"))
    reason: Mapped[str]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_for: Mapped[str] = mapped_column(default="")
    lifted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_complaint_hold_of", "complaint_id", "id"),
        only_where("ix_complaint_hold_open", "complaint_id", where="lifted_at IS NULL"),
    )


class Disposal(Base):
    """A list of archived cases whose time is over. One person makes it, another confirms it; then it is worked off in batches.

    `cases` are the ids still to be deleted; `left_out` is {id: why}.
    """

    __tablename__ = "disposal"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    state: Mapped[str] = mapped_column(default=LISTED)  # listed | confirmed | dropped | done
    cases: Mapped[list[int]] = mapped_column(JSON)
    left_out: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    listed: Mapped[int]
    disposed: Mapped[int] = mapped_column(default=0)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    judged_by: Mapped[str] = mapped_column(default="")
    judged_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
