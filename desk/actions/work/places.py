"""The place of work in its queue: what it asks of people and when it is due, by the queue's policy, from when it was queued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from desk.actions.timers import set_timer
from desk.models import Queue, WorkItem
from desk.models.work_item import OFFERED, WAITING
from desk.queries.calendars import calendar_of
from desk.store import Tx
from routing.hours import Calendar
from routing.order import HANDLING_S, LIVE_CHANNELS, TARGETS_S, due_at, promote_at, target_s

_ITEM = WorkItem.__table__
REQUEUE_TIMER = "queue.requeue"
BATCH = 500  # items in one transaction: others who write wait no longer than for these


def needed(queue: Queue, asked: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The queue's skills and those asked for by the work itself, each at the higher of the two levels."""
    levels: dict[str, int] = dict(map(tuple, queue.requires))  # type: ignore[arg-type]
    for skill, level in asked:
        levels[skill] = max(level, levels.get(skill, 0))
    return sorted([skill, level] for skill, level in levels.items())


def place(
    session: Session, queue: Queue, channel: str, tier: str, enqueued_at: datetime, hours: Calendar | None = None
) -> tuple[datetime, datetime | None]:
    """When work queued at that moment is due, and when it joins the live work if it is not live. `hours` are the queue's."""
    target = target_s(channel, tier, {channel: {**TARGETS_S[channel], **queue.targets.get(channel, {})}})
    live = channel in LIVE_CHANNELS
    due = due_at(enqueued_at.timestamp(), target, None if live else hours or calendar_of(session, queue))
    return datetime.fromtimestamp(due, UTC), None if live else datetime.fromtimestamp(promote_at(due, HANDLING_S[channel]), UTC)


def requeue_by(tx: Tx, queue: Queue) -> None:
    """The queue's policy has changed: what waits goes by it, counted from when it was queued; nothing is queued anew.

    A long line is brought in line in several transactions, this one and those of a timer.
    """
    requeue_after(tx, {"queue_id": queue.id, "after": 0})


def requeue_after(tx: Tx, data: dict[str, Any]) -> None:
    """The next batch of work in this queue, after the item of this id."""
    tx.session.flush()
    queue = tx.session.get_one(Queue, data["queue_id"])
    columns = (WorkItem.id, WorkItem.channel, WorkItem.tier, WorkItem.asked, WorkItem.requires, WorkItem.enqueued_at)
    line = select(*columns, WorkItem.due_at, WorkItem.promote_at).where(
        WorkItem.queue_id == queue.id,
        WorkItem.ended_at.is_(None),
        WorkItem.state.in_((WAITING, OFFERED)),
        WorkItem.id > data["after"],
    )
    rows = tx.session.execute(line.order_by(WorkItem.id).limit(BATCH)).all()
    hours, changed = calendar_of(tx.session, queue), []
    for row in rows:
        due, promote = place(tx.session, queue, row.channel, row.tier, row.enqueued_at, hours)
        requires = needed(queue, row.asked)
        if (requires, due, promote) != (row.requires, row.due_at, row.promote_at):
            changed.append({"item": row.id, "requires": requires, "due_at": due, "promote_at": promote})
    if changed:
        change = update(_ITEM).where(_ITEM.c.id == bindparam("item"), or_(_ITEM.c.state == WAITING, _ITEM.c.state == OFFERED))
        tx.session.connection().execute(change.values(version=_ITEM.c.version + 1), changed)
        tx.emit("queue.requeued", queue=queue, data={"items": len(changed)})
    if len(rows) == BATCH:
        set_timer(tx, REQUEUE_TIMER, str(queue.id), tx.now, {"queue_id": queue.id, "after": rows[-1].id})
