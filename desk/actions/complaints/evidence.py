"""Files that become evidence of a case, and who has looked at them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.complaints.record import tell
from desk.events import Event
from desk.models import Attachment, Complaint, Evidence, Message
from desk.queries.complaints.complaints import VIEWED
from desk.store import Tx

ONE_LOOK = timedelta(minutes=10)  # a page asks for the same picture again and again
LATEST = 50


def add_evidence(tx: Tx, complaint: Complaint, message: Message, added_by: str) -> int:
    """Make a message's files part of the case, where nothing changes or removes them. Returns how many were new."""
    known = set(tx.session.scalars(select(Evidence.attachment_id).where(Evidence.complaint_id == complaint.id)))
    files = tx.session.scalars(select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id)).all()
    new = [file for file in files if file.id not in known]
    for file in new:
        tx.session.add(
            Evidence(complaint_id=complaint.id, attachment_id=file.id, sha256=file.sha256, added_by=added_by, added_at=tx.now)
        )
    if new:
        data = {"by": added_by, "files": [{"name": file.name, "sha256": file.sha256} for file in new]}
        tell(tx, complaint, "complaint.evidence_added", message=message, data=data)
    return len(new)


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
