"""A file someone sent: the bytes lie in the file store under their SHA-256, the row says what they are called where."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class Attachment(Base):
    """`content_type` is found from the bytes, `claimed_type` is what the sender said."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    sha256: Mapped[str]
    name: Mapped[str]
    content_type: Mapped[str]
    claimed_type: Mapped[str] = mapped_column(default="")
    content_id: Mapped[str] = mapped_column(default="")
    size: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_attachment_message", "message_id"), Index("ix_attachment_sha256", "sha256"))
