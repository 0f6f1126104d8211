"""The parties' connections: what the carrier says of each leg and room, and what that means for the call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.voice.events import FINAL, CallEvent, ConferenceEvent, later
from desk.actions.calls import calls, outbound, transfers
from desk.actions.calls.locks import as_it_is, lock_call
from desk.actions.calls.segments import is_on_hold
from desk.models import Call, CallLeg, Webhook
from desk.models.call import (
    AGENT,
    CONFERENCE,
    CONSULT,
    CONSULTED,
    CUSTOMER,
    DIALING,
    HOLD,
    OFFERED,
    OVER,
    SUPERVISOR,
    TALKING,
    THIRD,
    TRANSFERRED,
)
from desk.store import Tx

IN_PROGRESS = "in-progress"


@dataclass(frozen=True)
class Party:
    """Whose connection a leg is: what we put into the address to which the carrier reports on it."""

    call_id: int
    party: str
    label: str
    agent_id: int | None = None
    to: str = ""
    mode: str = ""


def rings(tx: Tx, sid: str, party: Party, room: str = "") -> bool:
    """The carrier rings somebody under this leg into this room. False when they are not wanted there any more: let it stop."""
    call = lock_call(tx, party.call_id)
    leg = leg_of(tx.session, sid) or _add(tx, sid, party)
    leg.to, leg.mode = party.to or leg.to, party.mode or leg.mode
    leg.unwanted = leg.unwanted or bool(room and room != call.conference)
    return not leg.unwanted and call.state not in OVER


def leg_status(tx: Tx, event: CallEvent, party: Party | None = None, at: datetime | None = None) -> None:
    """What became of a leg. The customer's end ends the call; what another's end means depends on who it was."""
    at = tx.now if at is None else at
    leg = leg_of(tx.session, event.call_sid)
    about = party.call_id if leg is None and party is not None else None if leg is None else leg.call_id
    if about is None or tx.session.get(Call, about) is None:
        return
    call = lock_call(tx, about)
    if leg is None and party is not None:
        leg = leg_of(tx.session, event.call_sid) or _add(tx, event.call_sid, party)
    assert leg is not None
    as_it_is(tx, leg)
    before = leg.status
    leg.status = later(leg.status, event.status)
    if event.status == IN_PROGRESS and leg.party not in (CUSTOMER, AGENT):
        _note_entry(tx, call, leg, at)
    if leg.status == IN_PROGRESS:
        _is_there(tx, call, leg, at)
    if event.final and leg.party == CUSTOMER and before in FINAL:
        calls.ended_earlier(tx, call, at)
    if leg.status not in FINAL or before in FINAL:
        return
    leg.ended_at = at
    if before != IN_PROGRESS and event.status == "completed" and leg.party != CUSTOMER:
        _is_there(tx, call, leg, at)  # word of the answer comes late or never
    _has_gone(tx, call, leg, leg.status, at)
    if leg.sid == call.sid and leg.status == "failed":
        calls.was_dropped(tx, call)


def conference_event(tx: Tx, event: ConferenceEvent, *, customer_there: bool = False, at: datetime | None = None) -> None:
    """Something happened in a call's room: it has a SID now, somebody joined or left, it ended.

    `customer_there` says that the customer's leg goes on outside the room: then leaving it is not the end of the call.
    """
    at = tx.now if at is None else at
    call = tx.session.scalar(select(Call).where(Call.conference == event.friendly_name))
    if call is None:
        return
    call = lock_call(tx, call.id)
    call.conference_sid = call.conference_sid or event.conference_sid
    leg = leg_of(tx.session, event.call_sid) if event.call_sid else None
    if leg is None and event.event == "participant-join":
        leg = _of_label(tx, call, event)
    if leg is not None:
        as_it_is(tx, leg)
    match event.event:
        case "participant-join" if leg is not None:
            _has_entered(tx, call, leg, event, at)
        case "participant-leave" if leg is not None and leg.party != CUSTOMER and leg.joined_at is not None:
            leg.left_at = leg.left_at or at
        case "participant-hold" | "participant-unhold" if leg is not None:
            leg.held = event.event == "participant-hold"
        case "participant-mute" | "participant-unmute" if leg is not None:
            leg.muted = event.event == "participant-mute"
    gone = event.event == "conference-end" or (event.event == "participant-leave" and event.call_sid == call.sid)
    if gone and call.state == DIALING and event.call_sid == call.sid and event.call_status in FINAL:
        outbound.was_not_reached(tx, call, event.call_status, at)  # they never came: the room knows why
    elif gone and call.state == DIALING:
        outbound.agent_left(tx, call, at)
    elif gone and call.state in OVER:
        calls.ended_earlier(tx, call, at)
    elif gone and not customer_there:
        calls.caller_left(tx, call, at)


def ended_before(tx: Tx, call: Call) -> None:
    """Word of the caller's end overtook the call itself: with the call it has its effect."""
    known = select(Webhook.answer).where(Webhook.call_sid == call.sid, Webhook.answer.in_(FINAL))
    status = tx.session.scalar(known.limit(1))
    if status is not None:
        leg_status(tx, CallEvent(call.sid, "", "", status, ""))


def leg_of(session: Session, sid: str) -> CallLeg | None:
    """The leg that the carrier calls so."""
    return session.scalar(select(CallLeg).where(CallLeg.sid == sid))


def unwanted(session: Session, call: Call) -> list[str]:
    """The connections that still ring or stand in the room though the call is over, or their part in it is."""
    legs = session.scalars(select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.ended_at.is_(None)).order_by(CallLeg.id))
    over = call.state in OVER
    passed_on = call.direction == "out" or call.flow_out == "transfer"  # nothing of ours would end the customer's own leg
    return [leg.sid for leg in legs if (over and (leg.party != CUSTOMER or passed_on)) or leg.unwanted]


def call_of(session: Session, leg_sid: str, conference: str) -> Call | None:
    """The call of this leg, or of this room."""
    if leg_sid:
        found = session.scalar(select(Call).join(CallLeg, CallLeg.call_id == Call.id).where(CallLeg.sid == leg_sid))
        if found is not None or not conference:
            return found
    return session.scalar(select(Call).where(Call.conference == conference))


def wrongly_held(session: Session, call: Call) -> list[tuple[str, bool]]:
    """The legs of which it is not as it should be whether they hear music, each with what should be. First who is to hear it.

    Whoever spoke and now waits hears music; while somebody else is asked, one of the two does; and nobody else.
    """
    if not call.conference_sid or call.answered_at is None or call.state in OVER:
        return []
    waits = call.state == CONSULT and is_on_hold(call)
    talks = call.state in (TALKING, CONFERENCE) or (call.state == TRANSFERRED and bool(call.flow_out))
    wanted = {CUSTOMER: waits if call.state == CONSULT else not talks}
    if call.state in (CONSULT, CONFERENCE):
        wanted |= dict.fromkeys((CONSULTED, THIRD), call.state == CONSULT and not waits)
    legs = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party.in_(wanted), CallLeg.ended_at.is_(None))
    found = [
        (leg.sid, wanted[leg.party])
        for leg in session.scalars(legs.where(CallLeg.unwanted.is_(False)).order_by(CallLeg.id))
        if leg.held != wanted[leg.party] and (leg.sid == call.sid if leg.party == CUSTOMER else leg.status == IN_PROGRESS)
    ]
    return sorted(found, key=lambda each: not each[1])


def _has_entered(tx: Tx, call: Call, leg: CallLeg, event: ConferenceEvent, at: datetime) -> None:
    leg.status = later(leg.status, IN_PROGRESS)
    # A room ends with its caller: an agent who comes after that finds another one of the same name, and nobody in it.
    if leg.party == AGENT and event.conference_sid != call.conference_sid:
        _is_there(tx, call, leg, at)
        return
    _note_entry(tx, call, leg, at)
    _is_there(tx, call, leg, at)
    if leg.party == AGENT:
        calls.was_in_the_room(tx, call, leg)


def _is_there(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """A party has answered. With the others who are there that may be the beginning of the conversation."""
    if call.state in OVER:
        return
    if leg.party in (CONSULTED, THIRD):
        transfers.reached(tx, call, leg, at)
    elif call.state == DIALING:
        outbound.somebody_answered(tx, call, at)
    elif call.state == OFFERED or call.lost_until is not None:
        agents = _agents_leg(tx.session, call)
        # The carrier tells of a room only from the moment when the caller, who brought the address to tell, is in it.
        if agents is not None and agents.status == IN_PROGRESS and (call.conference_sid or leg.joined_at is not None):
            calls.begin_talking(tx, call, at)


def _of_label(tx: Tx, call: Call, event: ConferenceEvent) -> CallLeg | None:
    """A leg that entered before we knew of it: its name in the room says whose it is."""
    party, _, key = event.label.partition("-")
    if party not in (AGENT, CONSULTED, SUPERVISOR, THIRD) or not (key.isascii() and key.isdigit()):
        return None
    return _add(tx, event.call_sid, Party(call.id, party, event.label, None if party == THIRD else int(key)))


def _note_entry(tx: Tx, call: Call, leg: CallLeg, at: datetime) -> None:
    """When this party came in, by the earliest word of it; what was measured by a later one is measured anew."""
    if leg.joined_at is not None and leg.joined_at <= at:
        return
    leg.joined_at = at
    if leg.party in (AGENT, CUSTOMER):
        there = leg_of(tx.session, call.sid)
        legs = tx.session.scalars(select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party == AGENT))
        for each in legs.all():
            if each.joined_at is not None and each.agent_id is not None:
                both = max(each.joined_at, there.joined_at) if there is not None and there.joined_at else each.joined_at
                calls.began_earlier(tx, call, each, both)


def _has_gone(tx: Tx, call: Call, leg: CallLeg, status: str, at: datetime) -> None:
    if leg.party == CUSTOMER:
        if leg.sid == call.sid and not outbound.was_not_reached(tx, call, status, at):
            calls.caller_left(tx, call, at)
    elif leg.party == SUPERVISOR:
        calls.emit(tx, "call.supervisor_left", call, data={"supervisor": leg.agent_id})
    elif call.state in OVER:
        return
    elif leg.party in (CONSULTED, THIRD):
        if not leg.unwanted:
            _other_gone(tx, call, leg, status, at)
    elif leg.agent_id == call.agent_id and not leg.unwanted and _agents_leg(tx.session, call) is None:
        _agent_gone(tx, call, status, at)


def _other_gone(tx: Tx, call: Call, leg: CallLeg, status: str, at: datetime) -> None:
    newer = select(CallLeg.id).where(CallLeg.call_id == call.id, CallLeg.party.in_((CONSULTED, THIRD)), CallLeg.id > leg.id)
    if tx.session.scalar(newer.where(CallLeg.ended_at.is_(None)).limit(1)) is None:
        transfers.other_left(tx, call, leg, status, at)


def _agent_gone(tx: Tx, call: Call, status: str, at: datetime) -> None:
    """The agent's line is gone while the customer is there."""
    if call.lost_until is not None:
        return  # they were being rung again; there is time left to try once more
    if call.state == OFFERED:
        calls.agent_did_not_answer(tx, call, status, at)
    elif call.state == DIALING:
        outbound.agent_left(tx, call, at)
    elif call.state in (CONSULT, CONFERENCE) and transfers.colleague_is_there(tx, call):
        transfers.complete(tx, call, at)
    elif call.state in (TALKING, HOLD, CONSULT, CONFERENCE):
        if call.state == CONSULT:
            transfers.let_other_go(tx, call, "agent")
        calls.lose_agent(tx, call, status, at)


def _agents_leg(session: Session, call: Call) -> CallLeg | None:
    """The latest leg of the agent who has the call that has not ended."""
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party == AGENT, CallLeg.agent_id == call.agent_id)
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def _add(tx: Tx, sid: str, party: Party) -> CallLeg:
    leg = CallLeg(
        call_id=party.call_id,
        sid=sid,
        party=party.party,
        label=party.label,
        agent_id=party.agent_id,
        to=party.to,
        mode=party.mode,
        started_at=tx.now,
    )
    tx.session.add(leg)
    tx.session.flush()
    return leg
