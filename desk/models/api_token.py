"""Bearer tokens of the API, and the answers remembered for `Idempotency-Key`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class ApiToken(Base):
    """A program that may use the API with the rights of one role. Only the token's hash is kept.

    It sees no case that whoever made it, or has it in hand, is kept out of.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotentAnswer(Base):
    """What a POST with this key was answered, written in the same transaction as its effect."""

    __tablename__ = "idempotent_answer"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id"))
    key: Mapped[str]
    request_hash: Mapped[str]
    status: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (UniqueConstraint("token_id", "key"),)
