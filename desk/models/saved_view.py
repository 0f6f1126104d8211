"""A list of tickets that somebody looks at again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class SavedView(Base):
    """Its owner's own, or with `team_id` their whole team's. `filters`, `columns` and `sort` are what the list's address says."""

    __tablename__ = "saved_view"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True)
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    sort: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime]
