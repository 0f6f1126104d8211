"""Who else has a ticket open, and who of them is writing. Kept in no table: it is worth nothing a minute later.

Here by this process for its own windows; `together` shares it between processes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

WRITING = ("reply", "note")


@dataclass(frozen=True)
class Seat:
    """One window of one person at one ticket; `writing` is what they write, empty for nothing.

    `turn` grows with each word of the window: words are heard by several threads, and a late one must not undo a newer.
    """

    agent_id: int
    name: str
    away: bool = False
    writing: str = ""
    turn: int = 0


class Company:
    """The windows at each ticket, by connection. Safe for threads."""

    def __init__(self) -> None:
        self._seats: dict[str, dict[str, Seat]] = {}  # topic -> connection id -> seat
        self._lock = threading.Lock()
        self.tell: Callable[[str], None] = lambda _topic: None  # tells the windows of this process who is at a ticket

    def sit(self, sid: str, topic: str, seat: Seat) -> bool:
        """Note where somebody is and what they do; True when that is news."""
        seat = replace(seat, writing=seat.writing if seat.writing in WRITING else "")
        with self._lock:
            before = self._seats.setdefault(topic, {}).get(sid)
            if before is not None and before.turn > seat.turn:
                return False
            self._seats[topic][sid] = seat
        return before is None or replace(before, turn=seat.turn) != seat

    def rise(self, sid: str, topics: Iterable[str] | None = None) -> list[str]:
        """A window has gone from these tickets, or from all; the ones at which it was."""
        with self._lock:
            left = [topic for topic in (list(self._seats) if topics is None else topics) if sid in self._seats.get(topic, {})]
            for topic in left:
                del self._seats[topic][sid]
                if not self._seats[topic]:
                    del self._seats[topic]
        return left

    def at(self, topic: str) -> list[dict[str, Any]]:
        """Everybody at this ticket once."""
        with self._lock:
            return people_of(self._seats.get(topic, {}).values())

    def announce(self, topics: Iterable[str]) -> None:
        """Have all windows at these tickets told who is there."""
        for topic in topics:
            self.tell(topic)


def people_of(seats: Iterable[Seat]) -> list[dict[str, Any]]:
    """Each person once: writing in any of their windows, away when they are in all of them."""
    people: dict[int, dict[str, Any]] = {}
    for seat in seats:
        known = people.setdefault(seat.agent_id, {"id": seat.agent_id, "name": seat.name, "away": True, "writing": ""})
        known["away"] = known["away"] and seat.away
        known["writing"] = known["writing"] or seat.writing
    return sorted(people.values(), key=lambda person: (person["name"], person["id"]))
