"""What the outside world remembers of a run: what it sent, what the desk acknowledged, and how often it had to ask again."""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_right
from collections import Counter, defaultdict


class Ledger:
    """Marks are words that stand in one text only; each is found again in the desk at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.sent: dict[str, set[str]] = {"mail": set(), "chat": set(), "said": set(), "form": set(), "answer": set()}
        self.kept: dict[str, set[str]] = {name: set() for name in self.sent}
        self.again: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.moments: defaultdict[str, list[float]] = defaultdict(list)  # monotonic, of what went well

    def mark(self, kind: str) -> str:
        """A new mark, which is about to be sent."""
        with self._lock:
            mark = f"{kind}-{next(self._numbers):06}-mark"
            self.sent[kind].add(mark)
            return mark

    def acknowledge(self, kind: str, mark: str) -> None:
        with self._lock:
            self.kept[kind].add(mark)
        self.happened(kind)

    def happened(self, what: str) -> None:
        """Something went well just now."""
        with self._lock:
            self.moments[what].append(time.monotonic())

    def first_after(self, what: str, moment: float) -> float:
        """How many seconds after the moment it went well again; infinite when it never did."""
        with self._lock:
            moments = self.moments[what]
            place = bisect_right(moments, moment)
            return moments[place] - moment if place < len(moments) else float("inf")

    def tried(self, kind: str, why: str = "") -> None:
        """It was not acknowledged and is sent again; `why` for what is not a broken line or a desk that says “later”."""
        with self._lock:
            self.again[kind] += 1
            if why:
                self.refused[f"{kind}: {why}"] += 1
