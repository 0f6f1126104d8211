"""What keeps a customer's data from being erased: a case that is not over, a hold, or the years that a policy keeps a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.models import Call, Chat, Complaint, Ticket, WorkItem
from desk.models.complaint import ARCHIVED, DISPOSED, OVER_STAGES
from desk.models.ticket import LIVE
from desk.queries.complaints.keeping import is_held
from desk.queries.complaints.policies import keep_until

OPEN_CASE, HELD, KEPT = "open_case", "held", "kept"


@dataclass(frozen=True)
class Duty:
    """One case that must stay. `until` is known of what is only kept; an open or held one keeps all that may bear on it."""

    why: str
    complaint_id: int
    ticket_id: int
    number: int
    until: datetime | None

    @property
    def keeps_everything(self) -> bool:
        return self.why != KEPT

    def to_json(self) -> dict[str, Any]:
        return {"why": self.why, "number": self.number, "until": self.until.isoformat() if self.until else None}


def duties_of(session: Session, customer_id: int, now: datetime) -> list[Duty]:
    """All that bind us now, by ticket."""
    query = (
        select(Complaint, Ticket.number, is_held(Complaint.id).label("held"))
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .where(Ticket.customer_id == customer_id, Complaint.stage != DISPOSED, Complaint.disposed_sha256 == "")
        .order_by(Ticket.id)
    )
    found = []
    for complaint, number, held in session.execute(query).all():
        why, until = (HELD, None) if held else (OPEN_CASE, None)
        if not held and complaint.stage in OVER_STAGES:
            why, until = KEPT, complaint.dispose_after or keep_until(session, complaint)
            if complaint.stage == ARCHIVED and until <= now:
                continue
        found.append(Duty(why, complaint.id, complaint.ticket_id, number or 0, until))
    return found


def in_hand(session: Session, customer_id: int, cases: Collection[int]) -> Sequence[int]:
    """The tickets of these that somebody still works on, by number; the `cases` (ids of tickets) are known to be kept."""
    query = select(Ticket.number).where(Ticket.customer_id == customer_id, Ticket.id.not_in(cases), _is_worked_on())
    return [number or 0 for number in session.scalars(query.order_by(Ticket.id).limit(20))]


def on_the_line(session: Session, customer_id: int) -> bool:
    """Whether we speak or write with them at this moment."""
    call = select(Call.id).where(Call.customer_id == customer_id, Call.ended_at.is_(None)).limit(1)
    chat = select(Chat.id).where(Chat.customer_id == customer_id, Chat.ended_at.is_(None)).limit(1)
    return session.scalar(call) is not None or session.scalar(chat) is not None


def _is_worked_on() -> ColumnElement[bool]:
    work = select(WorkItem.id).where(WorkItem.ticket_id == Ticket.id, WorkItem.ended_at.is_(None))
    return or_(Ticket.status.in_(LIVE), work.exists())
