"""One cause that many complain of: looked into once, told to all at once, answered to each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import BIG, Base


class MassEvent(Base):
    """The incident whose complaints name it by `Complaint.mass_event_id`. What was found out is written here once.

    `notice` is the text for all that waits for another's word, "" when none does. `steps` is {step: {"at", "by"}}: what has
    been done of what such an event asks for. `found_at` is when the finding was last written; it is entered in cases after that.
    """

    __tablename__ = "mass_event"

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    title: Mapped[str]
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    finding: Mapped[str] = mapped_column(default="")  # proven | not_proven | undetermined
    reason: Mapped[str] = mapped_column(default="")  # what the finding rests on
    looked_into: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    whys: Mapped[list[str]] = mapped_column(JSON, default=list)
    found_at: Mapped[datetime | None]
    notice: Mapped[str] = mapped_column(default="")
    notice_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    notice_by: Mapped[str] = mapped_column(default="")
    notices_sent: Mapped[int] = mapped_column(default=0)
    noticed_at: Mapped[datetime | None]
    steps: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    closed_at: Mapped[datetime | None]
