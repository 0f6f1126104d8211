"""The queues: adding one, changing what it asks for and how it offers work, their order, closing one for new work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from desk.actions.editing import check_same, differences
from desk.actions.work import places
from desk.actions.work.queue_answers import wrong_answers
from desk.errors import Conflict, Invalid
from desk.models import Queue
from desk.sentences import N_
from desk.store import Tx

FIELDS = (
    *("name", "name_zh", "team_id", "calendar_id", "closed", "requires", "overflow", "targets"),
    *("choice", "offer_timeout_s", "wrap_up_s", "sticky_s", "music", "asks_article"),
)
ORDERS_WORK = {"calendar_id", "requires", "overflow", "targets"}  # what waiting work goes by
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def values_of(queue: Queue) -> dict[str, Any]:
    """Everything about the queue that can be changed."""
    return {field: getattr(queue, field) for field in FIELDS}


def add_queue(tx: Tx, key: str, **values: Any) -> Queue:
    """Add a queue at the end of the order. `key` is for programs and never changes; work of the category so named comes here.

    Raises `Invalid` with the fields that are wrong, `Conflict` when there is a queue with this key.
    """
    new = _cleaned(values)
    wrong = wrong_answers(tx.session, new, {})
    if not _KEY.fullmatch(key):
        wrong = {"key": N_("A short name has small letters, digits and “-”, at most 40."), **wrong}
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    if tx.session.scalar(select(Queue.id).where(Queue.key == key)) is not None:
        raise Conflict("There is already a queue with this short name.")
    position = tx.session.scalar(select(func.max(Queue.position)))
    queue = Queue(key=key, position=0 if position is None else position + 1, **new)
    tx.session.add(queue)
    tx.emit("queue.added", queue=queue, data={"key": key, "new": new})
    return queue


def set_queue(tx: Tx, queue: Queue, *, seen: str | None = None, **values: Any) -> bool:
    """Change some of `FIELDS`. Work that waits keeps its place by when it came, and goes by the new rules from now on.

    `requires` is [[skill, minimum level], …], `targets` {channel: {tier: seconds}}, `sticky_s` {channel: seconds}; what these
    leave out is as usual. `overflow` is as `routing.overflow` reads it, `seen` the fingerprint of what the editor saw. False
    when nothing was different. Raises `Invalid` with the fields that are wrong, `Conflict` when somebody else was quicker.
    """
    tx.session.refresh(queue, with_for_update=True)
    old = values_of(queue)
    check_same(old, seen)
    new = _cleaned(values)
    wrong = wrong_answers(tx.session, {**old, **new}, old)
    if new.get("closed") and not old["closed"] and _is_last_open(tx, queue):
        wrong["closed"] = N_("At least one queue must stay open.")
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    data = differences(old, new)
    if not data:
        return False
    for field, value in data["new"].items():
        setattr(queue, field, value)
    tx.emit("queue.changed", queue=queue, data=data)
    if ORDERS_WORK & data["new"].keys():
        places.requeue_by(tx, queue)
    return True


def move_queue(tx: Tx, queue: Queue, by: int) -> bool:
    """Move the queue up (-1) or down (1) in the order in which lists show them. False at the end of the list."""
    order = list(tx.session.scalars(select(Queue).order_by(Queue.position, Queue.id).with_for_update()))
    place = order.index(queue)
    if not 0 <= place + by < len(order):
        return False
    order.insert(place + by, order.pop(place))
    for position, each in enumerate(order):
        each.position = position
    tx.emit("queue.moved", queue=queue, data={"old": {"position": place + 1}, "new": {"position": place + by + 1}})
    return True


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"a queue has no {', '.join(sorted(unknown))}")
    new = {field: value.strip() if isinstance(value, str) else value for field, value in values.items()}
    if "requires" in new:
        new["requires"] = sorted(new["requires"])
    return new


def _is_last_open(tx: Tx, queue: Queue) -> bool:
    others = select(Queue.id).where(Queue.closed.is_(False), Queue.id != queue.id).with_for_update()
    return tx.session.scalar(others.limit(1)) is None
