"""A queue is the policy for a line of waiting work: hours, targets, who is asked for. A team looks after queues."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class Team(Base):
    """Agents who work together; a supervisor sees their own team."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_zh: Mapped[str] = mapped_column(default="")


class Calendar(Base):
    """Opening hours as `routing.hours.Calendar` reads them: week[7] of [["09:00","18:00"], …], holidays, make-up days.

    `notes` is {date: why it is special}, for people only. `years` are those whose holidays have been published and are all here.
    """

    __tablename__ = "calendar"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    name_zh: Mapped[str] = mapped_column(default="")
    zone: Mapped[str]
    week: Mapped[list[Any]] = mapped_column(JSON)
    holidays: Mapped[list[str]] = mapped_column(JSON, default=list)
    workdays: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    notes: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    years: Mapped[list[int]] = mapped_column(JSON, default=list)


class Queue(Base):
    """The policy of one line of waiting work.

    `requires` is [[skill, minimum level], …]; `targets` is {channel: {tier: seconds}}, the head start of each tier. `overflow` is
    [{"after_s": open seconds since it was queued, "do": …}, …] as `routing.overflow` reads it; `sticky_s` is {channel: seconds}
    for which returning work is kept for the agent who knows it. A `closed` queue gets no new work; what it has is finished.
    `music` is the id of the audio that its callers hear while they wait, 0 for that of the menus they came by. Where it
    `asks_article`, whoever solves a ticket links the article that helped or says why there is none.
    """

    __tablename__ = "queue"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_zh: Mapped[str] = mapped_column(default="")
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar.id"))
    requires: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    targets: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON, default=dict)
    choice: Mapped[str] = mapped_column(default="least_flexible")
    overflow: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    sticky_s: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    offer_timeout_s: Mapped[int] = mapped_column(default=20)
    wrap_up_s: Mapped[int] = mapped_column(default=60)
    position: Mapped[int] = mapped_column(default=0)
    closed: Mapped[bool] = mapped_column(default=False)
    music: Mapped[int] = mapped_column(BIG, default=0)
    asks_article: Mapped[bool] = mapped_column(default=False)
