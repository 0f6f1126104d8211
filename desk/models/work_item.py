"""Everything that waits for a person is a work item; offering it to someone is an offer. The unified queue is these rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, bindparam, text
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

WAITING, OFFERED, ACTIVE, WRAP_UP, DONE, ABANDONED = "waiting", "offered", "active", "wrap_up", "done", "abandoned"
KINDS = ("call", "chat", "ticket", "complaint", "callback", "follow_up", "hand_up")

# Offer states. `accepted` lasts until the work, its wrap-up included, is done: it is what holds the agent's capacity.
ACCEPTED, REJECTED, TIMEOUT, CANCELED, RESCINDED, COMPLETED = (
    "accepted",
    "rejected",
    "timeout",
    "canceled",
    "rescinded",
    "completed",
)
HOLDING = (OFFERED, ACCEPTED)
IN_HAND = (OFFERED, ACTIVE, WRAP_UP)  # states of work that somebody has


class WorkItem(Base):
    """One piece of work. The order of waiting is (band, due_at, id) and never rewritten by waiting longer.

    `excluded` is {agent id: ISO time until which they are not asked}. `requires` is [[skill, minimum level], …]: the queue's and
    what the work itself asks for (`asked`). `steps_done` counts the overflow steps that have been recorded as taken.
    """

    __tablename__ = "work_item"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    channel: Mapped[str]  # whose capacity rule applies: voice | chat | email | complaint | followup | ticket
    state: Mapped[str] = mapped_column(default=WAITING)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    tier: Mapped[str] = mapped_column(default="standard")
    requires: Mapped[list[list[Any]]] = mapped_column(JSON)
    asked: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    steps_done: Mapped[int] = mapped_column(default=0)
    band: Mapped[int]
    due_at: Mapped[datetime]
    promote_at: Mapped[datetime | None]
    enqueued_at: Mapped[datetime]
    excluded: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    sticky_agent_id: Mapped[int | None]
    sticky_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    offered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    wrap_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        Index(
            "ix_work_item_waiting",
            "band",
            "due_at",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_work_item_agent", "agent_id", "state"),
        Index("ix_work_item_ticket", "ticket_id", "state"),
        Index("ix_work_item_queue", "queue_id", "enqueued_at"),
        Index("ix_work_item_line", "queue_id", "channel", "state", "ended_at"),
        Index("ix_work_item_state", "state", "id"),
        Index("ix_work_item_kind", "kind", "id"),
        Index("ix_work_item_enqueued", "enqueued_at"),
    )


class Offer(Base):
    """Asking one agent to take one item. `reason` says why this item, why this agent; `epoch` which router decided."""

    __tablename__ = "offer"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("work_item.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    channel: Mapped[str]
    weight: Mapped[int]
    state: Mapped[str] = mapped_column(default=OFFERED)
    offered_at: Mapped[datetime]
    deadline: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    epoch: Mapped[int]
    reason: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        Index(
            "uq_offer_one_holder",
            "item_id",
            unique=True,
            sqlite_where=text("state IN ('offered','accepted')"),
            postgresql_where=text("state IN ('offered','accepted')"),
        ),
        Index("ix_offer_agent", "agent_id", "state"),
        Index("ix_offer_item", "item_id", "id"),
        Index(
            "ix_offer_deadline",
            "deadline",
            sqlite_where=text("state = 'offered'"),
            postgresql_where=text("state = 'offered'"),
        ),
    )


# All offers that hold work. The states are written into the statement, or SQLite would not see that the partial index has them.
IS_HOLDING = Offer.state.in_(bindparam("holding", HOLDING, expanding=True, literal_execute=True))


class RouterLease(Base):
    """Who routes. Every claim checks the epoch, so a router that was paused and replaced can change nothing."""

    __tablename__ = "router_lease"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    holder: Mapped[str]
    until: Mapped[datetime]
    backend: Mapped[int | None]  # PostgreSQL's process id of the holder's connection, which keeps the advisory lock
