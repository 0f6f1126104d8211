"""The caller's way as it is set: menus and their versions, our numbers, uploaded audio, closures, numbers that are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class CallFlow(Base):
    """A set of menus. `draft` is what is being written, callers hear the published version (its number, 0: none yet)."""

    __tablename__ = "call_flow"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    draft: Mapped[dict[str, Any]] = mapped_column(JSON)
    published: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class CallFlowVersion(Base):
    """Menus as they were published once. Never changed: calls under way go by the version that they began with."""

    __tablename__ = "call_flow_version"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    flow_id: Mapped[int] = mapped_column(ForeignKey("call_flow.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_by: Mapped[str]
    published_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("flow_id", "number"),)


class OurNumber(Base):
    """A phone number of ours: its menus, and the language in which it answers (empty: the caller chooses)."""

    __tablename__ = "our_number"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # E.164
    name: Mapped[str]
    flow_id: Mapped[int] = mapped_column(ForeignKey("call_flow.id"), index=True)
    locale: Mapped[str] = mapped_column(default="")


class VoiceAudio(Base):
    """Audio that is played instead of a text. `token` is the secret part of the address at which the carrier fetches it."""

    __tablename__ = "voice_audio"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id"))
    created_at: Mapped[datetime]


class LineClosure(Base):
    """A time in which nobody new is put through, whatever the calendars say; it ends by itself at `expires_at`."""

    __tablename__ = "line_closure"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    expected_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    began_at: Mapped[datetime]
    began_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_line_closure_expires", "expires_at"),)


class BlockedNumber(Base):
    """A caller who is refused politely, and why."""

    __tablename__ = "blocked_number"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # E.164
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
