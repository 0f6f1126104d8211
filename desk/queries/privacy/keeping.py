"""Which tickets have been kept long enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from desk.models import Complaint, RestrictedTicket, Setting, Ticket, WorkItem
from desk.models.ticket import CLOSED, MERGED, SPAM

SETTING = "keeping"
WRITTEN = ("email", "chat", "form")
MOST = 10_000  # counted for the report; more are “more than”


@dataclass(frozen=True)
class Keeping:
    """`written` and `others` are days after the last change of a closed ticket; nothing is done unless it is `on`."""

    on: bool = False
    written: int = 730
    others: int = 1095

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Report:
    """How many tickets would lose their words now, at most `MOST` of each kind, and how many have."""

    written: int
    others: int
    gone: int


def keeping(session: Session) -> Keeping:
    """What holds now."""
    row = session.get(Setting, SETTING)
    return Keeping(**row.value) if row is not None else Keeping()


def report(session: Session, now: datetime) -> Report:
    """What the next night would do."""
    rules = keeping(session)
    ends = [_over(now, days).where(kind).limit(MOST).subquery() for days, kind in _kinds(rules)]
    written, others = (session.scalar(select(func.count()).select_from(end)) or 0 for end in ends)
    gone = session.scalar(select(func.count(Ticket.id)).where(Ticket.erased_at.is_not(None))) or 0
    return Report(written, others, gone)


def next_over(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Some of those whose time is over, the longest untouched first."""
    rules = keeping(session)
    found: list[int] = []
    for days, kind in _kinds(rules):
        query = _over(now, days).where(kind).order_by(Ticket.updated_at, Ticket.id)
        found += session.scalars(query.limit(limit - len(found))).all() if len(found) < limit else []
    return found


def _kinds(rules: Keeping) -> list[tuple[int, Any]]:
    return [(rules.written, Ticket.channel.in_(WRITTEN)), (rules.others, Ticket.channel.not_in(WRITTEN))]


def _over(now: datetime, days: int) -> Select[tuple[int]]:
    """Tickets that ended so long ago, that are no case's, that nobody works on and that no wish to be erased keeps."""
    case = select(Complaint.id).where(Complaint.ticket_id == Ticket.id)
    work = select(WorkItem.id).where(WorkItem.ticket_id == Ticket.id, WorkItem.ended_at.is_(None))
    return select(Ticket.id).where(
        or_(*(Ticket.status == status for status in (CLOSED, MERGED, SPAM))),
        Ticket.updated_at < now - timedelta(days=days),
        Ticket.erased_at.is_(None),
        Ticket.id.not_in(select(RestrictedTicket.ticket_id)),
        ~case.exists(),
        ~work.exists(),
    )
