"""When time alone changes something for waiting work: one alarm for each record, forgotten when the record has left its line."""

from __future__ import annotations

import heapq
import itertools

from routing.kinds import SLACK, Record


class Timers:
    """Alarms in order of time."""

    def __init__(self) -> None:
        self._alarms: list[tuple[float, int, Record]] = []
        self._limit = SLACK
        self._turns = itertools.count()

    def __len__(self) -> int:
        """How many are kept, those of records that have left included."""
        return len(self._alarms)

    def set(self, at: float, record: Record) -> None:
        heapq.heappush(self._alarms, (at, next(self._turns), record))
        if len(self._alarms) > self._limit:
            self._alarms = [alarm for alarm in self._alarms if alarm[2].line is not None]
            heapq.heapify(self._alarms)
            self._limit = 4 * len(self._alarms) + SLACK

    def next(self) -> float | None:
        """When the first alarm is due."""
        alarms = self._alarms
        while alarms and alarms[0][2].line is None:
            heapq.heappop(alarms)
        return alarms[0][0] if alarms else None

    def ring(self, now: float) -> Record | None:
        """Take the first record whose alarm is due at `now`; None when there is no more."""
        while self._alarms and self._alarms[0][0] <= now:
            record = heapq.heappop(self._alarms)[2]
            if record.line is not None:
                return record
        return None
