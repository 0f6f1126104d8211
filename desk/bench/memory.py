"""How much memory processes hold, as Linux tells."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def resident_mb(processes: Iterable[int]) -> float:
    """Resident memory in MB of these processes and all that they have started; 0 where there is no `/proc`."""
    return sum(_resident_kb(each) for each in _with_children(processes)) / 1024


def _with_children(processes: Iterable[int]) -> Iterable[int]:
    for process in processes:
        yield process
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            with suppress(OSError):  # that thread has ended
                yield from _with_children(int(child) for child in children.read_text().split())


def _resident_kb(process: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
