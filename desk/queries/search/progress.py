"""How far the words that are searched have come: up to which event, and what of the past is still to be filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.voice.port import Finding
from desk.events import Event
from desk.models import Ticket
from desk.models.search import progress

SLOW = timedelta(minutes=15)  # what should happen in seconds


@dataclass(frozen=True)
class HowFar:
    """`followed`: the event up to which changes are in the words; `…_left`: rows up to this id are still to be filled in."""

    followed: int
    tickets_left: int
    customers_left: int


def how_far(session: Session) -> HowFar | None:
    """None while nobody has begun."""
    row = session.execute(select(progress.c.followed, progress.c.tickets_left, progress.c.customers_left)).first()
    return HowFar(*row) if row is not None else None


def to_fill(session: Session) -> tuple[int, int]:
    """How many tickets of how many are not yet found by their words, roughly: ids count for tickets."""
    now, last = how_far(session), session.scalar(select(func.max(Ticket.id))) or 0
    return (last if now is None else now.tickets_left), last


def look(session: Session, now: datetime) -> Iterator[Finding]:
    """For `doctor`: whether what happens is found, and how far the past has been filled in."""
    known = how_far(session)
    if known is None:
        yield Finding("ok", "Tickets are made findable by their words as soon as the desk runs.")
        return
    late = session.scalar(select(Event.at).where(Event.id > known.followed).order_by(Event.id).limit(1))
    if late is not None and now - late > SLOW:
        yield Finding(
            "warning",
            f"Search does not know of what has happened since {late:%Y-%m-%d %H:%M} UTC.",
            "Is a worker running? Its part “words” follows what happens; its log says what stands in the way.",
        )
    left, of = to_fill(session)
    if left:
        yield Finding("ok", f"Older tickets are being made findable by their words: {100 * (of - left) // of} % are done.")
    else:
        yield Finding("ok", "Every ticket can be found by its words.")
