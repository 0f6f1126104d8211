"""Something to do at a time: a row that commits with the change that causes it, claimed by the worker when due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class Timer(Base):
    """`kind` names the action; `key` is unique among what is still to do, so that setting a timer twice sets it once."""

    __tablename__ = "timer"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    due_at: Mapped[datetime]
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    done_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("ix_timer_due", "due_at", sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL")),
        Index(
            "uq_timer_key",
            "kind",
            "key",
            unique=True,
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )
