"""Who speaks for whom in a case, and what they must not be shown before their proof is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Complaint, Representative
from desk.models.representative import ACCEPTED


def representatives_of(session: Session, complaint_id: int) -> Sequence[Representative]:
    """All that were noted in this case, the first first."""
    query = select(Representative).where(Representative.complaint_id == complaint_id)
    return session.scalars(query.order_by(Representative.id)).all()


def latest_representative(session: Session, complaint_id: int) -> Representative | None:
    """The last one, whatever became of them."""
    query = select(Representative).where(Representative.complaint_id == complaint_id)
    return session.scalar(query.order_by(Representative.id.desc()).limit(1))


def is_withheld(session: Session, complaint_id: int) -> bool:
    """Whether whoever has the status page's address speaks for somebody else, and nobody has accepted yet that they may."""
    found = latest_representative(session, complaint_id)
    return found is not None and found.wrote and found.state != ACCEPTED


def is_ticket_withheld(session: Session, ticket_id: int) -> bool:
    """The same of the complaint of a ticket."""
    complaint_id = session.scalar(select(Complaint.id).where(Complaint.ticket_id == ticket_id))
    return complaint_id is not None and is_withheld(session, complaint_id)
