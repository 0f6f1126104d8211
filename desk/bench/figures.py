"""How a figure is measured and written down."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def median_s(act: Callable[[], object], times: int) -> float:
    """The median of `times` runs, in seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def figure(value: float, unit: str, floor: float, floor_is: str) -> dict[str, Any]:
    """A figure beside its floor, both in `unit`; `ratio` is value to floor."""
    return {
        "value": round(value, 3),
        "unit": unit,
        "floor": round(floor, 3),
        "floor_is": floor_is,
        "ratio": round(value / floor, 2) if floor else None,
    }
