"""A complaint settled on the spot: inside its policy's days, with the customer's agreement, and a letter about it."""

from __future__ import annotations

from desk.access import Right, viewer_of
from desk.actions.complaints import complaints
from desk.actions.complaints.clocks import resume
from desk.actions.complaints.letters import write_letter
from desk.errors import Conflict, Invalid
from desk.models import Agent, Complaint, Ticket
from desk.models.complaint import ACKNOWLEDGED, FOLLOW_UP, NEXT, RECEIVED
from desk.queries.complaints.policies import early_until
from desk.sentences import N_
from desk.store import Tx

LONGEST = 4000


def settle(tx: Tx, complaint: Complaint, agent: Agent, agreed: str, words: str) -> Complaint:
    """Settle it: `agreed` is what was agreed, `words` how the customer said yes. Somebody else asks some days later all the same.

    Raises `Conflict` (with what is allowed) beyond the days of its policies or for severity 1, `Invalid` with `fields`.
    """
    viewer_of(agent).require(Right.REGISTER_COMPLAINT)
    complaints.check_next(complaint, FOLLOW_UP)
    if complaint.stage not in (RECEIVED, ACKNOWLEDGED):
        raise Conflict("Only a complaint that nobody looks into yet is settled on the spot.", allowed=NEXT[complaint.stage])
    if complaint.severity == 1:
        raise Conflict("What is critical is always looked into.", allowed=NEXT[complaint.stage])
    until = early_until(tx.session, complaint)
    if until is None or tx.now > until:
        raise Conflict("The days in which its policy lets it be settled on the spot are over.", allowed=NEXT[complaint.stage])
    fields = {} if agreed.strip() else {"agreed": N_("Write down what was agreed; the customer reads it.")}
    if not words.strip():
        fields["words"] = N_("Write down how the customer agreed, in their words.")
    if fields:
        raise Invalid("Something is missing before this can be settled.", fields)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    resume(tx, complaint, why="settled")
    complaint.outcome, complaint.decision = "resolved_early", agreed.strip()[:LONGEST]
    complaint.acknowledged_at = complaint.acknowledged_at or tx.now
    complaint.decided_at, complaint.handler_id = tx.now, complaint.handler_id or agent.id
    write_letter(tx, complaint, ticket, "summary")
    complaints.end_work(tx, complaint, ticket)
    complaints.enter(tx, complaint, FOLLOW_UP, agent=agent, reason=words.strip()[:500])
    complaints.plan_follow_up(tx, complaint, ticket)
    return complaint
