"""What the phone of one agent is doing now, as the strip on top of every page shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.events import Event
from desk.models import Agent, Call, CallLeg, CallSegment, Customer, HelpRequest, Offer, Ticket, WorkItem
from desk.models.call import (
    BARGE,
    BUSY,
    CONSULT,
    CONSULTED,
    CUSTOMER,
    FAILED,
    HOLD,
    MACHINE,
    NO_ANSWER,
    OVER,
    SUPERVISOR,
    THIRD,
    WRAP_UP,
)
from desk.models.ticket import LIVE
from desk.models.work_item import IS_HOLDING, OFFERED
from desk.queries.calls.carrier_state import CarrierState, carrier_state
from desk.queries.calls.voice_policy import VoicePolicy, voice_policy
from desk.queries.people.contact_limits import LimitRow, limit_rows
from desk.queries.work.concerns import Concerns, concerns

RINGING_KINDS = ("call", "consult", "callback")


@dataclass(frozen=True)
class Ring:
    """A call that is offered to the agent: who it is and what it may be about. `asker` is the colleague of a consultation."""

    offer: Offer
    item: WorkItem
    ticket: Ticket
    customer: Customer
    call: Call | None
    asker: str
    open_tickets: int
    complaints: int
    limit: LimitRow | None = None  # on how they reach us

    @property
    def since(self) -> datetime:
        """When the customer began to wait; after they have been passed on, since then."""
        if self.call is None or self.call.queued_at is None:
            return self.item.enqueued_at
        passed_on = self.call.hold and not self.call.hold[-1][1]
        return datetime.fromisoformat(self.call.hold[-1][0]) if passed_on else self.call.queued_at


@dataclass(frozen=True)
class Other:
    """Whom the agent has called in: a colleague, or a number outside. `there`: they have answered."""

    name: str
    there: bool
    held: bool
    since: datetime
    is_outside: bool


@dataclass(frozen=True)
class Line:
    """One call that the agent has in hand, or must still wrap up.

    `overheard` are the supervisors on the line that the agent may know of, as (name, mode). `not_had` is why somebody whom the
    agent asked, or passed the call to, did not take it (busy, no-answer, rejected …), until the customer is off hold again.
    `by_machine`: an answering machine, or a fax, took a call of ours.
    """

    call: Call
    segment: CallSegment
    customer: Customer | None
    ticket: Ticket | None
    held_since: datetime | None
    other: Other | None
    overheard: list[tuple[str, str]]
    help: HelpRequest | None
    asker: str
    not_had: str
    by_machine: bool

    @property
    def is_wrap_up(self) -> bool:
        return self.segment.state == WRAP_UP

    @property
    def is_advice(self) -> bool:
        """The agent was asked by a colleague and does not have the call."""
        return self.segment.kind == "consult"

    @property
    def with_other(self) -> bool:
        """The agent speaks with whom they consult, and the customer waits."""
        return self.call.state == CONSULT and self.held_since is not None

    @property
    def takes_keys(self) -> bool:
        """Keys can be pressed towards whom we called: the customer, or a number outside."""
        return self.call.direction == "out" or (self.other is not None and self.other.is_outside)

    @property
    def was_dropped(self) -> bool:
        return self.segment.ended_by in ("dropped", "lost") and not self.was_not_reached

    @property
    def was_not_reached(self) -> bool:
        """A call of ours that nobody answered."""
        return self.call.state in (BUSY, NO_ANSWER, MACHINE, FAILED)


@dataclass(frozen=True)
class Watch:
    """A call that the viewer listens to as a supervisor."""

    call: Call
    leg: CallLeg
    agent_name: str
    customer: Customer | None


@dataclass(frozen=True)
class Strip:
    """Everything on the strip: what rings, the calls in hand (the live one first), the calls listened to; how the carrier is."""

    rings: list[Ring]
    lines: list[Line]
    watched: list[Watch]
    policy: VoicePolicy
    carrier: CarrierState

    @property
    def live(self) -> Line | None:
        """The call that the keys act on."""
        return next((line for line in self.lines if not line.is_wrap_up), None)


def call_strip(session: Session, viewer: Viewer, there: Concerns | None = None) -> Strip:
    """What the viewer's phone is doing now, in a number of queries that does not grow with it.

    `there` is what concerns the viewer, where somebody has found that out already.
    """
    there = there or concerns(session, viewer)
    policy = voice_policy(session)
    rings = _rings(session, viewer) if there.offers else []
    ringing = {ring.item.id for ring in rings}
    segments = _segments(session, viewer) if there.segments else []
    found = [row for row in segments if row[0].item_id not in ringing or row[0].item_id is None]
    asking = _asked(session, [call for _segment, call, _customer, _ticket in found])
    watched = _watched(session, viewer) if there.watches else []
    legs = _legs(session, [call.id for _segment, call, _customer, _ticket in found])
    asked = _help(session, [call.id for _segment, call, _customer, _ticket in found])
    names = _names(
        session, [leg.agent_id for leg in legs] + [row[1].agent_id for row in found] + [call.agent_id for call, _, _ in watched]
    )
    failed = _not_had(session, [call for _segment, call, _customer, _ticket in found])
    lines = [_line(row, legs, asked, asking, names, failed, policy) for row in found]
    lines.sort(key=lambda line: (line.is_wrap_up, line.is_advice, line.segment.id))
    watches = [Watch(call, leg, names.get(call.agent_id or 0, ""), customer) for call, leg, customer in watched]
    return Strip(rings, lines, watches, policy, carrier_state(session))


def _rings(session: Session, viewer: Viewer) -> list[Ring]:
    query = (
        select(Offer, WorkItem, Ticket, Customer)
        .join(WorkItem, WorkItem.id == Offer.item_id)
        .join(Ticket, Ticket.id == WorkItem.ticket_id)
        .join(Customer, Customer.id == WorkItem.customer_id)
        .where(Offer.agent_id == viewer.agent_id, Offer.state == OFFERED, WorkItem.kind.in_(RINGING_KINDS))
        .order_by(Offer.id)
    )
    rows = {row[0].id: tuple(row) for row in session.execute(query)}
    if not rows:
        return []
    of_items = select(Call).where(Call.item_id.in_({item.id for _, item, *_ in rows.values()}))
    calls = {call.item_id: call for call in session.scalars(of_items)}
    asked_in = {item.ticket_id for _, item, *_ in rows.values() if item.kind == "consult"}
    of_tickets = select(Call).where(Call.ticket_id.in_(asked_in), Call.state == CONSULT).order_by(Call.id)
    by_ticket = {call.ticket_id: call for call in session.scalars(of_tickets)} if asked_in else {}
    of_customers = _open_of(session, {row[3].id for row in rows.values()})
    limits = limit_rows(session, of_customers, max(offer.offered_at for offer, *_ in rows.values()))
    rings = []
    names = _names(session, [call.agent_id for call in by_ticket.values()])
    for offer, item, ticket, customer in rows.values():
        call = calls.get(item.id) or by_ticket.get(item.ticket_id if item.kind == "consult" else None)
        asker = names.get(call.agent_id or 0, "") if call and item.kind == "consult" else ""
        limit = limits.get(customer.id)
        rings.append(Ring(offer, item, ticket, customer, call, asker, *of_customers.get(customer.id, (0, 0)), limit))
    return rings


def _open_of(session: Session, customers: set[int]) -> dict[int, tuple[int, int]]:
    """For each customer how many matters are open, and how many of these are complaints."""
    query = (
        select(Ticket.customer_id, func.count(), func.count().filter(Ticket.type == "complaint"))
        .where(Ticket.customer_id.in_(customers), Ticket.status.in_(LIVE))
        .group_by(Ticket.customer_id)
    )
    return {customer_id: (total, complaints) for customer_id, total, complaints in session.execute(query)}


def _segments(session: Session, viewer: Viewer) -> list[tuple[CallSegment, Call, Customer | None, Ticket | None]]:
    query = (
        select(CallSegment, Call, Customer, Ticket)
        .join(Call, Call.id == CallSegment.call_id)
        .outerjoin(Customer, Customer.id == Call.customer_id)
        .outerjoin(Ticket, Ticket.id == Call.ticket_id)
        .where(CallSegment.agent_id == viewer.agent_id, CallSegment.state != "done")
    )
    return [tuple(row) for row in session.execute(query)]


def _line(
    row: tuple[CallSegment, Call, Customer | None, Ticket | None],
    legs: list[CallLeg],
    asked: dict[int, HelpRequest],
    asking: dict[int, Other],
    names: dict[int, str],
    failed: dict[int, str],
    policy: VoicePolicy,
) -> Line:
    segment, call, customer, ticket = row
    here = [leg for leg in legs if leg.call_id == call.id]
    invited = [leg for leg in here if leg.party in (CONSULTED, THIRD) and leg.agent_id != segment.agent_id]
    heard = [leg for leg in here if leg.party == SUPERVISOR and leg.agent_id != segment.agent_id]
    return Line(
        call=call,
        segment=segment,
        customer=customer,
        ticket=ticket,
        held_since=_held_since(call, here),
        other=None if segment.kind == "consult" else _other(invited[-1], names) if invited else asking.get(call.id),
        overheard=[
            (names.get(leg.agent_id or 0, ""), leg.mode) for leg in heard if policy.announce_listening or leg.mode == BARGE
        ],
        help=asked.get(call.id),
        asker=names.get(call.agent_id or 0, "") if segment.kind == "consult" else "",
        not_had=failed.get(call.id, "") if segment.state == HOLD else "",
        by_machine=any(leg.party == CUSTOMER and leg.mode == "machine" for leg in here),
    )


def _other(leg: CallLeg, names: dict[int, str]) -> Other:
    is_outside = leg.agent_id is None
    there = leg.joined_at is not None or leg.status == "in-progress"
    name = leg.to if is_outside else names.get(leg.agent_id or 0, "")
    return Other(name, there, leg.held, leg.joined_at or leg.started_at, is_outside)


def _asked(session: Session, calls: list[Call]) -> dict[int, Other]:
    """By call, the colleague who is being asked and has not taken it yet: so far it is only an offer to them."""
    consulting = {call.ticket_id: call.id for call in calls if call.state == CONSULT}
    if not consulting:
        return {}
    query = (
        select(WorkItem.ticket_id, Agent.name, Offer.offered_at)
        .join(Offer, Offer.item_id == WorkItem.id)
        .join(Agent, Agent.id == Offer.agent_id)
        .where(WorkItem.ticket_id.in_(consulting), WorkItem.kind == "consult", IS_HOLDING)
    )
    return {consulting[ticket_id]: Other(name, False, False, at, False) for ticket_id, name, at in session.execute(query)}


def _not_had(session: Session, calls: list[Call]) -> dict[int, str]:
    """By call on hold, why whoever was asked or was to take it last did not."""
    held = {call.id: call for call in calls if call.state == HOLD and call.hold and not call.hold[-1][1]}
    if not held:
        return {}
    query = select(Event.call_id, Event.at, Event.data).where(
        Event.ticket_id.in_({call.ticket_id for call in held.values()}),
        Event.kind.in_(("call.consult_failed", "call.transfer_failed")),
        Event.call_id.in_(held),
    )
    return {
        call_id: str(data.get("status", ""))
        for call_id, at, data in session.execute(query.order_by(Event.id))
        if at >= datetime.fromisoformat(held[call_id].hold[-1][0])
    }


def _held_since(call: Call, legs: Iterable[CallLeg]) -> datetime | None:
    """Since when the customer hears music; None when they do not."""
    if call.hold and not call.hold[-1][1]:
        return datetime.fromisoformat(call.hold[-1][0])
    held = any(leg.party == CUSTOMER and leg.held for leg in legs)
    return call.answered_at if held and call.state in (HOLD, CONSULT) else None


def _watched(session: Session, viewer: Viewer) -> list[tuple[Call, CallLeg, Customer | None]]:
    if not viewer.can(Right.SUPERVISE):
        return []
    query = (
        select(Call, CallLeg, Customer)
        .join(CallLeg, CallLeg.call_id == Call.id)
        .outerjoin(Customer, Customer.id == Call.customer_id)
        .where(CallLeg.party == SUPERVISOR, CallLeg.agent_id == viewer.agent_id, CallLeg.ended_at.is_(None))
        .where(CallLeg.left_at.is_(None), CallLeg.unwanted.is_(False), Call.state.not_in(OVER), Call.ended_at.is_(None))
    )
    return [tuple(row) for row in session.execute(query)]


def _legs(session: Session, call_ids: list[int]) -> list[CallLeg]:
    if not call_ids:
        return []
    query = select(CallLeg).where(CallLeg.call_id.in_(call_ids), CallLeg.ended_at.is_(None), CallLeg.left_at.is_(None))
    return list(session.scalars(query.where(CallLeg.unwanted.is_(False)).order_by(CallLeg.id)))


def _help(session: Session, call_ids: list[int]) -> dict[int, HelpRequest]:
    if not call_ids:
        return {}
    query = select(HelpRequest).where(HelpRequest.call_id.in_(call_ids), HelpRequest.ended_at.is_(None))
    return {each.call_id: each for each in session.scalars(query)}


def _names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    query = select(Agent.id, Agent.name).where(Agent.id.in_(wanted))
    return {each.id: each.name for each in session.execute(query)} if wanted else {}
