"""Asking the customer how it was, and calling back those for whom it was not good (回访)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

CSAT, NPS, CES, INDEX = "csat", "nps", "ces", "index"
KINDS = (CSAT, NPS, CES, INDEX)
SOLVED_NOW, RELATION = "solved", "relation"  # occasions: one matter was solved, or we as a whole
LOW = {CSAT: 2, CES: 3, NPS: 6}  # so low a mark, or less, has somebody else ask what went wrong
LOW_INDEX = 0.8  # so is an index below this
REACHED = ("satisfied", "explained", "dissatisfied")  # what came of asking somebody who was there
SCALES = {CSAT: (1, 5), NPS: (0, 10), CES: (1, 7), INDEX: (1, 10)}  # the lowest and the highest mark of each question


class Survey(Base):
    """One question sheet sent for one solution of a ticket: a mark, solved or not, and a comment.

    `kind` says on which scale `score` is; for the index C = b/a it is b, what was got, and `expected` is a. `version` is that of
    the questions. `agent_id` is who had the ticket when it was sent. A sheet that waits for the morning has `sent_at` to come.
    Whom it rates reads the comment only when somebody who supervises has seen it (`seen_at`).
    """

    __tablename__ = "survey"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    access_key: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]  # email | chat | voice | form: of the ticket; phone: by the keys, right after a call
    sent_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    score: Mapped[int | None]
    solved: Mapped[bool | None]
    comment: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default=CSAT)
    expected: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    answered_how: Mapped[str] = mapped_column(default="")  # page | phone | told: by link, by key, or written down by a colleague
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    occasion: Mapped[str] = mapped_column(default=SOLVED_NOW)
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("ix_survey_answered", "answered_at"),
        Index("ix_survey_sent", "sent_at", "id"),
        Index("ix_survey_customer", "customer_id", "sent_at"),
    )


class FollowUp(Base):
    """A call or message to a customer after the answer: why, by whom (never the handler), and what came of it."""

    __tablename__ = "follow_up"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"))
    reason: Mapped[str]  # low_score | not_solved | complains | complaint
    state: Mapped[str] = mapped_column(default="open")  # open | done
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    excluded_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    channel: Mapped[str] = mapped_column(default="")  # by which it was tried: phone | email | chat
    outcome: Mapped[str] = mapped_column(default="")  # satisfied | explained | dissatisfied | not_reached | no_action
    note: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # by when the customer is to be asked; older ones have none
    done_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]  # when the first try was asked for, where this is a later one
    told_customer_at: Mapped[datetime | None]  # when the customer was spoken to; known of all who were reached

    __table_args__ = (
        Index("ix_follow_up_state", "state", "created_at"),
        Index("ix_follow_up_due", "due_at", "id"),
        Index("ix_follow_up_done", "done_at", "id"),
    )
