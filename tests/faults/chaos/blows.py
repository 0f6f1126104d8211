"""What may happen to a stage: each blow is struck, lasts for a while, and is over."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

from tests.faults.chaos.stage import Part, Stage

STILL_S, AWAY_S, CUT_S, FULL_S = 6.0, 4.0, 8.0, 6.0
ROOM = 1 << 30  # bytes of the disk that is to be full


@dataclass(frozen=True)
class Blow:
    """`strike` returns the way to end it."""

    name: str
    lasts_s: float
    strike: Callable[[], Callable[[], None]]


def next_blow(stage: Stage, chance: Random, disk: Path | None) -> Blow:
    """The next blow: by lot, processes as often as all else together."""
    part = chance.choice(stage.parts)
    kinds = [_killed(part), _killed(part), _still(part), _redis(stage), _database(stage)]
    if part.line.network:
        kinds.append(_cut(part))
    if disk is not None:
        kinds.append(_full(disk))
    return chance.choice(kinds)


def restarts(stage: Stage) -> Iterator[Blow]:
    """Every process in its turn, asked to end as a service manager does; over when another is ready in its place."""
    return cycle(_restarted(part) for part in stage.parts)


def _restarted(part: Part) -> Blow:
    def strike() -> Callable[[], None]:
        left = part.process
        part.tell(signal.SIGTERM)
        return lambda: part.until_another(left)

    return Blow(f"restart of {part.name}", 0.0, strike)


def _killed(part: Part) -> Blow:
    def strike() -> Callable[[], None]:
        part.tell(signal.SIGKILL)
        return _nothing

    return Blow(f"kill -9 of {part.name}", 0.0, strike)


def _still(part: Part) -> Blow:
    def strike() -> Callable[[], None]:
        part.tell(signal.SIGSTOP)
        return lambda: part.tell(signal.SIGCONT)

    return Blow(f"{part.name} stands still", STILL_S, strike)


def _cut(part: Part) -> Blow:
    def strike() -> Callable[[], None]:
        part.line.cut()
        return part.line.mend

    return Blow(f"{part.name} is cut off", CUT_S, strike)


def _redis(stage: Stage) -> Blow:
    def strike() -> Callable[[], None]:
        stage.redis.kill()
        return stage.redis.start

    return Blow("Redis is killed, and comes back empty", AWAY_S, strike)


def _database(stage: Stage) -> Blow:
    def strike() -> Callable[[], None]:
        stage.database.stop()
        return stage.database.start

    return Blow("PostgreSQL is stopped in the middle of things", AWAY_S / 2, strike)


def _full(disk: Path) -> Blow:
    def strike() -> Callable[[], None]:
        filler = disk / "filler"
        assert disk.is_mount(), "only a disk of our own is filled"
        with suppress(OSError), filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free)
        return lambda: filler.unlink(missing_ok=True)

    return Blow("the disk with the files is full", FULL_S, strike)


def _nothing() -> None:
    pass


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)
