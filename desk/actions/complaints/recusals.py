"""Keeping somebody out of a complaint: the person complained about, and whoever has an interest in it."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.complaints.line import leads_accused
from desk.actions.complaints.record import tell
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Invalid, NotFound
from desk.models import Agent, Complaint, Recusal, Ticket, WorkItem
from desk.models.recusal import ABOUT, INTEREST
from desk.queries.complaints.keeping import preserved_calls
from desk.sentences import N_
from desk.store import Tx

REASONS = (ABOUT, INTEREST)
WORK = ("ticket", "complaint", "follow_up", "hand_up")  # a call or chat that goes on is ended by those who are in it


def keep_out(tx: Tx, complaint: Complaint, agent_id: int | None, why: str, note: str = "") -> Recusal:
    """From now on the case is not there for this person, and nothing of it is given to them; what they hold of it goes back.

    Doing it again changes nothing. Raises `Invalid` with `fields` for an unknown person or reason.
    """
    agent = tx.session.get(Agent, agent_id) if agent_id is not None else None
    fields = {} if agent else {"agent": N_("Choose a person.")}
    if why not in REASONS:
        fields["why"] = N_("Choose a reason.")
    if fields or agent is None:
        raise Invalid("Something is missing before somebody can be kept out.", fields)
    before = _of(tx, complaint.ticket_id, agent.id)
    if before is not None:
        return before
    recusal = Recusal(
        ticket_id=complaint.ticket_id,
        agent_id=agent.id,
        why=why,
        note=note.strip()[:500],
        noted_by=tx.actor.name,
        noted_at=tx.now,
    )
    tx.session.add(recusal)
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    if complaint.handler_id == agent.id:
        complaint.handler_id = None
    if ticket.owner_id == agent.id:
        tickets.assign(tx, ticket, None)
    held = select(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(work_items.OPEN_STATES))
    for item in tx.session.scalars(held.where(WorkItem.kind.in_(WORK)).order_by(WorkItem.id)).all():
        work_items.keep_from(tx, item, agent.id)
    tell(tx, complaint, "complaint.recused", agent=agent, data={"why": why})
    if why == ABOUT:
        _begin_outside_line(tx, complaint)
    return recusal


def _begin_outside_line(tx: Tx, complaint: Complaint) -> None:
    """It is about somebody here: the sound of their calls stays, and whoever leads them hands the case to somebody else."""
    tx.session.flush()
    calls = preserved_calls(tx.session, complaint)
    tell(tx, complaint, "complaint.recordings_preserved", data={"calls": calls})
    handler = tx.session.get(Agent, complaint.handler_id) if complaint.handler_id is not None else None
    if handler is not None and leads_accused(tx.session, complaint.ticket_id, handler):
        complaint.handler_id = None


def lift(tx: Tx, complaint: Complaint, recusal_id: int, reason: str) -> None:
    """It was a mistake. Work that is queued from now on may be given to that person again.

    Raises `Invalid` without a reason, `NotFound` when there is no such entry.
    """
    recusal = tx.session.get(Recusal, recusal_id)
    if recusal is None or recusal.ticket_id != complaint.ticket_id:
        raise NotFound("There is no such entry.")
    if not reason.strip():
        raise Invalid("Say why.", {"reason": N_("Say why.")})
    data = {"why": recusal.why, "reason": reason.strip()[:500]}
    tx.session.delete(recusal)
    tell(tx, complaint, "complaint.recusal_lifted", agent=recusal.agent_id, data=data)


def _of(tx: Tx, ticket_id: int, agent_id: int) -> Recusal | None:
    return tx.session.scalar(select(Recusal).where(Recusal.ticket_id == ticket_id, Recusal.agent_id == agent_id))
