"""A phone call from the first ring to the wrap-up. Webhooks come late, twice and out of order: nothing here moves backwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from channels.voice.events import FINAL, CallEvent, ConferenceEvent, later
from desk.actions import tickets, work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, CallLeg, Ticket, WorkItem
from desk.models.call import ABANDONED, DONE, HOLD, OFFERED, OVER, QUEUED, TALKING, WRAP_UP
from desk.models.ticket import WRAP_UP_CODES
from desk.models.work_item import ACTIVE as ITEM_ACTIVE
from desk.store import Tx

CUSTOMER, AGENT = "customer", "agent"


def accepted(tx: Tx, item: WorkItem, agent_id: int) -> Call:
    """An agent took the call that was offered: their own leg is rung next."""
    call = tx.session.scalar(select(Call).where(Call.item_id == item.id))
    if call is None or call.state in OVER:
        raise Conflict("The caller has hung up.")
    call.agent_id, call.state, call.offered_at = agent_id, OFFERED, item.offered_at
    ticket = tx.session.get_one(Ticket, item.ticket_id)
    if ticket.owner_id is None:
        tickets.assign(tx, ticket, agent_id)
    tx.emit("call.accepted", call=call, ticket=ticket, agent=agent_id, item=item)
    return call


def leg_rings(tx: Tx, call: Call, sid: str, agent_id: int) -> bool:
    """The carrier rings the agent's browser under this leg. False when the caller has left meanwhile: let it stop ringing."""
    leg = _leg(tx, sid)
    if leg is None:
        tx.session.add(CallLeg(call_id=call.id, sid=sid, party=AGENT, agent_id=agent_id, started_at=tx.now))
    return call.state not in OVER


def legs_to_end(session: Session, call_sid: str, conference: str) -> list[str]:
    """The agents' connections that still ring or stand in a room after the caller of this leg or room has left."""
    query = (
        select(CallLeg.sid)
        .join(Call, Call.id == CallLeg.call_id)
        .where(or_(Call.sid == call_sid, Call.conference == conference), Call.state.in_(OVER))
        .where(CallLeg.party == AGENT, CallLeg.ended_at.is_(None))
    )
    return list(session.scalars(query))


def leg_failed(tx: Tx, call: Call, reason: str) -> None:
    """The agent's browser could not be rung: the caller goes back into the line, first in it."""
    item = tx.session.get_one(WorkItem, call.item_id)
    if item.state == ITEM_ACTIVE and call.state == OFFERED:
        call.state, call.agent_id = QUEUED, None
        work_items.hand_back(tx, item)
        tx.emit("call.leg_failed", call=call, ticket=call.ticket_id, item=item, data={"reason": reason[:200]})


def leg_status(tx: Tx, event: CallEvent, call_id: int | None = None, agent_id: int | None = None) -> None:
    """What became of a leg. The customer's end ends the call; an agent's end while the customer is there puts the caller back."""
    leg = _leg(tx, event.call_sid)
    if leg is None and call_id is not None and agent_id is not None and tx.session.get(Call, call_id) is not None:
        leg = CallLeg(call_id=call_id, sid=event.call_sid, party=AGENT, agent_id=agent_id, started_at=tx.now)
        tx.session.add(leg)
    if leg is None:
        return
    before = leg.status
    leg.status = later(leg.status, event.status)
    call = tx.session.get_one(Call, leg.call_id)
    _meet(tx, call)
    if leg.status not in FINAL or before in FINAL:
        return
    leg.ended_at = tx.now
    if leg.party == CUSTOMER:
        caller_left(tx, call)
    elif leg.agent_id == call.agent_id and call.state in (OFFERED, TALKING, HOLD):
        _agent_left(tx, call, event.status)


def conference_event(tx: Tx, event: ConferenceEvent) -> None:
    """Something happened in a call's room: it has a SID now, somebody joined or left, it ended."""
    call = tx.session.scalar(select(Call).where(Call.conference == event.friendly_name))
    if call is None:
        return
    call.conference_sid = call.conference_sid or event.conference_sid
    leg = _leg(tx, event.call_sid) if event.call_sid else None
    from_agent = event.label.startswith("agent-") or (leg is not None and leg.party == AGENT)
    if event.event == "participant-join" and from_agent:
        _agent_joined(tx, call, event)
    elif event.event == "participant-join":
        _meet(tx, call)
    elif event.event == "conference-end" or (event.event == "participant-leave" and event.call_sid == call.sid):
        caller_left(tx, call)


def caller_left(tx: Tx, call: Call) -> None:
    """The customer's side is over, whoever ended it. Before an answer it is an abandoned call, after it the wrap-up begins."""
    if call.state in OVER:
        return
    _end_hold(tx, call)
    item = tx.session.get(WorkItem, call.item_id) if call.item_id else None
    call.ended_at = tx.now
    leg = _last_agent_leg(tx, call)
    if call.state == OFFERED and leg is not None and leg.status == "in-progress":
        call.answered_at = call.answered_at or tx.now  # the agent answered; word of their entering the room comes late
    if call.answered_at is not None and item is not None:
        call.state = WRAP_UP
        if call.agent_id is None and leg is not None:
            call.agent_id = leg.agent_id  # both ends broke off together, and word of the agent's came first
        if call.agent_id is not None:
            work_items.wrap_up_with(tx, item, call.agent_id)
        tx.emit("call.ended", call=call, ticket=call.ticket_id, agent=call.agent_id, item=item, customer=call.customer_id)
        return
    call.abandon_point = "ivr" if item is None else "ringing" if call.state == OFFERED else "queue"
    call.state, call.abandoned_at = ABANDONED, tx.now
    if item is not None and not work_items.abandon(tx, item):
        work_items.finish(tx, item)  # an agent had just accepted, and nobody is there any more
    tx.emit(
        "call.abandoned",
        call=call,
        ticket=call.ticket_id,
        item=item,
        customer=call.customer_id,
        agent=call.agent_id,
        data={"point": call.abandon_point},
    )


def end_unknown(tx: Tx, state_of: Callable[[str], str | None]) -> int:
    """End the calls that the carrier does not know any more (`state_of` a leg's SID gives None). Returns how many there were.

    The simulated carrier forgets its calls with its process: without this, their callers would wait in the queue for ever.
    """
    running = tx.session.scalars(select(Call).where(Call.state.not_in(OVER))).all()
    gone = [call for call in running if state_of(call.sid) is None]
    for call in gone:
        caller_left(tx, call)
        for leg in tx.session.scalars(select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.ended_at.is_(None))):
            leg.ended_at = tx.now
    return len(gone)


def set_hold(tx: Tx, call: Call, on: bool) -> None:
    """The carrier has put the customer on hold, or taken them off."""
    if on and call.state == TALKING:
        call.state, call.hold = HOLD, [*call.hold, [tx.now.isoformat(), ""]]
    elif not on and call.state == HOLD:
        _end_hold(tx, call)
        call.state = TALKING
    else:
        return
    tx.emit("call.held" if on else "call.resumed", call=call, ticket=call.ticket_id, agent=call.agent_id, item=call.item_id)


def set_muted(tx: Tx, call: Call, on: bool) -> None:
    """The carrier has muted the agent, or opened their microphone."""
    if call.muted != on:
        call.muted = on
        tx.emit("call.muted" if on else "call.unmuted", call=call, ticket=call.ticket_id, agent=call.agent_id, item=call.item_id)


def wrap_up(tx: Tx, call: Call, agent: Agent, code: str, note: str) -> None:
    """The agent says how the call ended; then their hands are free. Once is enough."""
    if code not in WRAP_UP_CODES:
        raise Invalid("Please choose how the call ended.")
    if call.state == DONE:
        return
    if call.state != WRAP_UP:
        raise Conflict("The call is still on.")
    if note.strip() and call.ticket_id is not None:
        tickets.note(tx, tx.session.get_one(Ticket, call.ticket_id), agent, note)
    call.state, call.wrap_up_code, call.wrap_ended_at = DONE, code, tx.now
    if call.item_id is not None:
        work_items.finish(tx, tx.session.get_one(WorkItem, call.item_id))
    tx.emit("call.wrapped_up", call=call, ticket=call.ticket_id, agent=agent, item=call.item_id, data={"code": code})


def call_of(session: Session, leg_sid: str, conference: str) -> Call | None:
    """The call of this leg, or of this room."""
    if leg_sid:
        return session.scalar(select(Call).join(CallLeg, CallLeg.call_id == Call.id).where(CallLeg.sid == leg_sid))
    return session.scalar(select(Call).where(Call.conference == conference))


def left_alone(session: Session, call: Call) -> bool | None:
    """True: the caller has lost their agent and waits again. False: somebody is with them again. None: neither."""
    if not call.conference_sid or call.answered_at is None:
        return None
    if call.state == QUEUED:
        return True
    agents = select(func.count()).where(CallLeg.call_id == call.id, CallLeg.party == AGENT)
    return False if call.state == TALKING and (session.scalar(agents) or 0) > 1 else None


def _agent_joined(tx: Tx, call: Call, event: ConferenceEvent) -> None:
    leg = _leg(tx, event.call_sid)
    if leg is not None:
        leg.status = later(leg.status, "in-progress")
    _begin_talking(tx, call)


def _meet(tx: Tx, call: Call) -> None:
    """Both are in the room, though nobody told us of the agent.

    An agent who is quick enters before the caller has heard the last announcement; the carrier tells of a room only from
    the moment when the caller, who brought the address to tell, is in it.
    """
    leg = _last_agent_leg(tx, call)
    if call.conference_sid and leg is not None and leg.status == "in-progress":
        _begin_talking(tx, call)


def _begin_talking(tx: Tx, call: Call) -> None:
    if call.state != OFFERED:
        return
    call.state = TALKING
    first = call.answered_at is None
    call.answered_at = call.answered_at or tx.now
    tx.emit(
        "call.answered",
        call=call,
        ticket=call.ticket_id,
        agent=call.agent_id,
        item=call.item_id,
        customer=call.customer_id,
        data={"first": first},
    )


def _agent_left(tx: Tx, call: Call, status: str) -> None:
    """The agent's line broke while the customer is still there: the same place in the line, the same agent asked first."""
    item = tx.session.get_one(WorkItem, call.item_id)
    _end_hold(tx, call)
    agent_id, call.agent_id, call.state = call.agent_id, None, QUEUED
    if item.state == ITEM_ACTIVE:
        work_items.hand_back(tx, item, to_agent_id=agent_id if status == "completed" else None)
    tx.emit("call.agent_lost", call=call, ticket=call.ticket_id, agent=agent_id, item=item, data={"status": status})


def _last_agent_leg(tx: Tx, call: Call) -> CallLeg | None:
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party == AGENT)
    if call.agent_id is not None:
        query = query.where(CallLeg.agent_id == call.agent_id)
    return tx.session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def _end_hold(tx: Tx, call: Call) -> None:
    if call.hold and not call.hold[-1][1]:
        call.hold = [*call.hold[:-1], [call.hold[-1][0], tx.now.isoformat()]]


def _leg(tx: Tx, sid: str) -> CallLeg | None:
    return tx.session.scalar(select(CallLeg).where(CallLeg.sid == sid))


def talk_seconds(call: Call, now: datetime) -> int:
    """Seconds from answer to end, or until now."""
    return int(((call.ended_at or now) - call.answered_at).total_seconds()) if call.answered_at else 0
