"""The line in which a piece of work waits: who is before it, by the order that is in force now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, bindparam, case, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

from desk.db import Moment, Words
from desk.models import Calendar as CalendarRow
from desk.models import Queue, WorkItem
from desk.models.work_item import WAITING
from desk.queries.calendars import to_calendar
from routing.hours import Calendar
from routing.values import DEFERRED, ESCALATED, LIVE

_Own = aliased(WorkItem)  # to make an alias takes longer than to ask by it
FARTHEST_BACK = timedelta(days=30)  # an overflow step that takes longer than this is taken by nobody who still waits


@dataclass(frozen=True)
class Place:
    """How many wait before an item, in a line of `size`, the first of whom came at `oldest`.

    The line is all waiting work of one channel that asked for the same skills when it came, whatever its queue.
    """

    ahead: int
    size: int
    oldest: datetime | None

    @property
    def position(self) -> int:
        return self.ahead + 1


def place_of(session: Session, item: WorkItem, now: datetime) -> Place:
    """The place of waiting work; work that does not wait (it is being offered) has nobody before it."""
    raised = list(_raised(session, now))
    asked = {
        "item": item.id,
        "channel": item.channel,
        "now": now,
        **{f"since_{at}": since for at, (_, since) in enumerate(raised)},
    }
    ahead, size, oldest = session.execute(_place_query(tuple(queue_id for queue_id, _ in raised)), asked).one()
    return Place(ahead if item.state == WAITING else 0, size, oldest)


def places_of(session: Session, channel: str, now: datetime) -> dict[int, Place]:
    """The places of all that waits in a channel, by item, at the price of one look."""
    asked = cast(WorkItem.requires, String)
    band = _band(_raised(session, now), now, WorkItem)
    place = func.row_number().over(partition_by=asked, order_by=(band, WorkItem.due_at, WorkItem.id))
    size, oldest = (each.over(partition_by=asked) for each in (func.count(), func.min(WorkItem.enqueued_at)))
    rows = session.execute(select(WorkItem.id, place, size, oldest).where(WorkItem.state == WAITING, WorkItem.channel == channel))
    return {item_id: Place(position - 1, size, oldest) for item_id, position, size, oldest in rows}


@lru_cache(maxsize=100)
def _place_query(raised: tuple[int, ...]) -> Select[tuple[int, int, datetime | None]]:
    """How many are before an item, how many are in its line, and since when; each caller who waits asks for it twice a minute."""
    now, item = bindparam("now", type_=Moment()), bindparam("item", type_=Integer())
    steps = [(queue_id, bindparam(f"since_{at}", type_=Moment())) for at, queue_id in enumerate(raised)]
    band = _band(steps, now, WorkItem)
    mine = select(_band(steps, now, _Own)).where(_Own.id == item).scalar_subquery()
    due_at = select(_Own.due_at).where(_Own.id == item).scalar_subquery()
    before = or_(
        band < mine,
        (band == mine) & (WorkItem.due_at < due_at),
        (band == mine) & (WorkItem.due_at == due_at) & (WorkItem.id < item),
    )
    query = select(func.count(case((before, 1))), func.count(), func.min(WorkItem.enqueued_at))
    return query.where(*_same_line(bindparam("channel", type_=Words()), item))


def same_line(item: WorkItem) -> tuple[ColumnElement[bool], ...]:
    """The conditions that leave the waiting work which asked for the same."""
    return _same_line(item.channel, item.id)


def _same_line(channel: Any, item_id: Any) -> tuple[ColumnElement[bool], ...]:
    asked = select(cast(_Own.requires, String)).where(_Own.id == item_id).scalar_subquery()
    return WorkItem.state == WAITING, WorkItem.channel == channel, cast(WorkItem.requires, String) == asked


def band_now(session: Session, now: datetime) -> ColumnElement[int]:
    """The band that work is in at `now`: near its due time, or raised by a step of its queue's overflow."""
    return _band(_raised(session, now), now, WorkItem)


def _band(raised: Iterable[tuple[int, Any]], now: Any, item: type[WorkItem]) -> ColumnElement[int]:
    band: ColumnElement[int] = item.band
    for queue_id, since in raised:
        band = band - case(((item.queue_id == queue_id) & (item.enqueued_at <= since), 1), else_=0)
    promoted = (band == DEFERRED) & (item.promote_at <= now)
    return case((band < ESCALATED, ESCALATED), (promoted, LIVE), else_=band)


def _raised(session: Session, now: datetime) -> Iterator[tuple[int, datetime]]:
    """Each queue's steps that raise the band, with the moment by which work must have come to be raised by `now`."""
    for queue_id, overflow, calendar_id in session.execute(select(Queue.id, Queue.overflow, Queue.calendar_id)):
        for step in overflow:
            if step.get("do") == "raise_band":
                hours = session.get_one(CalendarRow, calendar_id)
                yield queue_id, _open_seconds_ago(to_calendar(hours), now, step["after_s"])


def _open_seconds_ago(hours: Calendar, now: datetime, seconds: float) -> datetime:
    """The latest moment since which so many open seconds have passed, to a second."""
    early, late = now - FARTHEST_BACK, now - timedelta(seconds=seconds)
    if hours.business_seconds(early, now) < seconds:
        return early
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if hours.business_seconds(middle, now) >= seconds:
            early = middle
        else:
            late = middle
    return late if hours.business_seconds(late, now) >= seconds else early
