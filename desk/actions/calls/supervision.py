"""Supervisors on a call: they listen, whisper to the agent, speak with both, take it over, or put it into another queue."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.actions.calls import calls, transfers
from desk.actions.calls.states import check
from desk.actions.work import supervising
from desk.errors import Conflict, NotFound
from desk.models import Agent, Call, CallLeg, CallSegment, Queue, WorkItem
from desk.models.call import BARGE, LISTEN, OVER, QUEUED, SUPERVISOR, WHISPER
from desk.queries.board.board import access_item, visible_agents
from desk.store import Tx

MODES = (LISTEN, WHISPER, BARGE)
WORDS = {LISTEN: "call.listened", WHISPER: "call.whispered", BARGE: "call.barged"}


def supervised_call(session: Session, viewer: Viewer, call_id: int) -> Call:
    """A call of an agent whom the viewer supervises, or one that waits where they do; raises `NotFound` for any other."""
    call = session.get(Call, call_id)
    if call is None or (call.agent_id is None and call.item_id is None):
        raise NotFound("There is no such call.")
    if call.agent_id is None and call.item_id is not None:
        access_item(session, viewer, call.item_id)
    elif call.agent_id is not None and not _is_theirs(session, viewer, call.agent_id):
        raise NotFound("There is no such call.")
    return call


def check_mode(session: Session, call: Call, agent_id: int) -> None:
    """Raises `Conflict` when this supervisor cannot be on the call now: it is their own, or they are on another."""
    check(call, "listen")
    if call.agent_id == agent_id:
        raise Conflict("This call is your own.")
    part = select(CallSegment.id).where(CallSegment.agent_id == agent_id, CallSegment.ended_at.is_(None))
    other = select(CallLeg.id).where(CallLeg.agent_id == agent_id, CallLeg.call_id != call.id, CallLeg.party == SUPERVISOR)
    elsewhere = other.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    if session.scalar(part.limit(1)) is not None or session.scalar(elsewhere.limit(1)) is not None:
        raise Conflict("You are on a call already.")


def supervisor_leg(session: Session, call: Call, agent_id: int) -> CallLeg | None:
    """The connection of this supervisor to the call, or nothing."""
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.agent_id == agent_id, CallLeg.party == SUPERVISOR)
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def noted(tx: Tx, call: Call, agent_id: int, mode: str) -> None:
    """The supervisor listens, whispers or speaks from now on; every change is in the audit."""
    leg = supervisor_leg(tx.session, call, agent_id)
    if leg is not None:
        leg.mode = mode
    calls.emit(tx, WORDS[mode], call, data={"supervisor": agent_id})


def leave(tx: Tx, call: Call, agent_id: int) -> None:
    """The supervisor goes; the others notice nothing."""
    calls.dismiss(tx, call, SUPERVISOR, agent_id=agent_id)


def take_over(tx: Tx, call: Call, agent_id: int, from_agent_id: int | None) -> None:
    """The supervisor has the call now, and the agent wraps up.

    Raises `Conflict` when they are not on the line, or when the call is not with that agent any more.
    """
    if call.agent_id != from_agent_id:
        raise Conflict("Somebody else has taken this call over.")
    leg = supervisor_leg(tx.session, call, agent_id)
    if leg is None or leg.status != "in-progress":
        raise Conflict("Listen to the call first; then you can take it over.")
    transfers.take_over_by(tx, call, leg, tx.now)


def move(tx: Tx, call: Call, queue: Queue) -> None:
    """Into another queue: a caller who waits, or one who is with an agent."""
    check(call, "move")
    if call.state == QUEUED:
        supervising.move(tx, tx.session.get_one(WorkItem, call.item_id), queue)
        calls.emit(tx, "call.moved", call, queue=queue, data={"queue": queue.key})
    elif call.state not in OVER:
        transfers.to_queue(tx, call, queue, "")


def _is_theirs(session: Session, viewer: Viewer, agent_id: int) -> bool:
    return session.scalar(select(Agent.id).where(Agent.id == agent_id, visible_agents(viewer))) is not None
