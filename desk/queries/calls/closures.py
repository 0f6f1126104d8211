"""Whether the lines are closed out of turn: the emergency closure that is on, and those that were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import LineClosure


def current_closure(session: Session, now: datetime) -> LineClosure | None:
    """The closure that is on now; it ends by itself."""
    query = select(LineClosure).where(LineClosure.ended_at.is_(None), LineClosure.expires_at > now)
    return session.scalar(query.order_by(LineClosure.expires_at.desc(), LineClosure.id.desc()).limit(1))


def one_closure(session: Session, closure_id: int) -> LineClosure:
    """One closure; raises `NotFound`."""
    found = session.get(LineClosure, closure_id)
    if found is None:
        raise NotFound("There is no such closure.")
    return found


def past_closures(session: Session, limit: int = 20) -> list[LineClosure]:
    """The latest closures, the newest first."""
    return list(session.scalars(select(LineClosure).order_by(LineClosure.id.desc()).limit(limit)))
