"""What is kept of complaints, and for how long: people heard, holds, and the lists of cases to delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.access import Viewer, untouched_by
from desk.errors import NotFound
from desk.models import Call, CallSegment, Complaint, ComplaintHold, Disposal, Interview, Recusal, Ticket
from desk.models.complaint import ARCHIVED
from desk.models.recusal import ABOUT

MOST_CASES, LISTS = 500, 20


@dataclass(frozen=True)
class DisposalLine:
    """One case on a list: what it was and until when it had to be kept."""

    complaint: Complaint
    number: int
    left_out: str


def interviews_of(session: Session, complaint_id: int) -> Sequence[Interview]:
    """Who was heard, in the order of hearing."""
    query = select(Interview).where(Interview.complaint_id == complaint_id)
    return session.scalars(query.order_by(Interview.heard_at, Interview.id)).all()


def holds_of(session: Session, complaint_id: int) -> Sequence[ComplaintHold]:
    """Every hold of a case, the latest first."""
    query = select(ComplaintHold).where(ComplaintHold.complaint_id == complaint_id)
    return session.scalars(query.order_by(ComplaintHold.id.desc())).all()


def open_hold(session: Session, complaint_id: int) -> ComplaintHold | None:
    """The hold that lasts now."""
    query = select(ComplaintHold).where(ComplaintHold.complaint_id == complaint_id, ComplaintHold.lifted_at.is_(None))
    return session.scalar(query.limit(1))


def is_held(complaint_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The condition that a hold lies on the case of this id."""
    held = select(ComplaintHold.id).where(ComplaintHold.complaint_id == complaint_id, ComplaintHold.lifted_at.is_(None))
    return held.exists()


def belongs_to_case(call_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The condition that the call of this id is part of a case that has not been deleted: what it holds stays as long as that.

    Of a complaint about somebody here, so are all calls between its customer and them, whatever ticket they are on.
    """
    query = select(Complaint.id).join(Call, Call.ticket_id == Complaint.ticket_id)
    on_its_ticket = query.where(Call.id == call_id, Complaint.disposed_sha256 == "").exists()
    return or_(on_its_ticket, _calls_with_accused(call_id).exists())


def preserved_calls(session: Session, complaint: Complaint) -> list[int]:
    """The calls whose recordings are kept for this case beyond those of its own ticket, the first first."""
    query = _calls_with_accused(Call.id).where(Complaint.id == complaint.id)
    return sorted(set(session.scalars(query.with_only_columns(Call.id))))


def _calls_with_accused(call_id: InstrumentedAttribute[int]) -> Select[tuple[int]]:
    return (
        select(Complaint.id)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .join(Call, Call.customer_id == Ticket.customer_id)
        .join(CallSegment, CallSegment.call_id == Call.id)
        .join(Recusal, and_(Recusal.ticket_id == Ticket.id, Recusal.agent_id == CallSegment.agent_id, Recusal.why == ABOUT))
        .where(Call.id == call_id, Complaint.disposed_sha256 == "")
    )


def over(session: Session, now: datetime) -> list[int]:
    """The archived cases whose time is over and that nothing holds, the oldest first; at most as many as one list has."""
    query = select(Complaint.id).where(
        Complaint.dispose_after < now, Complaint.dispose_after.is_not(None), Complaint.stage == ARCHIVED, ~is_held(Complaint.id)
    )
    return list(session.scalars(query.order_by(Complaint.dispose_after, Complaint.id).limit(MOST_CASES)))


def disposals(session: Session) -> Sequence[Disposal]:
    """The latest lists."""
    return session.scalars(select(Disposal).order_by(Disposal.id.desc()).limit(LISTS)).all()


def one_disposal(session: Session, disposal_id: int) -> Disposal:
    """One list; raises `NotFound`."""
    found = session.get(Disposal, disposal_id)
    if found is None:
        raise NotFound("There is no such list.")
    return found


def lines_of(session: Session, viewer: Viewer, disposal: Disposal) -> list[DisposalLine]:
    """The cases of a list that the viewer may know of."""
    query = (
        select(Complaint, Ticket.number)
        .join(Ticket, Ticket.id == Complaint.ticket_id)
        .where(Complaint.id.in_(disposal.cases), untouched_by(viewer, Complaint.ticket_id))
    )
    rows = session.execute(query.order_by(Complaint.dispose_after, Complaint.id))
    return [DisposalLine(complaint, number or 0, disposal.left_out.get(str(complaint.id), "")) for complaint, number in rows]
