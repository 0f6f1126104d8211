"""More time for a complaint: once, before the promise is broken, by somebody who does not handle it, and with a letter."""

from __future__ import annotations

from desk.access import Right, viewer_of
from desk.actions.calendars import calendar_of
from desk.actions.complaint_letters import write_letter
from desk.actions.complaint_policy import POLICIES
from desk.actions.complaint_record import tell
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Complaint, Queue, Ticket
from desk.models.complaint import OPEN_STAGES, REOPENED
from desk.sentences import N_
from desk.store import Tx
from routing.clocks import deadline

LONGEST = 1000


def extend(tx: Tx, complaint: Complaint, agent: Agent, reason: str) -> None:
    """Promise a later day, and tell the customer why. The reason is in the letter, in their language.

    Raises `NotAllowed` for who handles the case or may not approve, `Conflict` when it is too late or was done before.
    """
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    if agent.id == complaint.handler_id:
        raise NotAllowed("You handle this complaint; somebody else has to agree to more time.")
    if complaint.stage not in OPEN_STAGES or complaint.stage == REOPENED or complaint.decided_at is not None:
        raise Conflict("Only a complaint that has not been decided can get more time.")
    if complaint.extended_from is not None:
        raise Conflict("This complaint has had more time already.")
    if tx.now > complaint.decide_due_at:
        raise Conflict("The promised day is over; more time has to be agreed before that.")
    if not reason.strip():
        raise Invalid("Write to the customer why.", {"reason": N_("Write to the customer why.")})
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    rule = POLICIES[complaint.policy]
    calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
    complaint.extended_from, complaint.extended_for = complaint.decide_due_at, reason.strip()[:LONGEST]
    complaint.decide_due_at = deadline(complaint.received_at, rule.decide[0] + rule.longer, rule.decide[1], calendar)
    ticket.resolve_due_at = complaint.decide_due_at
    mailed = write_letter(tx, complaint, ticket, "extension")
    data = {
        "old": complaint.extended_from.isoformat(),
        "new": complaint.decide_due_at.isoformat(),
        "reason": complaint.extended_for,
        "mailed": mailed,
    }
    tell(tx, complaint, "complaint.extended", agent=agent, data=data)
