"""What an agent has begun to write on a ticket and has not sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

KINDS = ("email", "chat", "note")


class Draft(Base):
    """One for each agent and ticket; nobody else sees it. `version` grows with each saving, through a new draft as well.

    `seen` says which answers on the ticket its writer knew when they began (see `queries.mail.crossed`).
    `to` and `cc` are the recipients that were chosen by hand; None leaves them as they are proposed.
    """

    __tablename__ = "draft"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    kind: Mapped[str]
    text: Mapped[str]
    seen: Mapped[str] = mapped_column(default="")
    to: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    cc: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    version: Mapped[int]
    began_at: Mapped[datetime]
    saved_at: Mapped[datetime]

    __table_args__ = (Index("uq_draft_agent_ticket", "agent_id", "ticket_id", unique=True),)
