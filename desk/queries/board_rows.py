"""The rows behind each figure of the board: what is counted, what is left out, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Customer, Ticket
from desk.queries.board import (
    LIVE_CHANNELS,
    MOST_ROWS,
    THRESHOLD_S,
    AgentLine,
    Board,
    Entry,
    RiskLine,
    WaitingLine,
    board,
)
from desk.queries.figures import SHORT_S, Counts, count

FIGURES = ("waiting", "longest", "service_level", "abandoned", "agents", "complaints", "offered", "answered")
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
class Rows:
    """The rows of a figure. Only one of the lists is filled; `total` counts all rows, also those beyond the first `MOST_ROWS`."""

    board: Board
    entries: list[EntryRow]
    waiting: list[WaitingLine]
    agents: list[AgentLine]
    at_risk: list[RiskLine]
    counts: Counts
    total: int


def rows_of(
    session: Session, viewer: Viewer, now: datetime, zone: str, figure: str, *, queue_id: int | None = None, channel: str = ""
) -> Rows:
    """What a figure is made of, for one queue and channel or for all that the figure is about."""
    seen = board(session, viewer, now, zone, most_waiting=MOST_ROWS)
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
    channels = (channel,) if channel else ("voice",) if figure == "service_level" else LIVE_CHANNELS
    chosen = [each for each in seen.entries if each.channel in channels and queue_id in (None, each.queue_id)]
    if figure == "answered":
        chosen = [each for each in chosen if each.contact.outcome == "answered"]
    counts = sum((_counted(chosen, each) for each in channels), Counts())
    latest = chosen[-MOST_ROWS:][::-1]
    return Rows(seen, _with_names(session, viewer, latest), [], [], [], counts, len(chosen))


def counts_as(entry: Entry) -> str:
    """What this contact is in the second variant of service level."""
    contact = entry.contact
    if contact.outcome == "answered":
        return IN_TIME if contact.wait_s <= THRESHOLD_S.get(entry.channel, 20) else TOO_LATE
    if contact.outcome == "abandoned":
        return LEFT_OUT if contact.wait_s <= SHORT_S else GAVE_UP
    return OTHER_WAY if contact.outcome == "left_otherwise" else STILL


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
