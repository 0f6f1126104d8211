"""The rows behind each figure of the board: what is counted, what is left out, and what it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.errors import NotFound
from desk.models import Agent, Customer, Ticket
from desk.queries.board.board import MOST_ROWS, AgentLine, Board, RiskLine, WaitingLine, board, visible_agents
from desk.queries.board.entries import LIVE_CHANNELS, THRESHOLD_S, Entry
from desk.queries.board.half_hours import HALF_HOUR, HalfHour, longest_line
from desk.queries.board.presence_spells import seconds_within
from desk.queries.calls.callbacks import PromiseLine, open_promises
from desk.queries.figures import SHORT_S, Counts, count

FIGURES = (
    *("waiting", "longest", "service_level", "abandoned", "agents", "complaints", "offered", "answered"),
    *("callbacks", "staffed", "most_waiting", "slowest"),
)
OF_HALVES = ("staffed", "most_waiting", "slowest")  # there is no such figure of the whole day
LIVE = "live"  # as a channel: calls and chats together
LEFT_OUT, IN_TIME, TOO_LATE, GAVE_UP, STILL = "left_out", "in_time", "too_late", "gave_up", "still_waiting"
OTHER_WAY = "other_way"  # a promise to be rung back, a message, another place


@dataclass(frozen=True)
class EntryRow:
    """One contact of today and what it counts as."""

    entry: Entry
    number: int
    customer_name: str
    counts_as: str


@dataclass(frozen=True)
class Presence:
    """How long somebody was signed in during half an hour; those of other teams are one row, without a name."""

    name: str
    there_s: float


@dataclass(frozen=True)
class Rows:
    """The rows of a figure. Only one of the lists is filled; `total` counts all rows, also those beyond the first `MOST_ROWS`.

    `half` is the half hour that the rows are of, where they are of one.
    """

    board: Board
    entries: list[EntryRow]
    waiting: list[WaitingLine]
    agents: list[AgentLine]
    at_risk: list[RiskLine]
    counts: Counts
    total: int
    promises: Sequence[PromiseLine] = ()
    there: Sequence[Presence] = ()
    half: HalfHour | None = None


def rows_of(
    session: Session,
    viewer: Viewer,
    now: datetime,
    zone: str,
    figure: str,
    *,
    queue_id: int | None = None,
    channel: str = "",
    half: int | None = None,
) -> Rows:
    """What a figure is made of: for one queue and channel or all that it is about, for the day or the `half` hour of this number.

    Raises `NotFound` for half an hour that is not on the board.
    """
    seen = board(session, viewer, now, zone, most_waiting=MOST_ROWS)
    part = _half_hour(seen, half) if half is not None or figure in OF_HALVES else None
    if figure == "staffed":
        there = _there(session, viewer, seen, part) if part else []
        return Rows(seen, [], [], [], [], Counts(), len(there), there=there, half=part)
    if figure == "most_waiting":
        line = longest_line(seen.entries, part.start) if part else []
        return Rows(seen, _with_names(session, viewer, line[:MOST_ROWS]), [], [], [], Counts(), len(line), half=part)
    if figure == "callbacks":
        promises = open_promises(session, viewer, queue_id=queue_id, limit=MOST_ROWS)
        owed = sum(line.promises.number for line in seen.queues if line.promises and queue_id in (None, line.queue.id))
        return Rows(seen, [], [], [], [], Counts(), owed, promises=promises)
    if figure in ("waiting", "longest"):
        channels = (channel,) if channel else LIVE_CHANNELS if figure == "longest" else ()
        waiting = [
            line for line in seen.waiting if queue_id in (None, line.queue.id) and (not channels or line.item.channel in channels)
        ]
        if figure == "longest":
            waiting.sort(key=lambda line: line.item.enqueued_at)
        return Rows(seen, [], waiting, [], [], Counts(), _waiting_total(seen, queue_id, channels))
    if figure == "agents":
        return Rows(seen, [], [], seen.agents, [], Counts(), len(seen.agents))
    if figure == "complaints":
        return Rows(seen, [], [], [], seen.at_risk, Counts(), len(seen.at_risk))
    if channel == LIVE:
        channels = LIVE_CHANNELS
    else:
        channels = (channel,) if channel else ("voice",) if figure == "service_level" else LIVE_CHANNELS
    chosen = [each for each in seen.entries if each.channel in channels and queue_id in (None, each.queue_id)]
    if part is not None:
        chosen = [each for each in chosen if part.start <= each.queued_at < part.start + HALF_HOUR]
    if figure == "answered":
        chosen = [each for each in chosen if each.contact.outcome == "answered"]
    if figure == "slowest":
        chosen = sorted((each for each in chosen if each.contact.outcome != "waiting"), key=lambda each: each.contact.wait_s)
    counts = sum((_counted(chosen, each) for each in channels), Counts())
    latest = chosen[-MOST_ROWS:][::-1]
    return Rows(seen, _with_names(session, viewer, latest), [], [], [], counts, len(chosen), half=part)


def counts_as(entry: Entry) -> str:
    """What this contact is in the second variant of service level."""
    contact = entry.contact
    if contact.outcome == "answered":
        return IN_TIME if contact.wait_s <= THRESHOLD_S.get(entry.channel, 20) else TOO_LATE
    if contact.outcome == "abandoned":
        return LEFT_OUT if contact.wait_s <= SHORT_S else GAVE_UP
    return OTHER_WAY if contact.outcome == "left_otherwise" else STILL


def _half_hour(seen: Board, number: int | None) -> HalfHour | None:
    """The one with this number; the one that runs where none is named, None before there is any."""
    halves = seen.half_hours()
    if number is None:
        return halves[-1] if halves else None
    found = next((half for half in halves if half.number == number), None)
    if found is None:
        raise NotFound("This half hour is not on the board.")
    return found


def _there(session: Session, viewer: Viewer, seen: Board, half: HalfHour) -> list[Presence]:
    """Who was signed in then: the viewer's own people by name, all others together."""
    spent = {each: seconds_within(spells, half.start, half.end) for each, spells in seen.spells.items()}
    own = select(Agent.id, Agent.name).where(Agent.id.in_([each for each, s in spent.items() if s]), visible_agents(viewer))
    named = [(agent_id, name) for agent_id, name in session.execute(own.order_by(Agent.name, Agent.id))]
    rows = [Presence(name, spent.pop(agent_id)) for agent_id, name in named]
    rest = sum(spent.values())
    return [*rows, Presence("", rest)] if rest else rows


def _counted(entries: list[Entry], channel: str) -> Counts:
    return count((each.contact for each in entries if each.channel == channel), THRESHOLD_S.get(channel, 20))


def _waiting_total(seen: Board, queue_id: int | None, channels: tuple[str, ...]) -> int:
    return sum(
        line.waiting for line in seen.queues if queue_id in (None, line.queue.id) and (not channels or line.channel in channels)
    )


def _with_names(session: Session, viewer: Viewer, entries: list[Entry]) -> list[EntryRow]:
    free = untouched_by(viewer, Ticket.id)
    numbers = dict(
        session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_({each.ticket_id for each in entries}), free)).all()
    )
    names = dict(
        session.execute(select(Customer.id, Customer.name).where(Customer.id.in_({each.customer_id for each in entries}))).all()
    )
    return [
        EntryRow(each, numbers[each.ticket_id] or 0, names[each.customer_id], counts_as(each))
        for each in entries
        if each.ticket_id in numbers
    ]
