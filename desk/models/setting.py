"""Small facts about the installation that must survive a restart and be shared by its processes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from desk.db import Base


class Setting(Base):
    """One named value, for example whether the demo has been seeded or its traffic is on."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
