"""What somebody was told of complaints' clocks and has not seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.db import asked_of_each
from desk.models import Complaint, ComplaintNotice, Ticket

MOST_SHOWN = 20


@dataclass(frozen=True)
class NoticeRow:
    """One case of which the viewer was told, by the latest that was said of it."""

    id: int
    ticket_number: int
    subject: str
    clock: str
    share: int
    due_at: datetime
    at: datetime


def notices_of(session: Session, viewer: Viewer) -> Sequence[NoticeRow]:
    """One line for each case, the latest first; what the viewer may not read any more is not there."""
    query = (
        select(ComplaintNotice, Ticket.number, Ticket.subject)
        .join(Complaint, Complaint.id == ComplaintNotice.complaint_id)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .where(ComplaintNotice.agent_id == viewer.agent_id, ComplaintNotice.seen_at.is_(None))
        .where(asked_of_each(visible_tickets(viewer)))
        .order_by(ComplaintNotice.id.desc())
        .limit(MOST_SHOWN * 4)
    )
    rows: dict[int, NoticeRow] = {}
    for notice, number, subject in session.execute(query):
        row = NoticeRow(notice.id, number or 0, subject, notice.clock, notice.share, notice.due_at, notice.at)
        rows.setdefault(notice.complaint_id, row)
    return list(rows.values())[:MOST_SHOWN]
