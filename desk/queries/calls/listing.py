"""The list of calls, the latest first, with what people look for: a day, a queue, a colleague, an outcome, a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, masked
from desk.models import Agent, Call, CallRecording, CallSegment, ContactPoint, Customer, Queue, Ticket
from desk.models.call import ABANDONED, BUSY, CALLBACK_SET, FAILED, MACHINE, NO_ANSWER, OVERFLOW, VOICEMAIL
from desk.queries.calls.page import other_number, visible_calls
from desk.queries.people.customers import is_contact

PAGE = 50
MOST_CUSTOMERS = 200


def _in(*states: str) -> ColumnElement[bool]:
    return Call.state.in_(states)


# What became of a call, as people ask for it.
OUTCOMES: dict[str, ColumnElement[bool]] = {
    "live": Call.ended_at.is_(None) & Call.abandoned_at.is_(None),
    "answered": Call.answered_at.is_not(None),
    "abandoned": _in(ABANDONED),
    "voicemail": _in(VOICEMAIL),
    "callback": _in(CALLBACK_SET),
    "overflow": _in(OVERFLOW),
    "not_reached": _in(NO_ANSWER, BUSY, MACHINE, FAILED),
    "out": Call.direction == "out",
}


@dataclass(frozen=True)
class CallQuestion:
    """What is asked for; empty asks for everything. `first` and `last` are days in the house's zone, both included."""

    first: date | None = None
    last: date | None = None
    queue_id: int | None = None
    agent_id: int | None = None
    outcome: str = ""
    number: str = ""


@dataclass(frozen=True)
class CallRow:
    """One line of the list; the number is masked as the viewer's right asks. `talk_s` is what the agents' parts add up to."""

    call: Call
    customer_name: str
    tier: str
    number: str
    ticket_number: int | None
    queue: Queue | None
    agents: list[str]
    talk_s: float | None
    is_recorded: bool

    @property
    def wait_s(self) -> float | None:
        met = self.call.answered_at or self.call.abandoned_at or self.call.flow_out_at or self.call.ended_at
        return (met - self.call.queued_at).total_seconds() if self.call.queued_at and met else None


def call_list(session: Session, viewer: Viewer, asked: CallQuestion, zone: str, *, before: int | None = None) -> list[CallRow]:
    """A page of calls; `before` is the id of the last one on the page before. One more than a page says there are more."""
    query = select(Call, Customer, Ticket, Queue).where(visible_calls(viewer))
    query = query.outerjoin(Customer, Customer.id == Call.customer_id).outerjoin(Ticket, Ticket.id == Call.ticket_id)
    query = query.outerjoin(Queue, Queue.id == Ticket.queue_id).where(*_conditions(session, viewer, asked, zone))
    last = session.get(Call, before) if before is not None else None
    if last is not None:
        query = query.where(Call.arrived_at <= last.arrived_at, or_(Call.arrived_at < last.arrived_at, Call.id < last.id))
    rows = session.execute(query.order_by(Call.arrived_at.desc(), Call.id.desc()).limit(PAGE + 1)).all()
    ids = [call.id for call, *_ in rows]
    names, talked = _agents(session, ids)
    recorded = set(session.scalars(select(CallRecording.call_id).where(CallRecording.call_id.in_(ids))))
    return [
        CallRow(
            call=call,
            customer_name=customer.name if customer else "",
            tier=customer.tier if customer else "",
            number=masked(other_number(call), "phone") if viewer.masked else other_number(call),
            ticket_number=ticket.number if ticket else None,
            queue=queue,
            agents=names.get(call.id, []),
            talk_s=talked.get(call.id),
            is_recorded=call.id in recorded,
        )
        for call, customer, ticket, queue in rows
    ]


def people_on_calls(session: Session, viewer: Viewer) -> list[tuple[int, str]]:
    """Whose calls the viewer may ask for: everybody's, or those of their team."""
    query = select(Agent.id, Agent.name).order_by(Agent.name, Agent.id)
    if not viewer.can(Right.READ_ALL_TICKETS):
        query = query.where((Agent.team_id == viewer.team_id) | (Agent.id == viewer.agent_id))
    return [(agent_id, name) for agent_id, name in session.execute(query)]


def _conditions(session: Session, viewer: Viewer, asked: CallQuestion, zone: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.first:
        found.append(Call.arrived_at >= _midnight(asked.first, zone))
    if asked.last:
        found.append(Call.arrived_at < _midnight(min(asked.last, date.max - timedelta(days=1)) + timedelta(days=1), zone))
    if asked.queue_id is not None:
        found.append(Ticket.queue_id == asked.queue_id)
    if asked.agent_id is not None:
        found.append(Call.id.in_(select(CallSegment.call_id).where(CallSegment.agent_id == asked.agent_id)))
    if asked.outcome in OUTCOMES:
        found.append(OUTCOMES[asked.outcome])
    if asked.number.strip():
        points = select(ContactPoint.customer_id).where(is_contact(viewer, asked.number), ContactPoint.kind == "phone")
        found.append(Call.customer_id.in_(session.scalars(points.limit(MOST_CUSTOMERS)).all()))
    return found


def _midnight(day: date, zone: str) -> datetime:
    # The first and the last day of all calendars have no midnight everywhere.
    day = min(max(day, date.min + timedelta(days=1)), date.max - timedelta(days=1))
    return datetime.combine(day, time(), ZoneInfo(zone))


def _agents(session: Session, call_ids: list[int]) -> tuple[dict[int, list[str]], dict[int, float]]:
    """Who had each call, in the order in which they had it, and for how many seconds together, when that is over."""
    query = (
        select(CallSegment.call_id, CallSegment.started_at, CallSegment.ended_at, Agent.name)
        .join(Agent, Agent.id == CallSegment.agent_id)
        .where(CallSegment.call_id.in_(call_ids), CallSegment.started_at.is_not(None), CallSegment.kind != "consult")
        .order_by(CallSegment.id)
    )
    found: dict[int, list[str]] = {}
    talked: dict[int, float] = {}
    for call_id, started_at, ended_at, name in session.execute(query):
        if name not in found.setdefault(call_id, []):
            found[call_id].append(name)
        if ended_at is not None:
            talked[call_id] = talked.get(call_id, 0.0) + (ended_at - started_at).total_seconds()
    return found, talked
