"""What events say, whole: what stands in a noun's own row is not written into the event as well, and is read from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.models import Offer


def whole_data(session: Session, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The data of each event; of an offer made, with the reason that its row holds."""
    made = {event.data["offer"] for event in events if _lacks_reason(event)}
    query = select(Offer.id, Offer.reason).where(Offer.id.in_(made))
    reasons = {row.id: row.reason for row in session.execute(query)} if made else {}
    return [
        {**event.data, "reason": reasons.get(event.data["offer"], {})} if _lacks_reason(event) else event.data for event in events
    ]


def _lacks_reason(event: Event) -> bool:
    return event.kind == "offer.made" and "offer" in event.data and "reason" not in event.data
