"""What tickets have to do with one another: links that people draw, and merging and splitting, which can be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base, only_where

RELATED, DUPLICATE, CAUSED_BY, CHILD = "related", "duplicate", "caused_by", "child"
LINKS = (RELATED, DUPLICATE, CAUSED_BY, CHILD)
MERGE, SPLIT = "merge", "split"


class TicketLink(Base):
    """`from_id` is `kind` of `to_id`: a duplicate of it, caused by it, a child of it; `related` holds both ways."""

    __tablename__ = "ticket_link"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    from_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]

    __table_args__ = (
        Index("uq_ticket_link", "from_id", "to_id", "kind", unique=True),
        Index("ix_ticket_link_to", "to_id", "from_id"),
    )


class TicketMove(Base):
    """What went from one ticket to another, so that it can go back.

    `merge`: everything of `from_id`, which points to `to_id` from then on. `split`: some messages of `from_id`, for which `to_id`
    was opened. `data` names the rows that went, and what stood on both tickets before.
    """

    __tablename__ = "ticket_move"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    from_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        only_where("uq_ticket_move_merged", "from_id", where="kind = 'merge' AND undone_at IS NULL", unique=True),
        Index("ix_ticket_move_from", "from_id", "id"),
        Index("ix_ticket_move_to", "to_id", "id"),
    )
