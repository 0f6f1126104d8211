"""A promise to ring a customer back. Its calls, the one that asked for it and the attempts, name it in `Call.callback_id`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

# How a promise stands: in the line with its old place, between two attempts or before its hour, being dialled.
WAITING, PLANNED, DIALLING = "waiting", "planned", "dialling"
OPEN = (WAITING, PLANNED, DIALLING)
# How it ended: somebody answered; nobody did, however often we tried; the customer rang us first, or does not want it any more.
REACHED, NOT_REACHED, CALLED_IN, WITHDRAWN = "reached", "not_reached", "called_in", "withdrawn"
STATES = (*OPEN, REACHED, NOT_REACHED, CALLED_IN, WITHDRAWN)

QUEUE, HOURS, WEB = "queue", "hours", "web"  # asked for: while waiting in the line, when we were closed, on our site


class Callback(Base):
    """One promise. `waiting_since` and `due_at` are those of the place that it keeps; `promised_by` is what was told.

    `next_at` is when it joins the line (again), while it is planned. `attempts` counts the times the customer was dialled,
    `first_attempt_at` is the first of them: the promise was kept if that was no later than `promised_by`.
    """

    __tablename__ = "callback"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    source: Mapped[str]
    state: Mapped[str] = mapped_column(default=WAITING)
    number: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"))
    requested_at: Mapped[datetime]
    promised_by: Mapped[datetime]
    waiting_since: Mapped[datetime]
    due_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_attempt_at: Mapped[datetime | None]
    last_outcome: Mapped[str] = mapped_column(default="")  # of the last attempt: no_answer | busy | machine | failed | answered
    late_at: Mapped[datetime | None]  # when it was noticed that the promise is broken
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        only_where("uq_callback_open_number", "number", where="ended_at IS NULL", unique=True),
        only_where("ix_callback_open", "promised_by", "id", where="ended_at IS NULL"),
        Index("ix_callback_requested", "requested_at", "id"),
        Index("ix_callback_item", "item_id"),
        Index("ix_callback_ticket", "ticket_id"),
    )
