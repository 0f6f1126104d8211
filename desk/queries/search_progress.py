"""How far the words that are searched have come: up to which event, and what of the past is still to be filled in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.models import Ticket
from desk.models.search import progress


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


def behind(session: Session) -> int:
    """How many events have not been looked at yet."""
    now, last = how_far(session), session.scalar(select(func.max(Event.id))) or 0
    return last - now.followed if now is not None else last
