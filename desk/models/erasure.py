"""What is made unreadable for good: a customer at their wish, cases that two people listed, tickets whose time is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

CUSTOMER, CASES, TICKETS = "customer", "cases", "tickets"
ASKED, AGREED, RUNNING, RESTRICTED, DONE, DROPPED = "asked", "agreed", "running", "restricted", "done", "dropped"
STANDING = (ASKED, AGREED, RUNNING, RESTRICTED)


class Erasure(Base):
    """One person asks, another agrees, the worker carries it out. While it is `running` the log's entries may lose their words.

    `customer_since` is when the customer's row was made: the number alone may be another's after an old backup was put back.
    `duties` are [{"why", "number", "until"}, …]: what keeps data for now, while it is `restricted`; `look_again_at` is when that
    may be over. `counts` is {what: how many rows} of what is gone. A `repeated` one had been agreed on before a backup was put
    back; one that had been `ended` by then waits for nothing any more.
    """

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str] = mapped_column(default=CUSTOMER)  # customer | cases | tickets
    state: Mapped[str] = mapped_column(default=ASKED)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    customer_since: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    asked_by: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    judged_by: Mapped[str] = mapped_column(default="")
    judged_at: Mapped[datetime | None]
    duties: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    look_again_at: Mapped[datetime | None]
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    repeated: Mapped[bool] = mapped_column(default=False)
    ended: Mapped[bool] = mapped_column(default=False)
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_erasure_state", "state", "id"),
        only_where(
            "uq_erasure_standing",
            "customer_id",
            where="kind = 'customer' AND state IN ('asked', 'agreed', 'running', 'restricted')",
            unique=True,
        ),
        only_where("ix_erasure_customer", "customer_id", "id", where="customer_id IS NOT NULL"),
    )


class RestrictedTicket(Base):
    """A ticket that is only kept, and shown to nobody. A table of few rows: every list of tickets asks it."""

    __tablename__ = "restricted_ticket"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    since: Mapped[datetime]
