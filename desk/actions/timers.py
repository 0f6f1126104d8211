"""Setting and clearing what is to be done at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from desk.models import Timer
from desk.store import Tx


def set_timer(tx: Tx, kind: str, key: str, due_at: datetime, data: dict[str, Any] | None = None) -> None:
    """Do `kind` at `due_at`; setting the same (kind, key) again moves it."""
    timer = tx.session.scalar(select(Timer).where(Timer.kind == kind, Timer.key == key, Timer.done_at.is_(None)))
    if timer is None:
        tx.session.add(Timer(kind=kind, key=key, due_at=due_at, data=data or {}))
        tx.emit("timer.set", data={"kind": kind})
    else:
        timer.due_at, timer.data = due_at, data or {}


def clear_timer(tx: Tx, kind: str, key: str) -> None:
    """It need not be done any more."""
    query = update(Timer).where(Timer.kind == kind, Timer.key == key, Timer.done_at.is_(None))
    tx.session.execute(query.values(done_at=tx.now))
