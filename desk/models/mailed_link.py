"""A link sent by mail that lets whoever reads that mailbox in: staff to a new password, customers to their own tickets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

PASSWORD, PORTAL = "password", "portal"


class MailedLink(Base):
    """`key_hash` is the SHA-256 of the secret in the link, which works once, until `expires_at`; a visit by it may be ended."""

    __tablename__ = "mailed_link"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    kind: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_mailed_link_email", "email", "created_at"),)
