"""One thing done to many tickets at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class BulkAct(Base):
    """`key` is the page's own, so that a second click is the same act.

    `done` has what stood before on each ticket by its id, as far as it changed; `refused` says for each number why not.
    """

    __tablename__ = "bulk_act"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    key: Mapped[str]
    verb: Mapped[str]
    value: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime]
    done: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    refused: Mapped[list[Any]] = mapped_column(JSON, default=list)
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_bulk_act_key", "agent_id", "key", unique=True),
        Index("ix_bulk_act_agent", "agent_id", "id"),
    )
