"""Who has looked at a piece of evidence, and when."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.complaint_record import tell
from desk.events import Event
from desk.models import Complaint, Evidence
from desk.queries.complaints import VIEWED
from desk.store import Tx

ONE_LOOK = timedelta(minutes=10)  # a page asks for the same picture again and again
LATEST = 50


def looked_at(tx: Tx, attachment_id: int) -> None:
    """Somebody opened this file; recorded for each case it is evidence in, once for each look."""
    query = select(Evidence, Complaint).join(Complaint, Complaint.id == Evidence.complaint_id)
    for evidence, complaint in tx.session.execute(query.where(Evidence.attachment_id == attachment_id)).all():
        if not _is_looking(tx, complaint, evidence):
            tell(tx, complaint, VIEWED, data={"evidence": evidence.id, "sha256": evidence.sha256})


def _is_looking(tx: Tx, complaint: Complaint, evidence: Evidence) -> bool:
    latest = select(Event).where(Event.ticket_id == complaint.ticket_id, Event.at >= tx.now - ONE_LOOK, Event.kind == VIEWED)
    seen = tx.session.scalars(latest.order_by(Event.id.desc()).limit(LATEST))
    me = (tx.actor.kind, tx.actor.id)
    return any((each.actor_kind, each.actor_id) == me and each.data.get("evidence") == evidence.id for each in seen)
