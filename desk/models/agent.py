"""A person who works at the desk: who they are, what they may do, what they can do, and where they are now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

AVAILABLE, AWAY, OFFLINE, NOT_RESPONDING = "available", "away", "offline", "not_responding"


class Agent(Base):
    """`presence` is what is, `desired` what the agent chose; `not_responding` is forced on whoever lets an offer run out.

    `used` is the capacity (of `capacity`, 100) held by offered, active and wrapping work: the claim's compare-and-set column.
    `undo_s` is for how many seconds (0 to 60) an answer by mail can be taken back; `signature` stands below those answers.
    `own_keys` is {a shortcut's key as it comes: the one they chose}; without `single_keys` letters alone do nothing.
    """

    __tablename__ = "agent"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(JSON)
    locale: Mapped[str] = mapped_column(default="en")
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    presence: Mapped[str] = mapped_column(default=OFFLINE)
    desired: Mapped[str] = mapped_column(default=OFFLINE)
    presence_reason: Mapped[str] = mapped_column(default="")
    presence_since: Mapped[datetime]
    idle_since: Mapped[datetime]
    capacity: Mapped[int] = mapped_column(default=100)
    used: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    undo_s: Mapped[int] = mapped_column(default=10)
    signature: Mapped[str] = mapped_column(default="")
    own_keys: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    single_keys: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (CheckConstraint("used >= 0 AND used <= capacity", name="used_within_capacity"),)


class AgentSkill(Base):
    """What an agent can do and how well (1 to 10), from `since` until before `until`; the spells of one skill never overlap."""

    __tablename__ = "agent_skill"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    skill: Mapped[str]
    level: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 10", name="level_in_range"),
        Index("uq_agent_skill_since", "agent_id", "skill", "since", unique=True),
    )


class StaffSession(Base):
    """A sign-in that is still good. The cookie holds the token; we hold its hash."""

    __tablename__ = "staff_session"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_staff_session_agent", "agent_id", "expires_at"),)


class SignIn(Base):
    """Every attempt to sign in, good or bad."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    at: Mapped[datetime]
    email: Mapped[str]
    agent_id: Mapped[int | None]
    outcome: Mapped[str]  # ok | wrong_password | unknown | inactive | too_many
    address: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("ix_sign_in_email_at", "email", "at"),
        Index("ix_sign_in_address_at", "address", "at"),
        Index("ix_sign_in_outcome", "outcome", "id"),
    )
