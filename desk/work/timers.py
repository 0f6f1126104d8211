"""Doing what is due: each kind of timer names one action."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select

from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Timer
from desk.store import StoreAway, Tx

log = logging.getLogger(__name__)

Action = Callable[[Tx, dict[str, Any]], None]
RETRY_S = (10, 60, 300, 1800)
BATCH = 50


class Timers:
    """Runs each due timer's action in the transaction that marks it done: it happens once, or it is still to do."""

    def __init__(self, desk: Installation, actions: Mapping[str, Action]) -> None:
        self._desk = desk
        self._actions = actions

    def turn(self) -> float | None:
        for timer_id in self._due():
            self._run(timer_id)
        with self._desk.store.read() as reading:
            waiting = select(func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.kind.in_(self._actions))
            next_at = reading.scalar(waiting)
        return None if next_at is None else (next_at - self._desk.clock.now()).total_seconds()

    def _due(self) -> list[int]:
        now = self._desk.clock.now()
        with self._desk.store.read() as reading:
            query = select(Timer.id).where(Timer.done_at.is_(None), Timer.due_at <= now, Timer.kind.in_(self._actions))
            free = or_(Timer.claimed_until.is_(None), Timer.claimed_until < now)
            return list(reading.scalars(query.where(free).order_by(Timer.due_at).limit(BATCH)))

    def _run(self, timer_id: int) -> None:
        try:
            with self._desk.store.tx(SYSTEM) as tx:
                timer = tx.session.get(Timer, timer_id, with_for_update={"skip_locked": True})
                if timer is not None and timer.done_at is None:
                    timer.done_at = tx.now
                    self._actions[timer.kind](tx, timer.data)
        except StoreAway:
            raise
        except Exception as error:
            log.exception("timer %s failed", timer_id)
            self._put_off(timer_id, str(error))

    def _put_off(self, timer_id: int, reason: str) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            timer = tx.session.get_one(Timer, timer_id)
            wait = RETRY_S[min(timer.attempts, len(RETRY_S) - 1)]
            timer.attempts += 1
            timer.last_error = reason[:500]
            timer.due_at = tx.now + timedelta(seconds=wait)
