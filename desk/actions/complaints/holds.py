"""A hold on a case: a court or an authority may ask for it, so nothing of it is deleted until another person lifts the hold."""

from __future__ import annotations

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints.record import tell
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, ComplaintHold
from desk.models.complaint import DISPOSED
from desk.queries.complaints.keeping import open_hold
from desk.sentences import N_
from desk.store import Tx

LONGEST = 2000


def hold(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> ComplaintHold:
    """Nothing of the case is deleted from now on. Raises `Conflict` when it is held already, `Invalid` without a reason."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    _check_reason(reason)
    if complaint.stage == DISPOSED:
        raise Conflict("This case has been deleted already.")
    if open_hold(tx.session, complaint.id) is not None:
        raise Conflict("This case is held already.")
    made = ComplaintHold(
        complaint_id=complaint.id, reason=reason.strip()[:LONGEST], set_by_id=agent.id, set_by=agent.name, set_at=tx.now
    )
    tx.session.add(made)
    tx.session.flush()
    tell(tx, complaint, "complaint.held", agent=agent, data={"hold": made.id, "reason": made.reason[:500]})
    return made


def lift(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """The hold ends. Raises `NotAllowed` for who set it: somebody else has to agree."""
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    _check_reason(reason)
    held = tx.session.scalar(
        select(ComplaintHold).where(ComplaintHold.complaint_id == complaint.id, ComplaintHold.lifted_at.is_(None))
    )
    if held is None:
        raise Conflict("This case is not held.")
    if held.set_by_id == agent.id:
        raise NotAllowed("You set this hold; somebody else has to lift it.")
    held.lifted_at, held.lifted_by, held.lifted_for = tx.now, agent.name, reason.strip()[:LONGEST]
    tell(tx, complaint, "complaint.hold_lifted", agent=agent, data={"hold": held.id, "reason": held.lifted_for[:500]})


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
