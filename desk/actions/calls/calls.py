"""A phone call between the queue and the wrap-up. Word of it comes late, twice and out of order: nothing here moves backwards.

`at` is when a thing happened, which is a little before `tx.now` when we hear of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.calls import callback_outcomes, segments
from desk.actions.calls.locks import lock_call, lock_people
from desk.actions.calls.queueing import send_elsewhere, was_turned_away
from desk.actions.calls.segments import CONSULTING, HANDLE
from desk.actions.calls.states import check, go
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.actions.work.holding import lock_agent
from desk.errors import Conflict
from desk.models import Agent, Call, CallLeg, CallSegment, HelpRequest, Ticket, WorkItem
from desk.models.agent import NOT_RESPONDING
from desk.models.call import (
    ABANDONED,
    AGENT,
    CONFERENCE,
    DIALING,
    DONE,
    HOLD,
    OFFERED,
    OVER,
    OVERFLOW,
    QUEUED,
    TALKING,
    TRANSFERRED,
    WRAP_UP,
)
from desk.models.work_item import ACTIVE as ITEM_ACTIVE
from desk.models.work_item import WRAP_UP as ITEM_WRAP_UP
from desk.store import Tx

GRACE_S = 25  # how long a caller is kept for the agent whose line broke
SURELY_TOGETHER = timedelta(seconds=2)  # twice the grain of the carrier's clock: an answer so long before the end came before it
MISSED_CALL = "missed_call"  # why an agent is not responding: they took a call and did not pick up
CALLER, DROPPED = "caller", "dropped"  # who ended a part: the customer, or nobody wished it
NO_ANSWER_OF_AGENT = ("no-answer", "failed")


def accepted(tx: Tx, item: WorkItem, agent_id: int) -> Call:
    """An agent took the call that was offered: their own leg is rung next."""
    call = tx.session.scalar(select(Call).where(Call.item_id == item.id))
    if call is None or call.state in OVER:
        raise Conflict("The caller has hung up.")
    go(call, OFFERED)
    call.agent_id, call.offered_at = agent_id, item.offered_at
    segments.begin(tx, call, agent_id, item)
    ticket = tx.session.get_one(Ticket, item.ticket_id)
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent_id)
    tx.emit("call.accepted", call=call, ticket=ticket, agent=agent_id, item=item)
    return call


def begin_talking(tx: Tx, call: Call, at: datetime) -> None:
    """The agent and the customer are both in the room."""
    if call.state not in (OFFERED, DIALING) and call.lost_until is None:
        return
    back, first = call.lost_until is not None, call.answered_at is None
    call.lost_until = None
    if call.state != CONFERENCE:
        go(call, TALKING)
    segments.end_hold(tx, call, at)
    call.answered_at = call.answered_at or max(at, call.offered_at or call.arrived_at)
    segments.follow(tx, call, max(at, call.answered_at))
    call.muted = False
    if first and call.callback_id is not None:
        callback_outcomes.reached(tx, call)
    kind = "call.agent_back" if back else "call.answered"
    emit(tx, kind, call, customer=call.customer_id, data={"first": first})


def leg_failed(tx: Tx, call: Call, reason: str) -> None:
    """The agent's phone could not be rung: the caller goes back into the line, first in it."""
    if call.state != OFFERED or call.lost_until is not None:
        return
    agent_id = call.agent_id
    _back_in_line(tx, call, "dropped", tx.now, to_agent_id=None)
    emit(tx, "call.leg_failed", call, agent=agent_id, data={"reason": reason[:200]})


def agent_did_not_answer(tx: Tx, call: Call, status: str, at: datetime) -> None:
    """The agent took the call and did not pick up: others are asked, and everybody sees that they do not respond."""
    lock_people(tx, call)
    agent = None if call.agent_id is None else lock_agent(tx, call.agent_id)
    _back_in_line(tx, call, "dropped", at, to_agent_id=None)
    if agent is not None and status in NO_ANSWER_OF_AGENT and agent.presence != NOT_RESPONDING:
        agent.presence, agent.presence_reason, agent.presence_since = NOT_RESPONDING, MISSED_CALL, tx.now
        work_items.rescind_offers(tx, agent.id, NOT_RESPONDING)
        tx.emit("agent.presence_set", agent=agent, data={"presence": NOT_RESPONDING, "reason": MISSED_CALL})
    emit(tx, "call.agent_lost", call, agent=agent, data={"status": status})


def lose_agent(tx: Tx, call: Call, status: str, at: datetime) -> None:
    """The agent's line broke while the customer is there: the customer hears music, and is kept for this agent for a while."""
    if call.state != CONFERENCE:  # there, the two others go on
        segments.begin_hold(call, at)
        go(call, HOLD)
        segments.follow(tx, call, at)
    call.lost_until = tx.now + timedelta(seconds=GRACE_S)
    emit(tx, "call.agent_lost", call, data={"status": status})


def give_up_on_agent(tx: Tx, call: Call) -> None:
    """The agent has not come back in time: the customer is first in the line again, and the agent is asked first."""
    if call.lost_until is None or call.state in OVER:
        return
    call.lost_until = None
    agent_id = call.agent_id
    if call.state == CONFERENCE:
        end_part(tx, call, "lost", tx.now)
        go(call, TRANSFERRED)
        call.agent_id = None
    else:
        _back_in_line(tx, call, "lost", tx.now, to_agent_id=agent_id)
    emit(tx, "call.agent_given_up", call, agent=agent_id)


def end_part(tx: Tx, call: Call, by: str, at: datetime, *, to: str = "") -> CallSegment | None:
    """The part of the agent who has the call is over; they wrap up while the call goes on elsewhere. Their leg may go."""
    lock_people(tx, call)
    segments.end_hold(tx, call, at)
    segment = segments.current(tx, call, call.agent_id)
    if segment is not None:
        segments.end(tx, segment, by, at, to=to)
    dismiss(tx, call, AGENT, agent_id=call.agent_id)
    end_help(tx, call)
    return segment


def dismiss(tx: Tx, call: Call, *parties: str, agent_id: int | None = None) -> None:
    """The legs of these parties are not wanted in the room any more; whoever speaks to the carrier next ends them."""
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party.in_(parties), CallLeg.ended_at.is_(None))
    for leg in tx.session.scalars(query if agent_id is None else query.where(CallLeg.agent_id == agent_id)):
        leg.unwanted = True


def caller_left(tx: Tx, call: Call, at: datetime | None = None, *, by: str = CALLER) -> None:
    """The customer's side is over, whoever ended it. Before an answer it is an abandoned call, after it the wrap-up begins."""
    at = tx.now if at is None else at
    if call.state in OVER:
        call.ended_at = call.ended_at or at  # of somebody who speaks to nobody, but leaves a message, this is the end
        return
    lock_people(tx, call)
    segments.end_hold(tx, call, at)
    if by == CALLER:
        by = segments.being_ended_by(tx, call) or by
    if by == CALLER and call.lost_until is not None:
        by = DROPPED  # they heard music where there had been somebody
    call.lost_until = None
    item = tx.session.get(WorkItem, call.item_id) if call.item_id else None
    _take_back_answer(tx, call, at)
    _believe_the_line(tx, call, at)
    call.ended_at = max(at, call.answered_at or call.arrived_at)
    end_help(tx, call)
    if was_turned_away(call):
        send_elsewhere(tx, call, call.ended_at)
        return
    if call.answered_at is None:
        _abandoned(tx, call, item, by)
        return
    _end_parts(tx, call, item, by)
    go(call, WRAP_UP if _somebody_wraps_up(tx, call) else DONE)
    emit(tx, "call.ended", call, customer=call.customer_id)


def was_in_the_room(tx: Tx, call: Call, leg: CallLeg) -> None:
    """The agent on this leg had spoken with the caller; word of the end of that had overtaken word of its beginning."""
    part = _part_of(tx, call, leg)
    if part is None or part.started_at is not None or part.ended_at is None or part.kind != HANDLE or leg.joined_at is None:
        return
    lock_people(tx, call)
    part.started_at = min(part.ended_at, max(leg.joined_at, part.offered_at or leg.joined_at))
    call.answered_at = min(call.answered_at or part.started_at, part.started_at)
    emit(tx, "call.answered", call, agent=part.agent_id, customer=call.customer_id, data={"first": True})
    if call.state != ABANDONED:
        return
    call.abandoned_at, call.abandon_point, call.agent_id = None, "", part.agent_id
    call.state = WRAP_UP  # the one way back from an end: this one had never been
    segments.wrap_up_late(tx, part)
    emit(tx, "call.ended", call, customer=call.customer_id)


def began_earlier(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """The agent on this leg spoke from then on: word of it comes after what we had to take for the beginning."""
    part = _part_of(tx, call, leg)
    if part is None or part.started_at is None or part.started_at <= at or part.kind != HANDLE:
        return
    before, part.started_at = part.started_at, max(at, part.offered_at or at)
    if call.answered_at == before:
        call.answered_at = part.started_at


def was_dropped(tx: Tx, call: Call) -> None:
    """The customer did not hang up: their line failed. Word of it may come after word of the end."""
    ended = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.ended_by == CALLER)
    for part in tx.session.scalars(ended.where(CallSegment.ended_at == call.ended_at)):
        part.ended_by = DROPPED


def ended_earlier(tx: Tx, call: Call, at: datetime) -> None:
    """The call was over then: of several words of its end the earliest counts, whichever comes first."""
    if call.ended_at is None or at >= call.ended_at or call.state not in (WRAP_UP, DONE, ABANDONED, OVERFLOW):
        return
    before, call.ended_at = call.ended_at, max(at, call.answered_at or call.arrived_at)
    if call.flow_out_at == before:
        call.flow_out_at = call.ended_at
    if call.abandoned_at is not None:
        call.abandoned_at = call.ended_at
    for part in tx.session.scalars(select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.ended_at == before)):
        part.ended_at = max(call.ended_at, part.started_at or call.ended_at)


def set_hold(tx: Tx, call: Call, on: bool) -> None:
    """The carrier has put the customer on hold, or taken them off."""
    if on and call.state == TALKING:
        go(call, HOLD)
        segments.begin_hold(call, tx.now)
    elif not on and call.state == HOLD and call.lost_until is None:
        segments.end_hold(tx, call, tx.now)
        go(call, TALKING)
    else:
        return
    segments.follow(tx, call, tx.now)
    note_held(tx, call.sid, on)
    emit(tx, "call.held" if on else "call.resumed", call)


def set_muted(tx: Tx, call: Call, on: bool) -> None:
    """The carrier has muted the agent, or opened their microphone."""
    check(call, "mute")
    if call.muted != on:
        call.muted = on
        emit(tx, "call.muted" if on else "call.unmuted", call)


def note_held(tx: Tx, sid: str, on: bool) -> None:
    """The carrier keeps this leg out of the sound, or no longer."""
    leg = tx.session.scalar(select(CallLeg).where(CallLeg.sid == sid))
    if leg is not None:
        leg.held = on


def wrap_up(
    tx: Tx, call: Call, agent: Agent, outcome: str, note: str, *, reason: str = "", segment_id: int | None = None
) -> None:
    """The agent says how their part ended; see `call_segments.wrap_up`."""
    lock_call(tx, call.id)
    segments.wrap_up(tx, call, agent, outcome, note, reason=reason, segment_id=segment_id)
    callback_outcomes.wrapped_up(tx, call, outcome)


def end_help(tx: Tx, call: Call) -> None:
    """Nobody needs help with this any more."""
    for request in tx.session.scalars(select(HelpRequest).where(HelpRequest.call_id == call.id, HelpRequest.ended_at.is_(None))):
        request.ended_at = tx.now


def talk_seconds(call: Call, now: datetime) -> int:
    """Seconds from answer to end, or until now."""
    return int(((call.ended_at or now) - call.answered_at).total_seconds()) if call.answered_at else 0


def emit(tx: Tx, kind: str, call: Call, **more: Any) -> None:
    """Record what happened to the call, with whom and what it is about."""
    tx.emit(kind, **{"call": call, "ticket": call.ticket_id, "agent": call.agent_id, "item": call.item_id, **more})


def _take_back_answer(tx: Tx, call: Call, at: datetime) -> None:
    """The caller's end, at `at`, shows whether the agent's answer was one.

    Answered is what both were in the room for. That the agent's line was connected is taken for it until they are said to have
    entered the room; but a line that was connected at the very end may have been so after it, in an empty room.
    """
    part = segments.current(tx, call, call.agent_id)
    if call.direction != "in" or part is None or part.kind != HANDLE or part.started_at is None:
        return
    theirs = select(CallLeg.joined_at).where(
        CallLeg.call_id == call.id, CallLeg.party == AGENT, CallLeg.agent_id == part.agent_id
    )
    entered = tx.session.scalars(theirs.where(CallLeg.started_at >= (part.offered_at or call.arrived_at))).all()
    if not entered or any(entered) or part.started_at <= at - SURELY_TOGETHER:
        return
    if call.answered_at == part.started_at:
        call.answered_at = None
    call.hold = [spell for spell in call.hold if datetime.fromisoformat(spell[0]) < part.started_at]
    part.started_at, part.hold_s, part.state = None, 0, segments.RINGING
    go(call, OFFERED)


def _believe_the_line(tx: Tx, call: Call, at: datetime) -> None:
    """The agent's line has been connected for a while, and of the caller's room nothing was heard: they will have spoken."""
    theirs = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party == AGENT, CallLeg.agent_id == call.agent_id)
    leg = tx.session.scalar(theirs.order_by(CallLeg.id.desc()).limit(1)) if call.state == OFFERED else None
    if leg is None or leg.status != "in-progress" or leg.started_at > at - SURELY_TOGETHER:
        return
    if tx.session.scalar(select(CallLeg.joined_at).where(CallLeg.sid == call.sid)) is None:
        begin_talking(tx, call, at)


def _part_of(tx: Tx, call: Call, leg: CallLeg) -> CallSegment | None:
    """The agent's part that this leg was rung for."""
    parts = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.agent_id == leg.agent_id)
    return tx.session.scalar(parts.where(CallSegment.offered_at <= leg.started_at).order_by(CallSegment.id.desc()).limit(1))


def _abandoned(tx: Tx, call: Call, item: WorkItem | None, by: str) -> None:
    assert call.ended_at is not None
    call.abandon_point = "ivr" if item is None else "ringing" if call.state == OFFERED else "queue"
    segment = segments.current(tx, call, call.agent_id)
    if segment is not None:
        segments.end(tx, segment, by, call.ended_at)
    go(call, ABANDONED)
    call.abandoned_at = call.ended_at
    if item is not None and not work_items.abandon(tx, item):
        work_items.finish(tx, item)  # an agent had just accepted, and nobody is there any more
    emit(tx, "call.abandoned", call, item=item, customer=call.customer_id, data={"point": call.abandon_point})


def _end_parts(tx: Tx, call: Call, item: WorkItem | None, by: str) -> None:
    """Everybody's part of an answered call is over. Who was on the way back to somebody is wrapped up by whom they spoke to."""
    assert call.ended_at is not None
    open_parts = select(CallSegment).where(CallSegment.call_id == call.id, CallSegment.ended_at.is_(None))
    for segment in tx.session.scalars(open_parts.order_by(CallSegment.id)).all():
        segments.end(tx, segment, by, call.ended_at)
        if segment.state == DONE and segment.item_id is not None and segment.item_id != call.item_id:
            work_items.finish(tx, tx.session.get_one(WorkItem, segment.item_id))
    if item is None or item.ended_at is not None or item.state == ITEM_WRAP_UP:
        return
    spoke = tx.session.scalar(
        select(CallSegment)
        .where(CallSegment.item_id == item.id, CallSegment.started_at.is_not(None), CallSegment.kind != CONSULTING)
        .order_by(CallSegment.id.desc())
        .limit(1)
    )
    if spoke is None:  # passed on, and left before anybody answered there
        call.abandon_point = "ringing" if call.state == OFFERED else "queue"
        if not work_items.abandon(tx, item):
            work_items.finish(tx, item)
        return
    if item.state == ITEM_ACTIVE and item.agent_id != spoke.agent_id:
        work_items.finish(tx, item)  # somebody else had just taken it, and nobody is there any more
        return
    call.agent_id = spoke.agent_id
    work_items.wrap_up_with(tx, item, spoke.agent_id)
    if item.state == ITEM_WRAP_UP:
        spoke.state, spoke.wrap_until = WRAP_UP, tx.now


def _back_in_line(tx: Tx, call: Call, by: str, at: datetime, *, to_agent_id: int | None) -> None:
    """First in the line again: the item keeps its due time. Whoever had it has nothing to wrap up unless the caller gives up."""
    item = tx.session.get_one(WorkItem, call.item_id)
    segment = segments.current(tx, call, call.agent_id)
    if call.answered_at is not None:
        segments.begin_hold(call, at)
    if segment is not None:
        segments.end_hold(tx, call, at)
        segment.ended_at, segment.ended_by, segment.state = max(at, segment.started_at or at), by, DONE
        if call.answered_at is not None:
            segments.begin_hold(call, at)
    dismiss(tx, call, AGENT, agent_id=call.agent_id)
    go(call, QUEUED)
    call.agent_id = None
    if item.state == ITEM_ACTIVE:
        if item.kind == "outbound":
            item.kind = "call"  # whom we called waits now like one who called us
        work_items.hand_back(tx, item, to_agent_id=to_agent_id)


def _somebody_wraps_up(tx: Tx, call: Call) -> bool:
    tx.session.flush()
    waiting = select(CallSegment.id).where(CallSegment.call_id == call.id, CallSegment.state == WRAP_UP)
    return tx.session.scalar(waiting.limit(1)) is not None
