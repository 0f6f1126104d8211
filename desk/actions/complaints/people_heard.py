"""People heard in a case: what somebody said, as it was noted. An entry is never changed; a mistake is put right by another."""

from __future__ import annotations

from datetime import datetime

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, Interview
from desk.models.complaint import ASSESSED, AWAITING_INFO, INVESTIGATING
from desk.sentences import N_
from desk.store import Tx

PARTS = ("complainant", "staff", "witness", "expert")
WAYS = ("phone", "in_person", "writing")
LONGEST, LONGEST_NAME = 10_000, 200


def hear(
    tx: Tx, complaint: Complaint, agent: Agent, *, person: str, part: str, how: str, heard_at: datetime | None, summary: str
) -> Interview:
    """Note what somebody said. Raises `Invalid` with `fields`, `Conflict` when nobody looks into the case now."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage not in (ASSESSED, INVESTIGATING, AWAITING_INFO):
        raise Conflict("The file is written while the complaint is looked into.")
    fields = {}
    if not person.strip() or len(person) > LONGEST_NAME:
        fields["person"] = N_("Say who was heard.")
    if part not in PARTS:
        fields["part"] = N_("Choose their part in it.")
    if how not in WAYS:
        fields["how"] = N_("Choose how they were heard.")
    if heard_at is None or heard_at > tx.now:
        fields["heard"] = N_("Choose a time that has been.")
    if not summary.strip() or len(summary) > LONGEST:
        fields["summary"] = N_("Write down what they said.")
    if fields or heard_at is None:
        raise Invalid("Something is missing in this record.", fields)
    heard = Interview(
        complaint_id=complaint.id,
        person=person.strip(),
        part=part,
        how=how,
        heard_at=heard_at,
        summary=summary.strip(),
        noted_by=agent.name,
        noted_at=tx.now,
    )
    tx.session.add(heard)
    tx.session.flush()
    tell(tx, complaint, "complaint.person_heard", agent=agent, data={"interview": heard.id, "part": part, "how": how})
    return heard
