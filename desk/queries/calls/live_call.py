"""The calls that an agent may act on, and the connections that they have."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.errors import NotFound
from desk.models import Call, CallLeg, CallSegment
from desk.models.call import AGENT, CONSULTED, DIALING, OFFERED, THIRD, WITH_AGENT

IN_HAND = (OFFERED, DIALING, *WITH_AGENT)


def held_call(session: Session, viewer: Viewer, call_id: int) -> Call:
    """A call that the viewer has in hand; raises `NotFound` for anybody else's.

    One that has just ended or been passed on is still found by who had it, so that they are told so.
    """
    call = session.get(Call, call_id)
    if call is None or viewer.agent_id is None or (call.agent_id != viewer.agent_id and not _had(session, viewer, call_id)):
        raise NotFound("You do not have this call.")
    if call.agent_id != viewer.agent_id:
        raise NotFound("You do not have this call any more.")
    return call


def call_for_wrap_up(session: Session, viewer: Viewer, call_id: int) -> Call:
    """A call of which the viewer had a part; raises `NotFound` for anybody else's."""
    call = session.get(Call, call_id)
    if call is None or viewer.agent_id is None or not _had(session, viewer, call_id):
        raise NotFound("You do not have this call.")
    return call


def agent_leg_sid(session: Session, call: Call) -> str:
    """The carrier's name for the connection of the agent who has the call, or nothing."""
    query = select(CallLeg.sid).where(CallLeg.call_id == call.id, CallLeg.agent_id == call.agent_id, CallLeg.party == AGENT)
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1)) or ""


def other_leg(session: Session, call: Call) -> CallLeg | None:
    """The connection of whoever the agent asked, or to whom the call has gone on outside."""
    query = select(CallLeg).where(CallLeg.call_id == call.id, CallLeg.party.in_((CONSULTED, THIRD)))
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def advising_leg(session: Session, viewer: Viewer, call_id: int) -> CallLeg | None:
    """The viewer's connection to a call about which a colleague asked them, or nothing."""
    query = select(CallLeg).where(CallLeg.call_id == call_id, CallLeg.agent_id == viewer.agent_id, CallLeg.party == CONSULTED)
    query = query.where(CallLeg.ended_at.is_(None), CallLeg.unwanted.is_(False))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1))


def _had(session: Session, viewer: Viewer, call_id: int) -> bool:
    part = select(CallSegment.id).where(CallSegment.call_id == call_id, CallSegment.agent_id == viewer.agent_id)
    return session.scalar(part.limit(1)) is not None
