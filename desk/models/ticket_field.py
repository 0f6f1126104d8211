"""What an installation wants to know of its tickets besides what every desk does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

TEXT, NUMBER, DATE, CHOICE, TICK = "text", "number", "date", "choice", "tick"
FIELD_KINDS = (TEXT, NUMBER, DATE, CHOICE, TICK)


class TicketField(Base):
    """One question. `key` names it for programs and never changes; `labels` and each choice have words by language.

    A retired one is asked no more; what was answered stays.
    """

    __tablename__ = "ticket_field"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    labels: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    choices: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    needed: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
