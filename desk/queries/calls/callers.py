"""What a caller who waits is told, and which other ways they have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from desk.models import Call, Queue, WorkItem
from desk.models.call import QUEUED
from desk.models.work_item import WAITING
from desk.queries.board.waits import Lines, Told, wait_to_tell
from desk.queries.calendars import calendar_of
from desk.queries.calls.callbacks import may_promise
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.work.matching import steps_for
from routing.overflow import OFFER_CALLBACK, TO_VOICEMAIL


@dataclass(frozen=True)
class CallersPlace:
    """How many are ahead of a waiting caller, and the range of minutes to tell them (None: not known)."""

    ahead: int
    told: Told | None

    @property
    def minutes(self) -> int | None:
        """The end of the range, one at least: a promise should err on the long side."""
        return None if self.told is None else max(1, self.told.minutes[1])


@dataclass(frozen=True)
class WaysOut:
    """What a waiting caller may choose instead.

    They have waited so long that the queue offers a call back by itself (`pressed`), or leads them to a message (`led`).
    """

    callback: bool
    voicemail: bool
    pressed: bool = False
    led: bool = False

    def __bool__(self) -> bool:
        return self.callback or self.voicemail


def callers_place(session: Session, call: Call, now: datetime) -> CallersPlace:
    """The place of a waiting caller. What was told before is kept with the call, so that all processes go on from it."""
    item = session.get(WorkItem, call.item_id) if call.item_id else None
    if item is None:
        return CallersPlace(0, None)
    place, told = wait_to_tell(Lines(session, now), item, Told.from_dict(call.told))
    return CallersPlace(place.ahead, told)


def waiting_line(session: Session, call: Call, now: datetime) -> tuple[int, int | None]:
    """How many are ahead of a waiting caller, and the minutes that this may take (at least one; None when not known)."""
    place = callers_place(session, call, now)
    return place.ahead, place.minutes


def ways_out(session: Session, call: Call, place: CallersPlace, now: datetime) -> WaysOut:
    """What to offer a caller in the line: a call back when the wait is long and ends before we close, a message at any time."""
    item = session.get(WorkItem, call.item_id) if call.item_id else None
    if item is None or call.state != QUEUED or item.state != WAITING:
        return WaysOut(callback=False, voicemail=False)
    queue = session.get_one(Queue, item.queue_id)
    steps = _steps_for_callers(session, item, queue, now)
    offered = OFFER_CALLBACK in steps
    callback = may_promise(session, queue, call.from_number, place.minutes, now, long_enough=offered)
    voicemail = voice_policy(session).voicemail
    return WaysOut(callback, voicemail, pressed=callback and offered, led=voicemail and TO_VOICEMAIL in steps)


def _steps_for_callers(session: Session, item: WorkItem, queue: Queue, now: datetime) -> set[str]:
    """Which steps of the queue's overflow that are for callers the waiting has reached."""
    if not any(step.get("do") in (OFFER_CALLBACK, TO_VOICEMAIL) for step in queue.overflow):
        return set()
    steps = steps_for(item, queue, calendar_of(session, queue))
    return {str(step.done["do"]) for step in steps if step.at <= now.timestamp()}
