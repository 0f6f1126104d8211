"""A text that is often needed in answers, in the languages of the customers, with what else is to be done then."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base

LANGUAGES = ("en", "zh")
OWN, TEAM, ALL = "own", "team", "all"  # whose it is


class CannedReply(Base):
    """Somebody's own (`owner_id`), a team's (`team_id`), or everybody's (neither). `key` is what is typed after the slash.

    `texts` is by language and may have one alone. `steps` makes a macro of it: what is changed on the ticket when it is used, of
    {"priority", "category", "queue", "owner": "me", "then": status}.
    """

    __tablename__ = "canned_reply"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    texts: Mapped[dict[str, str]] = mapped_column(JSON)
    steps: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
