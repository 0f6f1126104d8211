"""The calls on the line now, as the board shows them, and who of the agents asks for help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Agent, Call, CallLeg, Customer, HelpRequest, Queue, Ticket
from desk.models.call import CONSULTED, OVER, SUPERVISOR, THIRD
from desk.queries.board.board import visible_agents

MOST_CALLS = 200


@dataclass(frozen=True)
class CallNow:
    """One call on the line. `overheard` are supervisors as (name, mode); `mine` is the viewer's own way of being on it.

    `may_act`: the agent is of the viewer's team, and is not the viewer, who neither overhears nor takes over themself.
    """

    call: Call
    customer: Customer | None
    ticket_number: int | None
    queue: Queue | None
    agent: Agent | None
    beside: list[str]
    overheard: list[tuple[str, str]]
    mine: CallLeg | None
    help: HelpRequest | None
    since: datetime
    may_act: bool


@dataclass(frozen=True)
class CallsNow:
    """`calls` with an agent first, longest first; `total` counts those not shown too. `helped` maps ids to names of helpers."""

    calls: list[CallNow]
    total: int
    queues: list[Queue]
    helpers: dict[int, str]

    @property
    def asking(self) -> list[CallNow]:
        """Those who ask for help, who asked first on top."""
        waiting = [each for each in self.calls if each.help is not None]
        return sorted(waiting, key=lambda each: (each.help.answered_at is not None, each.help.asked_at) if each.help else ())


def calls_now(session: Session, viewer: Viewer) -> CallsNow:
    """Every call that is not over, in a number of queries that does not grow with the floor."""
    query = (
        select(Call, Customer, Ticket.number, Queue, Agent)
        .outerjoin(Customer, Customer.id == Call.customer_id)
        .outerjoin(Ticket, Ticket.id == Call.ticket_id)
        .outerjoin(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Call.agent_id)
        .where(Call.ended_at.is_(None), Call.state.not_in(OVER), untouched_by(viewer, Call.ticket_id))
        .order_by(Call.agent_id.is_(None), Call.id)
    )
    rows = session.execute(query).all()
    ids = [call.id for call, *_ in rows]
    legs = _legs(session, ids)
    asked = _help(session, ids)
    names = _names(
        session, [leg.agent_id for each in legs.values() for leg in each] + [each.answered_by for each in asked.values()]
    )
    team = set(session.scalars(select(Agent.id).where(visible_agents(viewer))))
    shown = [
        _call(viewer, row, legs.get(row[0].id, []), asked.get(row[0].id), names, team)
        for row in sorted(rows, key=lambda row: (row[0].id not in asked, row[0].agent_id is None, row[0].id))[:MOST_CALLS]
    ]
    queues = session.scalars(select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)).all()
    return CallsNow(shown, len(rows), list(queues), names)


def _call(
    viewer: Viewer,
    row: tuple[Call, Customer | None, int | None, Queue | None, Agent | None],
    legs: list[CallLeg],
    asked: HelpRequest | None,
    names: dict[int, str],
    team: set[int],
) -> CallNow:
    call, customer, number, queue, agent = row
    invited = [leg for leg in legs if leg.party in (CONSULTED, THIRD)]
    heard = [leg for leg in legs if leg.party == SUPERVISOR]
    return CallNow(
        call=call,
        customer=customer,
        ticket_number=number,
        queue=queue,
        agent=agent,
        beside=[names.get(leg.agent_id or 0, "") or leg.to for leg in invited],
        overheard=[(names.get(leg.agent_id or 0, ""), leg.mode) for leg in heard],
        mine=next((leg for leg in heard if leg.agent_id == viewer.agent_id), None),
        help=asked,
        since=call.answered_at or call.queued_at or call.arrived_at,
        may_act=agent is not None and agent.id in team and agent.id != viewer.agent_id,
    )


def _legs(session: Session, call_ids: list[int]) -> dict[int, list[CallLeg]]:
    wanted = (SUPERVISOR, CONSULTED, THIRD)
    query = select(CallLeg).where(CallLeg.call_id.in_(call_ids), CallLeg.party.in_(wanted), CallLeg.ended_at.is_(None))
    found: dict[int, list[CallLeg]] = {}
    for leg in session.scalars(query.where(CallLeg.left_at.is_(None), CallLeg.unwanted.is_(False)).order_by(CallLeg.id)):
        found.setdefault(leg.call_id, []).append(leg)
    return found


def _help(session: Session, call_ids: list[int]) -> dict[int, HelpRequest]:
    query = select(HelpRequest).where(HelpRequest.call_id.in_(call_ids), HelpRequest.ended_at.is_(None))
    return {each.call_id: each for each in session.scalars(query)}


def _names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    query = select(Agent.id, Agent.name).where(Agent.id.in_(wanted))
    return {each.id: each.name for each in session.execute(query)} if wanted else {}
