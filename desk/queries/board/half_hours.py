"""Today by half hour: what came in and what became of it, how long the line was, and how many people were there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from desk.queries.board.entries import LIVE_CHANNELS, THRESHOLD_S, Entry
from desk.queries.board.presence_spells import Spells, seconds_within
from desk.queries.figures import Counts, abandonment, count, service_level

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True)
class HalfHour:
    """Half an hour of calls and chats, by its number in the day, from 0.

    Those that came in then are held in `counts`, each against its own channel's threshold; `phone` are the calls alone.
    `most_waiting` is how many waited at the same time at most, `longest_s` the longest wait of those that came in and wait no
    more, `staffed` how many people were signed in on average until `end`, for the one that runs the last whole minute.
    """

    number: int
    start: datetime
    end: datetime
    counts: Counts
    phone: Counts
    most_waiting: int
    longest_s: float | None
    staffed: float

    @property
    def level(self) -> float | None:
        return service_level(self.counts)

    @property
    def phone_level(self) -> float | None:
        return service_level(self.phone)

    @property
    def lost(self) -> float | None:
        return abandonment(self.counts)


def half_hours(entries: Iterable[Entry], spells: Spells, day: datetime, now: datetime) -> list[HalfHour]:
    """From the first call, chat or person of the day to now; empty before that."""
    live = [entry for entry in entries if entry.channel in LIVE_CHANNELS]
    first = min((*(entry.queued_at for entry in live), *(since for spell in spells.values() for since, _ in spell)), default=None)
    if first is None:
        return []
    day = day.astimezone(UTC)  # half an hour is one also on the day on which clocks change
    last = max([now, *(entry.queued_at for entry in live)])
    came: dict[int, list[Entry]] = {number: [] for number in range((first - day) // HALF_HOUR, (last - day) // HALF_HOUR + 1)}
    for entry in live:
        came[(entry.queued_at - day) // HALF_HOUR].append(entry)
    most = _most_waiting(live, [day + number * HALF_HOUR for number in came])
    return [_half_hour(number, day, now, came[number], waited, spells) for number, waited in zip(came, most, strict=True)]


def _half_hour(number: int, day: datetime, now: datetime, came: list[Entry], most_waiting: int, spells: Spells) -> HalfHour:
    start = day + number * HALF_HOUR
    end = max(start, min(start + HALF_HOUR, now.replace(second=0, microsecond=0)))
    parts = {
        channel: count((entry.contact for entry in came if entry.channel == channel), THRESHOLD_S[channel])
        for channel in LIVE_CHANNELS
    }
    return HalfHour(
        number=number,
        start=start,
        end=end,
        counts=sum(parts.values(), Counts()),
        phone=parts["voice"],
        most_waiting=most_waiting,
        longest_s=max((entry.contact.wait_s for entry in came if entry.contact.outcome != "waiting"), default=None),
        staffed=_staffed(spells, start, end),
    )


def _staffed(spells: Spells, start: datetime, end: datetime) -> float:
    if end > start:
        return sum(seconds_within(spell, start, end) for spell in spells.values()) / (end - start).total_seconds()
    return sum(any(since <= start <= until for since, until in spell) for spell in spells.values())


def longest_line(entries: Iterable[Entry], start: datetime) -> list[Entry]:
    """Who waited in the half hour from `start` when most did so, in the order in which they came: `most_waiting` of them."""
    live = [entry for entry in entries if entry.channel in LIVE_CHANNELS and entry.contact.wait_s > 0]
    moves = sorted(
        move
        for place, entry in enumerate(live)
        for move in ((entry.queued_at, 1, place), (entry.queued_at + timedelta(seconds=entry.contact.wait_s), -1, place))
    )
    here: dict[int, Entry] = {}
    longest: list[Entry] | None = None
    for at, step, place in moves:
        if at >= start + HALF_HOUR:
            break
        if at >= start and longest is None:
            longest = list(here.values())
        if step < 0:
            del here[place]
            continue
        here[place] = live[place]
        if longest is not None and len(here) > len(longest):
            longest = list(here.values())
    return list(here.values()) if longest is None else longest


def _most_waiting(entries: Iterable[Entry], starts: Sequence[datetime]) -> list[int]:
    """The longest that the line was in each half hour; who left in the moment in which another came did not wait with them."""
    moves = sorted(
        move
        for entry in entries
        for move in ((entry.queued_at, 1), (entry.queued_at + timedelta(seconds=entry.contact.wait_s), -1))
    )
    found, waiting, at = [], 0, 0
    for start in starts:
        most = waiting
        while at < len(moves) and moves[at][0] < start + HALF_HOUR:
            waiting += moves[at][1]
            most = max(most, waiting)
            at += 1
        found.append(most)
    return found
