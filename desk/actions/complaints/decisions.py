"""Deciding a complaint: a draft, where it must be a second person's approval, and the letter as it was sent, for good."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.complaints import complaints, file
from desk.actions.complaints.decision_letter import decision_letter
from desk.actions.complaints.line import check_accused_heard, check_outside_line
from desk.actions.complaints.record import tell
from desk.actions.complaints.representatives import check_judged
from desk.db import keepable
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, ComplaintDecision, Redress
from desk.models.complaint import APPROVAL, DECIDED, DRAFTED, INVESTIGATING, REDRESS
from desk.models.complaint_case import ASKED, DRAFT, PROVEN, REJECTED, SENT
from desk.sentences import N_
from desk.store import Tx

OUTCOMES = ("upheld", "partly_upheld", "not_upheld")
AT_FAULT = ("upheld", "partly_upheld")
# Up to how much one person may give by their own word, in hundredths; beyond the last, two people approve.
OFFICERS_OWN = 2_000_00
ONE_APPROVER = {"supervisor": 2_000_00, "complaint_officer": 10_000_00}
LONGEST = 20_000


def draft(
    tx: Tx,
    complaint: Complaint,
    agent: Agent,
    *,
    outcome: str,
    looked_into: str,
    reasons: str,
    apology: str = "",
    changed: str = "",
) -> ComplaintDecision:
    """Write the decision, as the customer will read it. Every point has a finding by then, and the cause is known.

    Raises `Invalid` with `fields`, `Conflict` (with what is allowed) while a finding or the cause is missing.
    """
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    complaints.check_next(complaint, DRAFTED)
    points = file.allegations_of(tx, complaint)
    if not points or any(not point.finding for point in points):
        raise Conflict("Every point needs a finding before the decision is written.")
    check_outside_line(tx, complaint, agent)
    check_accused_heard(tx, complaint)
    if not complaint.cause and (outcome in AT_FAULT or complaint.severity <= 2):
        raise Conflict("Find the cause before the decision is written.")
    fields = {} if outcome in OUTCOMES else {"outcome": N_("Choose what was found.")}
    for name, text in (("looked_into", looked_into), ("reasons", reasons)):
        if not text.strip():
            fields[name] = N_("The letter needs this part.")
    if outcome in AT_FAULT and not apology.strip():
        fields["apology"] = N_("We were at fault: the letter needs an apology.")
    if outcome == "not_upheld" and any(point.finding == PROVEN for point in points):
        fields["outcome"] = N_("A point was found to be true; the complaint is upheld, at least in part.")
    if any(len(text) > LONGEST for text in (looked_into, reasons, apology, changed)):
        fields["reasons"] = N_("This text is too long.")
    if fields:
        raise Invalid("Something is missing before this complaint can be decided.", fields)
    decision = ComplaintDecision(
        complaint_id=complaint.id,
        outcome=outcome,
        looked_into=looked_into.strip(),
        reasons=reasons.strip(),
        apology=apology.strip(),
        changed=changed.strip(),
        drafted_by_id=agent.id,
        drafted_at=tx.now,
    )
    tx.session.add(decision)
    tx.session.flush()
    complaints.enter(tx, complaint, DRAFTED, agent=agent, decision=decision.id, decided=outcome)
    return decision


def back(tx: Tx, complaint: Complaint, agent: Agent) -> None:
    """The draft is taken back and the complaint looked into further."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage != DRAFTED:
        raise Conflict("There is no draft to take back.", allowed=complaints.NEXT[complaint.stage])
    current(tx, complaint).state = REJECTED
    complaints.enter(tx, complaint, INVESTIGATING, agent=agent, reason="draft taken back")


def submit(tx: Tx, complaint: Complaint, agent: Agent) -> None:
    """Ask somebody else for approval. Raises `Conflict` when none is needed, or there is no draft."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    complaints.check_next(complaint, APPROVAL)
    if not needs_approval(tx, complaint):
        raise Conflict("This decision needs nobody's approval; it can be sent.")
    current(tx, complaint).state = ASKED
    complaints.enter(tx, complaint, APPROVAL, agent=agent)


def approve(tx: Tx, complaint: Complaint, agent: Agent) -> bool:
    """Somebody other than who drafted it agrees. True when that was enough and the letter has left.

    Raises `NotAllowed` for who drafted it or has approved it, or beyond what they may approve.
    """
    decision, given = _asked(tx, complaint, agent), file.redress_of(tx, complaint)
    cents = sum(each.cents for each in given)
    if any(each["agent"] == agent.id for each in decision.approvals):
        raise NotAllowed("You have approved this already; somebody else has to agree too.")
    limit = max((ONE_APPROVER[role] for role in agent.roles if role in ONE_APPROVER), default=0)
    if cents > limit and limit < max(ONE_APPROVER.values()):
        raise NotAllowed("This is more money than you may approve.")
    decision.approvals = [*decision.approvals, {"agent": agent.id, "name": agent.name, "at": tx.now.isoformat()}]
    data = {"decision": decision.id, "approvals": len(decision.approvals), "cents": cents}
    tell(tx, complaint, "complaint.decision_approved", agent=agent, data=data)
    if len(decision.approvals) < approvals_needed(complaint, decision, given):
        return False
    _send(tx, complaint, decision, agent)
    return True


def reject(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """Somebody other than who drafted it does not agree, and says why: it is looked into further."""
    decision = _asked(tx, complaint, agent)
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    decision.state, decision.rejected_for = REJECTED, reason.strip()[:4000]
    complaints.enter(tx, complaint, INVESTIGATING, agent=agent, reason=decision.rejected_for)


def send(tx: Tx, complaint: Complaint, agent: Agent) -> None:
    """Send a decision that needs nobody's approval. Raises `Conflict` (with what is allowed) for one that does."""
    viewer_of(agent).require(Right.HANDLE_COMPLAINT)
    if complaint.stage != DRAFTED:
        raise Conflict("There is no draft that could be sent.", allowed=complaints.NEXT[complaint.stage])
    if needs_approval(tx, complaint):
        raise Conflict("Somebody else has to approve this decision first.", allowed=(APPROVAL, INVESTIGATING))
    check_outside_line(tx, complaint, agent)
    _send(tx, complaint, current(tx, complaint), agent)


def needs_approval(tx: Tx, complaint: Complaint) -> bool:
    """What is serious, dear, or says no to somebody with special needs is seen by a second person."""
    return approvals_needed(complaint, current(tx, complaint), file.redress_of(tx, complaint)) > 0


def approvals_needed(complaint: Complaint, decision: ComplaintDecision, given: Sequence[Redress]) -> int:
    """How many people other than who drafted it have to agree."""
    cents = sum(each.cents for each in given)
    if cents > ONE_APPROVER["complaint_officer"]:
        return 2
    refused = bool(complaint.needs) and decision.outcome == "not_upheld"
    return int(complaint.severity <= 2 or cents > OFFICERS_OWN or refused)


def current(tx: Tx, complaint: Complaint) -> ComplaintDecision:
    """The decision that is being made; raises `Conflict` when there is none."""
    query = select(ComplaintDecision).where(
        ComplaintDecision.complaint_id == complaint.id, ComplaintDecision.state.in_((DRAFT, ASKED))
    )
    decision = tx.session.scalar(query.order_by(ComplaintDecision.id.desc()).limit(1))
    if decision is None:
        raise Conflict("There is no draft of a decision.", allowed=complaints.NEXT[complaint.stage])
    return decision


def _asked(tx: Tx, complaint: Complaint, agent: Agent) -> ComplaintDecision:
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    if complaint.stage != APPROVAL:
        raise Conflict("Nobody is asked for approval now.", allowed=complaints.NEXT[complaint.stage])
    check_outside_line(tx, complaint, agent)
    decision = current(tx, complaint)
    if decision.drafted_by_id == agent.id:
        raise NotAllowed("You wrote this decision; somebody else has to approve it.")
    return decision


def _send(tx: Tx, complaint: Complaint, decision: ComplaintDecision, agent: Agent) -> None:
    check_judged(tx, complaint)
    decision.state, decision.sent_at = SENT, tx.now
    complaint.outcome, complaint.decision = decision.outcome, decision.reasons
    if not complaint.anonymous:  # nobody to write to: what was decided stands on the page
        _write(tx, complaint, decision)
    complaints.decide(tx, complaint)
    hashes = {"letter": decision.letter_sha256, "pdf": decision.pdf_sha256}
    complaints.enter(tx, complaint, DECIDED, agent=agent, decision=decision.id, **hashes)
    if any(given.done_at is None for given in file.redress_of(tx, complaint)):
        complaints.enter(tx, complaint, REDRESS, agent=agent)


def _write(tx: Tx, complaint: Complaint, decision: ComplaintDecision) -> None:
    written = decision_letter(tx, complaint, decision)
    decision.letter, decision.pdf = keepable(written.html), written.pdf
    decision.letter_sha256 = hashlib.sha256(decision.letter.encode()).hexdigest()
    decision.pdf_sha256 = hashlib.sha256(decision.pdf).hexdigest()
