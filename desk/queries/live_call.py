"""The call that an agent has now, as the strip on top of every page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.errors import NotFound
from desk.models import Call, CallLeg, Customer, Ticket
from desk.models.call import HOLD, OFFERED, TALKING, WRAP_UP

IN_HAND = (OFFERED, TALKING, HOLD, WRAP_UP)


@dataclass(frozen=True)
class LiveCall:
    """A call with whom it is about. `leg_sid` is the agent's own connection, once the carrier has made it."""

    call: Call
    customer: Customer
    ticket_number: int
    subject: str
    leg_sid: str


def live_call(session: Session, viewer: Viewer) -> LiveCall | None:
    """The viewer's call: the one that is live, else the one to be wrapped up first."""
    query = (
        select(Call, Customer, Ticket)
        .join(Customer, Customer.id == Call.customer_id)
        .join(Ticket, Ticket.id == Call.ticket_id)
        .where(Call.agent_id == viewer.agent_id, Call.state.in_(IN_HAND))
        .order_by(Call.state == WRAP_UP, Call.id)
        .limit(1)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    call, customer, ticket = row
    return LiveCall(call, customer, ticket.number or 0, ticket.subject, agent_leg_sid(session, call))


def held_call(session: Session, viewer: Viewer, call_id: int) -> Call:
    """A call that the viewer has in hand; raises `NotFound` for anybody else's."""
    call = session.get(Call, call_id)
    if call is None or call.agent_id is None or call.agent_id != viewer.agent_id or call.state not in IN_HAND:
        raise NotFound("You do not have this call.")
    return call


def agent_leg_sid(session: Session, call: Call) -> str:
    """The carrier's name for the connection of the agent who has the call, or nothing."""
    query = select(CallLeg.sid).where(CallLeg.call_id == call.id, CallLeg.agent_id == call.agent_id, CallLeg.ended_at.is_(None))
    return session.scalar(query.order_by(CallLeg.id.desc()).limit(1)) or ""
