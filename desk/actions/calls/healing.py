"""Bringing calls in line with what the carrier says when its word to us was lost: answers, ends, rooms that have closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.voice.events import FINAL, CallEvent, ConferenceEvent
from channels.voice.port import CallInfo, RoomInfo
from desk.actions.calls import calls
from desk.actions.calls import legs as call_legs
from desk.actions.calls.locks import lock_call
from desk.models import Call, CallLeg
from desk.models.call import CUSTOMER, OVER
from desk.store import Tx

CONNECTED = "connected"


def heal(tx: Tx, call: Call, room: RoomInfo | None, legs: Mapping[str, CallInfo | None]) -> list[str]:
    """Take in what the carrier says now of the call's room and of its `legs`. Returns what had been missed, in short.

    What the carrier does not know any more is over. Nothing happens twice: it goes the way that the lost webhook would have gone.
    """
    before = (call.state, call.conference_sid)
    told = [leg for leg in _open_legs(tx.session, call) if leg.sid in legs]
    missed = [f"{leg.party}:{leg.status}" for leg in told if _heal_leg(tx, leg, legs[leg.sid])]
    if room is not None:
        missed += _heal_room(tx, call, room)
    call.checked_at = tx.now
    if missed:
        data = {"missed": missed, "from": before[0], "to": call.state}
        calls.emit(tx, "call.healed", call, data=data)
    return missed


def agrees(session: Session, call: Call, room: RoomInfo | None, legs: Mapping[str, CallInfo | None]) -> bool:
    """Whether the carrier says of this call just what we know, so that `heal` would find nothing."""
    ours = {leg.sid: leg for leg in _open_legs(session, call)}
    if any(_news_of(leg, legs[leg.sid]) for leg in ours.values() if leg.sid in legs):
        return False
    if room is None:
        return True
    if not call.conference_sid and room.status != "completed":
        return False
    for seat in (each for each in room.participants if each.status == CONNECTED):
        leg = ours.get(seat.call_sid)
        if leg is None or leg.joined_at is None or (leg.held, leg.muted) != (seat.held, seat.muted):
            return False
    return True


def agreed(tx: Tx, call_ids: Sequence[int]) -> None:
    """Note that these calls have been compared."""
    compared = update(Call).where(Call.id.in_(call_ids)).values(checked_at=tx.now)
    tx.session.execute(compared.execution_options(synchronize_session=False))


def legs_to_ask(session: Session, call: Call, room: RoomInfo | None) -> list[str]:
    """Of which connections the carrier is to be asked one by one: those that are not seen in the room."""
    seen = {seat.call_sid for seat in room.participants if seat.status == CONNECTED} if room is not None else set()
    return [leg.sid for leg in _open_legs(session, call) if leg.sid not in seen]


def end_unknown(tx: Tx, state_of: Callable[[str], str | None]) -> int:
    """End the calls that the carrier does not know any more (`state_of` a leg's SID gives None). Returns how many there were.

    The simulated carrier forgets its calls with its process: without this, their callers would wait in the queue for ever.
    """
    running = tx.session.scalars(select(Call).where(Call.ended_at.is_(None), Call.state.not_in(OVER))).all()
    gone = [call for call in running if state_of(call.sid) is None]
    for call in (lock_call(tx, each.id) for each in gone):
        heal(tx, call, None, {leg.sid: None for leg in _open_legs(tx.session, call)})
        if call.state not in OVER:
            calls.caller_left(tx, call)
    return len(gone)


def _heal_leg(tx: Tx, leg: CallLeg, info: CallInfo | None) -> bool:
    status = _news_of(leg, info)
    if not status:
        return False
    at = _moment(tx, info.ended_at if info is not None and status in FINAL else None)
    event = CallEvent(leg.sid, "", "", status, "")
    before = leg.status
    call_legs.leg_status(tx, event, at=at)
    return leg.status != before


def _news_of(leg: CallLeg, info: CallInfo | None) -> str:
    """The state that the carrier says the leg has come to, if that is another one; what it does not know any more is over."""
    status = "completed" if info is None else info.status
    return "" if status == leg.status or (status not in FINAL and status != call_legs.IN_PROGRESS) else status


def _heal_room(tx: Tx, call: Call, room: RoomInfo) -> list[str]:
    missed = []
    if not call.conference_sid and room.status != "completed":
        call.conference_sid = room.sid
        missed.append("room")
    for seat in room.participants:
        leg = call_legs.leg_of(tx.session, seat.call_sid)
        if leg is None or seat.status != CONNECTED:
            continue
        leg.held, leg.muted = seat.held, seat.muted
        if leg.joined_at is None:
            event = ConferenceEvent(room.sid, call.conference, "participant-join", seat.call_sid, seat.label)
            call_legs.conference_event(tx, event)
            missed.append(f"{leg.party}:join")
    return missed


def _open_legs(session: Session, call: Call) -> list[CallLeg]:
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.ended_at.is_(None))
    # The customer's own word first: with them gone, that the agents' lines end means nothing.
    return list(session.scalars(query.order_by(CallLeg.party != CUSTOMER, CallLeg.id)))


def _moment(tx: Tx, said: datetime | None) -> datetime:
    return tx.now if said is None else min(said, tx.now)
