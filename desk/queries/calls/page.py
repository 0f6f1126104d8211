"""One call on a page of its own: its parts on a bar of time, who was on the line, what happened, what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, in_use, masked, untouched_by, visible_tickets
from desk.errors import NotFound
from desk.events import Event
from desk.models import Agent, Call, CallLeg, CallRecording, CallSegment, Customer, Queue, Ticket, WorkItem
from desk.models.call import CONSULTED, SUPERVISOR

Seconds = Callable[[datetime], float]  # from the beginning of the bar
MOST_EVENTS = 300
PLAYED = "recording.played"


@dataclass(frozen=True)
class Span:
    """A stretch of time on the bar, from `start` to `end` in seconds since the call came in.

    `what` is menu, wait, ring, talk, hold, consult, watch or wrap_up.
    """

    what: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Track:
    """One line of the bar: the customer's, or one agent's part."""

    name: str
    spans: list[Span]


@dataclass(frozen=True)
class Figures:
    """Seconds, as the measures of the house count them; None for what did not come to pass."""

    menu: float | None
    wait: float | None
    talk: float
    hold: float
    wrap: float
    handle: float


@dataclass(frozen=True)
class Sound:
    """A recording, with its pauses in seconds from its beginning, and who has listened to it."""

    recording: CallRecording
    pauses: list[tuple[float, float]]
    listeners: list[tuple[str, datetime]]


@dataclass(frozen=True)
class CallPage:
    """Everything about one call. `length` is the bar's, in seconds; `number` the other side's, masked as rights ask."""

    call: Call
    customer: Customer | None
    ticket: Ticket | None
    queue: Queue | None
    number: str
    names: dict[int, str]
    segments: list[CallSegment]
    legs: list[CallLeg]
    tracks: list[Track]
    length: float
    figures: Figures
    events: Sequence[Event]
    sounds: list[Sound]
    previous: Call | None
    later: Call | None


def access_call(session: Session, viewer: Viewer, call_id: int) -> Call:
    """The call if the viewer may read it; raises `NotFound` otherwise, whichever the reason."""
    call = session.scalar(select(Call).where(Call.id == call_id, visible_calls(viewer)))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def visible_calls(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `Call`: those on tickets that the viewer may read, those they were part of; all for who may read all."""
    if viewer.can(Right.READ_ALL_TICKETS):
        return and_(untouched_by(viewer, Call.ticket_id), in_use(Call.ticket_id))
    seen = [Call.ticket_id.in_(select(Ticket.id).where(visible_tickets(viewer)))]
    if viewer.agent_id is not None and viewer.can(Right.TAKE_WORK):
        seen.append(Call.id.in_(select(CallSegment.call_id).where(CallSegment.agent_id == viewer.agent_id)))
    return and_(or_(*seen), untouched_by(viewer, Call.ticket_id), in_use(Call.ticket_id)) if seen else false()


def other_number(call: Call) -> str:
    """The number of the other side."""
    return call.to_number if call.direction == "out" else call.from_number


def call_page(session: Session, viewer: Viewer, call: Call, now: datetime) -> CallPage:
    """The page of a call that the viewer may read."""
    segments = list(session.scalars(select(CallSegment).where(CallSegment.call_id == call.id).order_by(CallSegment.id)))
    legs = list(session.scalars(select(CallLeg).where(CallLeg.call_id == call.id).order_by(CallLeg.id)))
    ticket = session.get(Ticket, call.ticket_id) if call.ticket_id else None
    item = session.get(WorkItem, call.item_id) if call.item_id else None
    queue_id = item.queue_id if item else ticket.queue_id if ticket else None
    events = _events(session, call, now)
    people = [each.agent_id for each in (*segments, *legs, *events)]
    names = _names(session, [call.agent_id, *people, *(event.data.get("supervisor") for event in events)])
    number = other_number(call)
    tracks = _tracks(call, segments, legs, names, now)
    sounds = _sounds(session, call, events)
    previous = session.get(Call, call.previous_call_id) if call.previous_call_id else None
    return CallPage(
        call=call,
        customer=session.get(Customer, call.customer_id) if call.customer_id else None,
        ticket=ticket,
        queue=session.get(Queue, queue_id) if queue_id else None,
        number=masked(number, "phone") if viewer.masked else number,
        names=names,
        segments=segments,
        legs=legs,
        tracks=tracks,
        length=max([1.0, *(span.end for track in tracks for span in track.spans)]),
        figures=figures(call, segments, now),
        events=[event for event in events if event.kind != PLAYED],
        sounds=sounds,
        previous=previous,
        later=session.scalar(select(Call).where(Call.previous_call_id == call.id).order_by(Call.id).limit(1)),
    )


def figures(call: Call, segments: Iterable[CallSegment], now: datetime) -> Figures:
    """The seconds of a call. Advice to a colleague is not counted as talk a second time."""
    had = [each for each in segments if each.kind != "consult" and each.started_at is not None]
    hold = float(sum(each.hold_s for each in had) + _open_hold(call, now))
    spoken = sum(((each.ended_at or now) - each.started_at).total_seconds() for each in had if each.started_at)
    wrap = sum((each.wrap_ended_at - each.ended_at).total_seconds() for each in had if each.wrap_ended_at and each.ended_at)
    over = call.answered_at or call.abandoned_at or call.flow_out_at or call.ended_at or now
    menu = ((call.queued_at or over) - call.arrived_at).total_seconds() if call.direction == "in" else None
    wait = (over - call.queued_at).total_seconds() if call.queued_at else None
    return Figures(menu, wait, max(0.0, spoken - hold), hold, wrap, spoken + wrap)


def holds(call: Call, now: datetime) -> list[tuple[datetime, datetime]]:
    """When the customer heard music."""
    return [(datetime.fromisoformat(start), datetime.fromisoformat(end) if end else now) for start, end in call.hold]


def _open_hold(call: Call, now: datetime) -> float:
    return sum((end - start).total_seconds() for start, end in holds(call, now) if end is now)


def _tracks(call: Call, segments: list[CallSegment], legs: list[CallLeg], names: dict[int, str], now: datetime) -> list[Track]:
    end = call.ended_at or call.abandoned_at or now
    seconds = _since(call.arrived_at)
    customer = []
    met = call.answered_at or end
    if call.direction == "out":
        customer.append(Span("ring", 0.0, seconds(met)))
    else:
        customer.append(Span("menu", 0.0, seconds(call.queued_at or met)))
        if call.queued_at:
            customer.append(Span("wait", seconds(call.queued_at), seconds(met)))
    if call.answered_at:
        customer += _cut("talk", "hold", call.answered_at, end, holds(call, now), seconds)
    tracks = [Track("", [span for span in customer if span.seconds > 0])]
    before: dict[int, datetime] = {}  # who gave advice first and has the call then was not rung in between
    for each in segments:
        spans = []
        if each.offered_at:
            rung = max(each.offered_at, before.get(each.agent_id, each.offered_at))
            spans.append(Span("ring", seconds(rung), seconds(each.started_at or each.ended_at or now)))
        before[each.agent_id] = each.ended_at or now
        if each.started_at:
            stopped = each.ended_at or now
            if each.kind == "consult":
                spans.append(Span("consult", seconds(each.started_at), seconds(stopped)))
            else:
                spans += _cut("talk", "hold", each.started_at, stopped, holds(call, now), seconds)
        if each.started_at and each.ended_at and each.kind != "consult":
            spans.append(Span("wrap_up", seconds(each.ended_at), seconds(each.wrap_ended_at or now)))
        tracks.append(Track(names.get(each.agent_id, ""), [span for span in spans if span.seconds > 0]))
    with_segment = {each.agent_id for each in segments}
    for leg in legs:
        is_ours = leg.party in (SUPERVISOR, CONSULTED) and leg.agent_id not in with_segment
        if (is_ours or leg.party == "third") and leg.joined_at:
            name = names.get(leg.agent_id or 0, "") or leg.to
            what = "watch" if leg.party == SUPERVISOR else "consult"
            tracks.append(Track(name, [Span(what, seconds(leg.joined_at), seconds(leg.left_at or leg.ended_at or now))]))
    return tracks


def _since(start: datetime) -> Seconds:
    return lambda at: max(0.0, (at - start).total_seconds())


def _cut(
    what: str, inside: str, start: datetime, end: datetime, pieces: list[tuple[datetime, datetime]], seconds: Seconds
) -> list[Span]:
    """From start to end, with the pieces that lie in it named otherwise."""
    spans = []
    at = start
    for piece in pieces:
        begin, stop = max(piece[0], start), min(piece[1], end)
        if stop > begin:
            spans += [Span(what, seconds(at), seconds(begin)), Span(inside, seconds(begin), seconds(stop))]
            at = stop
    return [*spans, Span(what, seconds(at), seconds(end))]


def _events(session: Session, call: Call, now: datetime) -> Sequence[Event]:
    """What happened in the call. Events are found by their ticket; those of a call without one by their time, which was short."""
    of_call = select(Event).where(Event.call_id == call.id)
    if call.ticket_id is not None:
        of_ticket = and_(Event.ticket_id == call.ticket_id, Event.ticket_id.is_not(None))
        arrival = and_(Event.at >= call.arrived_at, Event.at <= call.arrived_at + timedelta(seconds=1))
        found = {
            each.id: each for part in (of_ticket, arrival) for each in session.scalars(of_call.where(part).limit(MOST_EVENTS))
        }
        return [found[key] for key in sorted(found)]
    until = (call.ended_at or call.abandoned_at or now) + timedelta(minutes=1)
    short = and_(Event.at >= call.arrived_at, Event.at <= min(until, call.arrived_at + timedelta(hours=12)))
    return session.scalars(of_call.where(short).order_by(Event.id).limit(MOST_EVENTS)).all()


def _sounds(session: Session, call: Call, events: Iterable[Event]) -> list[Sound]:
    rows = session.scalars(select(CallRecording).where(CallRecording.call_id == call.id).order_by(CallRecording.id)).all()
    played: dict[int, list[tuple[str, datetime]]] = {}
    for event in events:
        if event.kind == PLAYED:
            played.setdefault(int(event.data.get("recording", 0)), []).append((event.actor_name, event.at))
    return [Sound(each, _pauses(each), played.get(each.id, [])) for each in rows]


def _pauses(recording: CallRecording) -> list[tuple[float, float]]:
    seconds = _since(recording.started_at)
    last = float(recording.duration_s or 0)
    return [
        (seconds(datetime.fromisoformat(start)), seconds(datetime.fromisoformat(end)) if end else last)
        for start, end in recording.pauses
    ]


def _names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    query = select(Agent.id, Agent.name).where(Agent.id.in_(wanted))
    return {each.id: each.name for each in session.execute(query)} if wanted else {}
