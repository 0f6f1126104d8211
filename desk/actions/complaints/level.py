"""Asking the highest support level by rule, whether or not anybody thought of it.

A case of severity 1 is there an hour after it became one; one that is opened again for the second time is there at once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from desk.actions.calendars import calendar_of
from desk.actions.complaints.alarms import TO_LEVEL_3, officers
from desk.actions.complaints.record import tell
from desk.actions.complaints.severity import CRITICAL
from desk.actions.work import hand_ups
from desk.models import Agent, Complaint, HandUp, Queue, Ticket
from desk.models.complaint import OPEN_STAGES
from desk.queries.tickets.mentions import readers
from desk.store import Tx
from routing.clocks import deadline

QUESTION = {
    "en": "This complaint is of severity 1. What has to be done at once, and who does it?",
    "zh": "本投诉为一级（重大）。请告知需立即采取哪些措施、由谁执行。",
}


SECOND = 2  # so many times opened again is too often for this level
AGAIN = {
    "en": "This complaint has been opened again for the second time. What did we get wrong twice, and what settles it?",
    "zh": "本投诉已第二次重新打开。请告知我们两次未能解决的原因，以及怎样才能妥善解决。",
}


def reopened(tx: Tx, complaint: Complaint, ticket: Ticket, former: int | None, reason: str) -> None:
    """It was opened again: from the second time on the next level answers too, within a business day. The clocks run on."""
    tx.session.flush()
    asker = _voice(tx, complaint, ticket, former) if complaint.reopened >= SECOND else None
    if asker is not None:
        calendar = calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id))
        _ask(tx, complaint, ticket, asker, AGAIN, reason or complaint.statement, deadline(tx.now, 1, "business_days", calendar))


def due(tx: Tx, complaint: Complaint) -> None:
    """The hour is over (timer `complaint.level`): ask level 3, unless it has been asked or the case is no longer such."""
    if complaint.stage not in OPEN_STAGES or complaint.severity != CRITICAL:
        return
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    asker = None if _asked(tx, ticket) else _voice(tx, complaint, ticket)
    if asker is None:
        return
    _ask(tx, complaint, ticket, asker, QUESTION, complaint.statement, tx.now + TO_LEVEL_3)


def _ask(
    tx: Tx, complaint: Complaint, ticket: Ticket, asker: Agent, question: dict[str, str], problem: str, needed_by: datetime
) -> None:
    words = question["zh" if asker.locale == "zh" else "en"]
    asked = hand_ups.ask_highest(tx, ticket, asker, problem=problem, question=words, needed_by=needed_by)
    if asked is not None:
        tell(tx, complaint, "complaint.level_asked", agent=asker, data={"level": asked.to_level, "hand_up": asked.id})


def _asked(tx: Tx, ticket: Ticket) -> bool:
    query = select(HandUp.id).where(HandUp.ticket_id == ticket.id, HandUp.to_level == hand_ups.HIGHEST)
    return tx.session.scalar(query.limit(1)) is not None


def _voice(tx: Tx, complaint: Complaint, ticket: Ticket, former: int | None = None) -> Agent | None:
    """In whose name: who handles the case, else who owns the ticket, else the first who handles complaints and did not before."""
    for agent_id in (complaint.handler_id, ticket.owner_id):
        agent = tx.session.get(Agent, agent_id) if agent_id is not None else None
        if agent is not None and agent.active:
            return agent
    able = readers(tx.session, officers(tx), ticket)
    return next((each for each in able if each.id != former), next(iter(able), None))
