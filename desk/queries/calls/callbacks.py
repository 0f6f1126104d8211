"""Promises to ring back: whether one can be offered, how those stand that were made, how many were kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from phonenumbers import timezone
from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import Calendar as CalendarRow
from desk.models import Call, Callback, CallRecording, Customer, Queue, Ticket, WorkItem
from desk.queries.calendars import to_calendar
from desk.queries.calls.voice_policy import voice_policy
from routing.ring_back import Hours

MOST = 200
UNKNOWN_ZONE = "Etc/Unknown"
TIMELY_S = 3600  # a promise for an hour of the day is kept up to so long after it
SLOTS, SLOT_APART = 8, timedelta(hours=2)


@dataclass(frozen=True)
class PromiseLine:
    """One promise as lists show it; `agent_id` is who is asked to keep it, or does so now."""

    callback: Callback
    ticket: Ticket
    customer_name: str
    queue: Queue
    agent_id: int | None = None


@dataclass(frozen=True)
class VoicemailLine:
    """One message left on the phone as the list shows it."""

    recording: CallRecording
    ticket: Ticket
    customer_name: str


@dataclass(frozen=True)
class Kept:
    """Promises whose time was over in a span: how many, and how many of them were kept in time. `share` is from 0 to 1."""

    due: int
    kept: int

    @property
    def share(self) -> float | None:
        return self.kept / self.due if self.due else None


@dataclass(frozen=True)
class Promises:
    """What a queue owes: how many calls back, and by when the earliest of them was promised."""

    number: int
    earliest: datetime


def hours_of(session: Session, queue: Queue, number: str) -> Hours:
    """When this number may be rung on behalf of this queue."""
    calendar = to_calendar(session.get_one(CalendarRow, queue.calendar_id))
    earliest, latest = voice_policy(session).callback_hours
    return Hours(calendar, zone_of(number, calendar.zone), earliest, latest)


def hours_for(session: Session, callback: Callback) -> Hours:
    """When this customer may be rung."""
    return hours_of(session, session.get_one(Queue, callback.queue_id), callback.number)


def zone_of(number: str, otherwise: str) -> str:
    """The time zone of a number in E.164, or the other one if it does not say, or might be in several."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return otherwise
    return zones[0] if len(zones) == 1 and zones[0] != UNKNOWN_ZONE else otherwise


def may_promise(
    session: Session, queue: Queue, number: str, minutes: int | None, now: datetime, *, long_enough: bool = False
) -> bool:
    """Whether to offer somebody who waits to ring them back: it takes long enough, and will be over before we close.

    `long_enough`: they have waited so long that what is still to come counts no more.
    `minutes` is the wait as it is estimated; one that is not known, with nobody there, is long. A number that cannot be read may
    yet be typed in, so that only our own hours count for it.
    """
    policy = voice_policy(session)
    soon = minutes is not None and minutes * 60 < policy.callback_from_s
    if not policy.callback or (soon and not long_enough):
        return False
    hours = hours_of(session, queue, number)
    return hours.first(now) == now and now + timedelta(minutes=minutes or 0) < hours.last(now)


def open_callback(session: Session, number: str) -> Callback | None:
    """The promise to this number that is not over yet."""
    return session.scalar(select(Callback).where(Callback.number == number, Callback.ended_at.is_(None)))


def callback_of_item(session: Session, item_id: int) -> Callback | None:
    """The promise that this work is about."""
    return session.scalar(select(Callback).where(Callback.item_id == item_id, Callback.ended_at.is_(None)))


def open_promises(session: Session, viewer: Viewer, *, queue_id: int | None = None, limit: int = MOST) -> list[PromiseLine]:
    """What is promised and not done, of one queue or of all, the earliest promise first."""
    query = _lines(viewer).where(Callback.ended_at.is_(None)).order_by(Callback.promised_by, Callback.id)
    if queue_id is not None:
        query = query.where(Callback.queue_id == queue_id)
    return [PromiseLine(*row) for row in session.execute(query.limit(limit))]


def promises_by_queue(session: Session) -> dict[int, Promises]:
    """What each queue owes now; a queue that owes nothing is not there."""
    query = select(Callback.queue_id, func.count(), func.min(Callback.promised_by)).where(Callback.ended_at.is_(None))
    return {queue_id: Promises(number, oldest) for queue_id, number, oldest in session.execute(query.group_by(Callback.queue_id))}


def past_promises(session: Session, viewer: Viewer, since: datetime, *, limit: int = MOST) -> list[PromiseLine]:
    """What was promised since then and is over, the latest first."""
    query = _lines(viewer).where(Callback.ended_at.is_not(None), Callback.requested_at >= since)
    return [PromiseLine(*row) for row in session.execute(query.order_by(Callback.requested_at.desc()).limit(limit))]


def kept_promises(session: Session, since: datetime, now: datetime) -> Kept:
    """Of the promises made since then: those whose time is over, and those of them that were kept.

    Kept is a promise whose first attempt was made in time, or whose customer came back to us before that; one that was taken back
    in time counts on neither side.
    """
    in_time = Callback.first_attempt_at <= Callback.promised_by
    came_first = (Callback.state == "called_in") & (Callback.ended_at <= Callback.promised_by)
    taken_back = (Callback.state == "withdrawn") & (Callback.ended_at <= Callback.promised_by)
    over = or_(Callback.promised_by <= now, Callback.first_attempt_at.is_not(None), Callback.ended_at.is_not(None))
    counted = (Callback.requested_at >= since, over, ~taken_back)
    query = select(func.count(), func.count().filter(or_(in_time, came_first))).where(*counted)
    due, kept = session.execute(query).one()
    return Kept(due, kept)


def access_callback(session: Session, viewer: Viewer, callback_id: int) -> Callback:
    """The promise if the viewer may read its ticket; raises `NotFound` otherwise, whichever the reason."""
    query = select(Callback).join(Ticket, Ticket.id == Callback.ticket_id)
    found = session.scalar(query.where(Callback.id == callback_id, visible_tickets(viewer)))
    if found is None:
        raise NotFound("There is no such call back.")
    return found


def voicemails(session: Session, viewer: Viewer, *, limit: int = MOST) -> list[VoicemailLine]:
    """The latest messages left on the phone that became a ticket, the newest first."""
    query = (
        select(CallRecording, Ticket, Customer.name)
        .join(Call, Call.id == CallRecording.call_id)
        .join(Ticket, Ticket.id == Call.ticket_id)
        .join(Customer, Customer.id == Ticket.customer_id)
        # In these words both databases see that the index of messages has them.
        .where(text("call_recording.kind = 'voicemail'"), CallRecording.state != "absent", visible_tickets(viewer))
    )
    return [VoicemailLine(*row) for row in session.execute(query.order_by(CallRecording.id.desc()).limit(limit))]


def _lines(viewer: Viewer) -> Select[Any]:
    return (
        select(Callback, Ticket, Customer.name, Queue, WorkItem.agent_id)
        .join(Ticket, Ticket.id == Callback.ticket_id)
        .join(Customer, Customer.id == Callback.customer_id)
        .join(Queue, Queue.id == Callback.queue_id)
        .outerjoin(WorkItem, WorkItem.id == Callback.item_id)
        .where(visible_tickets(viewer))
    )


def slots(session: Session, queue: Queue, now: datetime) -> list[datetime]:
    """The next full hours at which somebody may ask to be called, two hours apart, as the opening hours allow."""
    hours = hours_of(session, queue, "")
    at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found: list[datetime] = []
    while len(found) < SLOTS:
        first = hours.first(at)
        if first is None:
            break
        found.append(first)
        at = first + SLOT_APART
    return found
