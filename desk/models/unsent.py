"""An answer between “send” and the moment it really leaves: its writer can still take it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

WAITING, TAKEN_BACK, REFUSED = "waiting", "taken_back", "refused"


class UnsentReply(Base):
    """Nothing of it has happened yet: no message, no clock stopped, no work finished. `files` are `KeptFile`s as dictionaries.

    `macro` is {"id", "name", "steps"} of what else is done when it leaves.

    `waiting` until `send_at`; `taken_back` when its writer has it again (kept for its files until the next answer leaves);
    `refused` when the ticket could no longer be answered at `send_at`, with the reason in `error`.
    """

    __tablename__ = "unsent_reply"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    client_id: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str]
    to: Mapped[list[str]] = mapped_column(JSON, default=list)
    cc: Mapped[list[str]] = mapped_column(JSON, default=list)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    then: Mapped[str] = mapped_column(default="")
    macro: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(default=WAITING)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    send_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_unsent_reply_due", "state", "send_at"),
        Index("ix_unsent_reply_ticket", "ticket_id", "agent_id"),
    )
