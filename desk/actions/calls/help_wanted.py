"""An agent on a call asks for a supervisor, and one of them answers."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.calls import calls
from desk.actions.calls.locks import lock_call
from desk.actions.calls.states import check
from desk.models import Agent, Call, HelpRequest
from desk.store import Tx

LONGEST = 300


def ask(tx: Tx, call: Call, agent: Agent, text: str) -> None:
    """Ask for help, or take the question back when it has been asked already."""
    open_one = tx.session.scalar(select(HelpRequest).where(HelpRequest.call_id == call.id, HelpRequest.ended_at.is_(None)))
    if open_one is not None:
        open_one.ended_at = tx.now
        calls.emit(tx, "call.help_withdrawn", call)
        return
    check(call, "help")
    tx.session.add(HelpRequest(call_id=call.id, agent_id=agent.id, text=text.strip()[:LONGEST], asked_at=tx.now))
    calls.emit(tx, "call.help_asked", call)


def answer(tx: Tx, request: HelpRequest, supervisor: Agent) -> None:
    """Somebody is coming; the second one to say so changes nothing."""
    if request.answered_at is not None or request.ended_at is not None:
        return
    request.answered_by, request.answered_at = supervisor.id, tx.now
    call = lock_call(tx, request.call_id)
    calls.emit(tx, "call.help_answered", call, data={"supervisor": supervisor.id})
