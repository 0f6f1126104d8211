"""What a caller who waits is told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from desk.models import Call, WorkItem
from desk.queries.waits import minutes_to_tell


def waiting_line(session: Session, call: Call, now: datetime) -> tuple[int, int | None]:
    """How many are ahead of a waiting caller, and the minutes that this may take (at least one; None when not known)."""
    item = session.get(WorkItem, call.item_id) if call.item_id else None
    if item is None:
        return 0, None
    place, minutes = minutes_to_tell(session, item, now)
    return place.ahead, None if minutes is None else max(1, minutes)
