"""Everything that waits for a person is a work item; offering it to someone is an offer. The unified queue is these rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, bindparam, or_
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

WAITING, OFFERED, ACTIVE, WRAP_UP, DONE, ABANDONED = "waiting", "offered", "active", "wrap_up", "done", "abandoned"
KINDS = ("call", "chat", "ticket", "complaint", "callback", "consult", "follow_up", "hand_up")

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
        only_where("ix_work_item_waiting", "band", "due_at", "id", where="state = 'waiting'"),
        # No index but the first holds what an offer changes: a claim writes as few pages as can be (docs/decisions/0010).
        only_where("ix_work_item_active", "agent_id", where="state = 'active'"),
        Index("ix_work_item_ticket", "ticket_id", "id"),
        Index("ix_work_item_queue", "queue_id", "enqueued_at"),
        only_where("ix_work_item_line", "queue_id", "channel", "ended_at", where="ended_at IS NOT NULL"),
        only_where("ix_work_item_queued", "queue_id", "id", where="ended_at IS NULL"),
        only_where("ix_work_item_open", "id", where="ended_at IS NULL"),
        only_where("ix_work_item_ended", "state", "id", where="ended_at IS NOT NULL"),
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
        only_where("uq_offer_one_holder", "item_id", where="state IN ('offered','accepted')", unique=True),
        Index("ix_offer_agent", "agent_id", "state"),
        only_where("ix_offer_item", "item_id", "id", where="ended_at IS NOT NULL"),  # the others are in the one above
    )


# All offers that hold work. The states are written into the statement, or SQLite would not see that the partial index has them.
IS_HOLDING = Offer.state.in_(bindparam("holding", HOLDING, expanding=True, literal_execute=True))


def offers_of_items(ids: Collection[int]) -> ColumnElement[bool]:
    """All offers ever made of these items, in the words that let both partial indexes find them."""
    return or_(Offer.item_id.in_(ids) & IS_HOLDING, Offer.item_id.in_(ids) & Offer.ended_at.is_not(None))


class RouterLease(Base):
    """Who routes. Every claim checks the epoch, so a router that was paused and replaced can change nothing."""

    __tablename__ = "router_lease"

    id: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int]
    holder: Mapped[str]
    until: Mapped[datetime]
    backend: Mapped[int | None]  # PostgreSQL's process id of the holder's connection, which keeps the advisory lock
