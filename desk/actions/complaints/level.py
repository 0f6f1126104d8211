"""A case of severity 1 is with the highest support level an hour after it became one, whether or not anybody thought of it."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.complaints.alarms import TO_LEVEL_3, officers
from desk.actions.complaints.record import tell
from desk.actions.complaints.severity import CRITICAL
from desk.actions.work import hand_ups
from desk.models import Agent, Complaint, HandUp, Ticket
from desk.models.complaint import OPEN_STAGES
from desk.queries.tickets.mentions import readers
from desk.store import Tx

QUESTION = {
    "en": "This complaint is of severity 1. What has to be done at once, and who does it?",
    "zh": "本投诉为一级（重大）。请告知需立即采取哪些措施、由谁执行。",
}


def due(tx: Tx, complaint: Complaint) -> None:
    """The hour is over (timer `complaint.level`): ask level 3, unless it has been asked or the case is no longer such."""
    if complaint.stage not in OPEN_STAGES or complaint.severity != CRITICAL:
        return
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    asker = None if _asked(tx, ticket) else _voice(tx, complaint, ticket)
    if asker is None:
        return
    words = QUESTION["zh" if asker.locale == "zh" else "en"]
    asked = hand_ups.ask_highest(tx, ticket, asker, problem=complaint.statement, question=words, needed_by=tx.now + TO_LEVEL_3)
    if asked is not None:
        tell(tx, complaint, "complaint.level_asked", agent=asker, data={"level": asked.to_level, "hand_up": asked.id})


def _asked(tx: Tx, ticket: Ticket) -> bool:
    query = select(HandUp.id).where(HandUp.ticket_id == ticket.id, HandUp.to_level == hand_ups.HIGHEST)
    return tx.session.scalar(query.limit(1)) is not None


def _voice(tx: Tx, complaint: Complaint, ticket: Ticket) -> Agent | None:
    """In whose name: who handles the case, else who owns the ticket, else the first who handles complaints."""
    for agent_id in (complaint.handler_id, ticket.owner_id):
        agent = tx.session.get(Agent, agent_id) if agent_id is not None else None
        if agent is not None and agent.active:
            return agent
    return next(iter(readers(tx.session, officers(tx), ticket)), None)
