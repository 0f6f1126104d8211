"""A phone call, its legs at the carrier, and the webhooks already taken in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

# States of domain.md §6 that this version walks through.
RINGING_IN, IVR, QUEUED, OFFERED, TALKING, HOLD, WRAP_UP, DONE = (
    "ringing_in",
    "ivr",
    "queued",
    "offered",
    "talking",
    "hold",
    "wrap_up",
    "done",
)
ABANDONED, FAILED = "abandoned", "failed"
OVER = (WRAP_UP, DONE, ABANDONED, FAILED)


class Call(Base):
    """One conversation by phone; `sid` is the customer's leg. Times are those that every measure is computed from."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    sid: Mapped[str] = mapped_column(unique=True)
    direction: Mapped[str] = mapped_column(default="in")
    state: Mapped[str] = mapped_column(default=RINGING_IN)
    from_number: Mapped[str]
    to_number: Mapped[str]
    conference: Mapped[str] = mapped_column(unique=True)
    conference_sid: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_item.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    locale: Mapped[str] = mapped_column(default="")
    topic: Mapped[str] = mapped_column(default="")
    menu: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    muted: Mapped[bool] = mapped_column(default=False)
    hold: Mapped[list[list[str]]] = mapped_column(JSON, default=list)  # [[start, end or ""], …] ISO times
    wrap_up_code: Mapped[str] = mapped_column(default="")
    abandon_point: Mapped[str] = mapped_column(default="")  # ivr | queue | ringing
    arrived_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wrap_ended_at: Mapped[datetime | None]
    abandoned_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_call_arrived", "arrived_at"), Index("ix_call_agent", "agent_id", "state"))


class CallLeg(Base):
    """One party's connection at the carrier."""

    __tablename__ = "call_leg"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    sid: Mapped[str] = mapped_column(unique=True)
    party: Mapped[str]  # customer | agent
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    status: Mapped[str] = mapped_column(default="initiated")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Webhook(Base):
    """A carrier's message that has had its effect; the key is refused the second time."""

    __tablename__ = "webhook"

    key: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    call_sid: Mapped[str] = mapped_column(default="", index=True)
    answer: Mapped[str] = mapped_column(default="")  # the document answered, so that a repeat is answered alike
