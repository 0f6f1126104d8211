"""Calls as rows, for tests of pages that only read them: what each state looks like needs no telephone."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.models import Agent, Call, CallLeg, CallSegment, HelpRequest, Queue, Team, Ticket
from desk.store import Tx
from tests.world import World

NUMBER = "+8613800138000"
_numbers = itertools.count(1)


def team_id(world: World, key: str = "service") -> int:
    return world.one(select(Team.id).where(Team.key == key))


def a_ticket(tx: Tx, number: str = NUMBER, *, name: str = "Li Na", queue: str = "billing", tier: str = "vip") -> Ticket:
    customer = customers.identify(tx, "phone", number, name=name)
    customer.tier = tier
    row = tx.session.scalar(select(Queue).where(Queue.key == queue))
    return tickets.open_ticket(tx, customer=customer, queue=row, subject="Call about billing", channel="voice", locale="en")


def a_call(
    tx: Tx, ticket: Ticket | None, *, state: str = "talking", minutes_ago: float = 5, number: str = NUMBER, **more: Any
) -> Call:
    """A call that came in so long ago, was answered after 30 seconds and, if it is over, ended two minutes later."""
    n = next(_numbers)
    arrived = tx.now - timedelta(minutes=minutes_ago)
    over = state in ("done", "wrap_up")
    call = Call(
        sid=f"CA{n:032d}",
        state=state,
        from_number=number,
        to_number="+862155501234",
        conference=f"call-{n}",
        customer_id=ticket.customer_id if ticket else None,
        ticket_id=ticket.id if ticket else None,
        locale="en",
        topic="billing",
        arrived_at=arrived,
        queued_at=arrived + timedelta(seconds=10),
        offered_at=arrived + timedelta(seconds=20),
        answered_at=None if state in ("queued", "abandoned") else arrived + timedelta(seconds=30),
        ended_at=arrived + timedelta(seconds=150) if over else None,
        abandoned_at=arrived + timedelta(seconds=40) if state == "abandoned" else None,
    )
    for name, value in more.items():
        setattr(call, name, value)
    tx.session.add(call)
    tx.session.flush()
    return call


def a_part(tx: Tx, call: Call, agent: Agent, *, state: str = "talking", **more: Any) -> CallSegment:
    """The agent's part of the call; one that is over was 120 seconds long."""
    part = CallSegment(
        call_id=call.id,
        agent_id=agent.id,
        state=state,
        offered_at=call.offered_at,
        started_at=call.answered_at,
        ended_at=call.ended_at,
    )
    for name, value in more.items():
        setattr(part, name, value)
    call.agent_id = call.agent_id or agent.id
    tx.session.add(part)
    tx.session.flush()
    return part


def a_leg(tx: Tx, call: Call, party: str, agent: Agent | None = None, **more: Any) -> CallLeg:
    """A connection that is in the room."""
    values = {"status": "in-progress", "started_at": tx.now, "joined_at": tx.now, **more}
    leg = CallLeg(call_id=call.id, sid=f"CB{next(_numbers):032d}", party=party, agent_id=agent.id if agent else None, **values)
    tx.session.add(leg)
    tx.session.flush()
    return leg


def a_cry(tx: Tx, call: Call, agent: Agent, text: str = "") -> HelpRequest:
    asked = HelpRequest(call_id=call.id, agent_id=agent.id, text=text, asked_at=tx.now)
    tx.session.add(asked)
    tx.session.flush()
    return asked
