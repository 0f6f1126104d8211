"""The customer's issue: it holds many contacts over any channels and ends with a solution that the customer confirms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from desk.beginnings import Sought, folded
from desk.db import BIG, Base, only_where

NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL = "new", "open", "pending_customer", "pending_internal"
SOLVED, CLOSED, MERGED, SPAM = "solved", "closed", "merged", "spam"
LIVE = (NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL)
TYPES = ("enquiry", "request", "incident", "complaint")
CATEGORIES = ("billing", "technical", "delivery", "product", "service", "privacy", "other")
SOUGHT = 80  # so much of a subject is enough to find it
WRAP_UP_CODES = ("solved", "information_given", "follow_up", "transferred", "no_action", "wrong_number", "dropped")
SOMEBODY_ELSE = "not_there"  # how a call of ours may end besides: who answered is not the customer
CALL_OUTCOMES = (*WRAP_UP_CODES, SOMEBODY_ELSE)
STATUSES = (*LIVE, SOLVED, CLOSED, MERGED, SPAM)
FIRST_NUMBER = 10_000  # ticket numbers are the row's id above this, so that they are short, unique and never reused


class Ticket(Base):
    """`channel` is where it began. The due times are set by its priority and its queue's calendar.

    A snoozed one (`snoozed_until`) leaves the lists of what is to do until then; its clocks go on. `answers` are those to the
    installation's own questions, by the key of each.

    `subject_sought` is kept with the subject, for finding it by its start. The indexes end in the order of the lists they serve:
    `updated_at` on the screens, `id` in the API.
    """

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    number: Mapped[int | None] = mapped_column(unique=True)
    subject: Mapped[str]
    subject_sought: Mapped[str] = mapped_column(Sought)
    type: Mapped[str] = mapped_column(default="enquiry")
    category: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default=NEW)
    priority: Mapped[int] = mapped_column(default=3)
    level: Mapped[int] = mapped_column(default=1)
    channel: Mapped[str]
    locale: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    first_due_at: Mapped[datetime | None]
    first_human_reply_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]
    resolve_due_at: Mapped[datetime | None]
    paused_since: Mapped[datetime | None]
    solved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(default=0)
    wrap_up_code: Mapped[str] = mapped_column(default="")
    resolution: Mapped[str] = mapped_column(default="")
    score: Mapped[int | None]
    snoozed_until: Mapped[datetime | None]
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        Index("ix_ticket_status_updated", "status", "updated_at", "id"),
        Index("ix_ticket_status_id", "status", "id"),
        Index("ix_ticket_owner", "owner_id", "status", "updated_at", "id"),
        Index("ix_ticket_team", "team_id", "status", "updated_at", "id"),
        Index(
            "ix_ticket_complaint",
            "status",
            "updated_at",
            "id",
            sqlite_where=text("type = 'complaint'"),
            postgresql_where=text("type = 'complaint'"),
        ),
        only_where("ix_ticket_snoozed", "snoozed_until", "id", where="snoozed_until IS NOT NULL"),
        Index("ix_ticket_customer", "customer_id", "id"),
        Index("ix_ticket_queue", "queue_id", "id"),
        Index("ix_ticket_channel", "channel", "id"),
        Index("ix_ticket_type", "type", "id"),
        Index("ix_ticket_subject_sought", "subject_sought"),
    )

    @validates("subject")
    def _seek(self, _field: str, subject: str) -> str:
        self.subject_sought = folded(subject, SOUGHT)
        return subject
