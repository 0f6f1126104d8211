"""The agents' parts of a call: each begins when it is offered, counts its holds, and ends with a wrap-up of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, CallSegment, Ticket, WorkItem
from desk.models.call import DONE, OVER, WRAP_UP
from desk.models.ticket import CALL_OUTCOMES, CATEGORIES
from desk.queries.calls.voice_policy import voice_policy
from desk.store import Tx

RINGING = "ringing"
HANDLE, CONSULTING, OUTBOUND = "handle", "consult", "outbound"
MORE_S = 60  # how much longer a wrap-up may take each time the agent asks for it


def begin(tx: Tx, call: Call, agent_id: int, item: WorkItem | None, *, kind: str = HANDLE) -> CallSegment:
    """The agent's phone is about to ring. The part begins to count when they are in the room."""
    segment = CallSegment(
        call_id=call.id,
        agent_id=agent_id,
        item_id=item.id if item else None,
        kind=kind,
        state=RINGING,
        offered_at=(item.offered_at if item else None) or tx.now,
    )
    tx.session.add(segment)
    tx.session.flush()
    return segment


def current(tx: Tx, call: Call, agent_id: int | None) -> CallSegment | None:
    """The part of this agent that is not over yet, or nothing."""
    if agent_id is None:
        return None
    query = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.agent_id == agent_id)
    return tx.session.scalar(query.where(CallSegment.ended_at.is_(None)).order_by(CallSegment.id.desc()).limit(1))


def latest(tx: Tx, call: Call) -> CallSegment | None:
    """The last part that an agent had, over or not."""
    return tx.session.scalar(select(CallSegment).where(CallSegment.call_id == call.id).order_by(CallSegment.id.desc()).limit(1))


def follow(tx: Tx, call: Call, at: datetime) -> None:
    """The part of the agent who has the call follows the call's state."""
    segment = current(tx, call, call.agent_id)
    if segment is not None:
        segment.started_at = segment.started_at or at
        segment.state = call.state


def is_on_hold(call: Call) -> bool:
    """Whether the customer hears music, by what the agent pressed."""
    return bool(call.hold) and not call.hold[-1][1]


def is_ending(tx: Tx, call: Call, by: str) -> None:
    """Whoever has the call is about to end it, or ("") could not: word of the end may be here before they have recorded it."""
    segment = current(tx, call, call.agent_id)
    if segment is not None:
        segment.ended_by = by


def being_ended_by(tx: Tx, call: Call) -> str:
    """Who on our side is about to end the call, or ""."""
    segment = current(tx, call, call.agent_id)
    return "" if segment is None else segment.ended_by


def begin_hold(call: Call, at: datetime) -> None:
    """The customer hears music from now on."""
    if not is_on_hold(call):
        call.hold = [*call.hold, [at.isoformat(), ""]]


def end_hold(tx: Tx, call: Call, at: datetime) -> None:
    """The customer is spoken with again, or has gone; the time counts for the agent who has the call."""
    if not is_on_hold(call):
        return
    start = datetime.fromisoformat(call.hold[-1][0])
    call.hold = [*call.hold[:-1], [start.isoformat(), max(at, start).isoformat()]]
    segment = current(tx, call, call.agent_id)
    if segment is not None:
        since = max(start, segment.started_at or start)
        segment.hold_s += max(0, round((at - since).total_seconds()))


def end(tx: Tx, segment: CallSegment, by: str, at: datetime, *, to: str = "") -> None:
    """The agent's part is over. Whoever has spoken wraps up; who only was rung has nothing to wrap up."""
    if segment.ended_at is not None:
        return
    segment.ended_at, segment.ended_by, segment.transferred_to = max(at, segment.started_at or at), by, to
    item = tx.session.get(WorkItem, segment.item_id) if segment.item_id else None
    if segment.started_at is None or segment.kind == CONSULTING:
        segment.state = DONE
        return
    segment.state = WRAP_UP
    segment.wrap_until = tx.now + timedelta(seconds=voice_policy(tx.session).wrap_up_prompt_s)
    if item is not None and item.agent_id == segment.agent_id:
        work_items.begin_wrap_up(tx, item)


def wrap_up_late(tx: Tx, segment: CallSegment) -> None:
    """A part that was over as if nobody had spoken had been one after all: it is wrapped up like any other."""
    segment.state = WRAP_UP
    segment.wrap_until = tx.now + timedelta(seconds=voice_policy(tx.session).wrap_up_prompt_s)
    if segment.item_id is not None:
        work_items.take_up_again(tx, tx.session.get_one(WorkItem, segment.item_id), segment.agent_id)


def wrap_up(
    tx: Tx, call: Call, agent: Agent, outcome: str, note: str, *, reason: str = "", segment_id: int | None = None
) -> None:
    """The agent says what it was about (`reason`) and how it ended; then their hands are free. Once is enough."""
    if outcome not in CALL_OUTCOMES or (reason and reason not in CATEGORIES):
        raise Invalid("Please choose how the call ended.")
    segment = _of(tx, call, agent, segment_id)
    if segment is None or segment.state == DONE:
        return
    if segment.ended_at is None:
        raise Conflict("The call is still on.")
    if note.strip() and call.ticket_id is not None:
        tickets.note(tx, tx.session.get_one(Ticket, call.ticket_id), agent, note)
    finish(tx, call, segment, reason, outcome)


def finish(tx: Tx, call: Call, segment: CallSegment, reason: str, outcome: str) -> None:
    """The wrap-up is done, by the agent or because it has to be."""
    segment.state, segment.wrap_up_code, segment.outcome, segment.wrap_ended_at = DONE, reason, outcome, tx.now
    if segment.item_id is not None:
        work_items.finish(tx, tx.session.get_one(WorkItem, segment.item_id))
    tx.session.flush()
    if call.state == WRAP_UP and not _others_wrap_up(tx, call):
        call.state = DONE
    if call.state in OVER:
        call.wrap_up_code, call.wrap_ended_at = outcome, tx.now
    tx.emit(
        "call.wrapped_up",
        call=call,
        ticket=call.ticket_id,
        agent=segment.agent_id,
        item=segment.item_id,
        data={"code": outcome, "reason": reason, "segment": segment.id},
    )


def more_time(tx: Tx, call: Call, agent: Agent, segment_id: int | None = None) -> None:
    """The agent needs longer for what is to be written. Raises `Conflict` when there is nothing to wrap up."""
    segment = _of(tx, call, agent, segment_id)
    if segment is None or segment.state != WRAP_UP:
        raise Conflict("There is nothing to wrap up.")
    segment.wrap_until = max(tx.now, segment.wrap_until or tx.now) + timedelta(seconds=MORE_S)
    tx.emit("call.wrap_up_extended", call=call, ticket=call.ticket_id, agent=agent, item=segment.item_id)


def _of(tx: Tx, call: Call, agent: Agent, segment_id: int | None) -> CallSegment | None:
    query = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.agent_id == agent.id)
    if segment_id is not None:
        query = query.where(CallSegment.id == segment_id)
    # What waits for its wrap-up first; else the last one, to say why not.
    return tx.session.scalar(query.order_by(CallSegment.state != WRAP_UP, CallSegment.id.desc()).limit(1))


def _others_wrap_up(tx: Tx, call: Call) -> bool:
    waiting = select(CallSegment.id).where(CallSegment.call_id == call.id, CallSegment.state == WRAP_UP)
    return tx.session.scalar(waiting.limit(1)) is not None
