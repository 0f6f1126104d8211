"""Long calculations in a process of their own, so that calls, chats and screens of this one do not wait for them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from desk.errors import Conflict, TooMany

Found = TypeVar("Found")

AT_ONCE = 2
LONGEST_S = 60.0
HOME = Path(__file__).parent.parent

_places = threading.BoundedSemaphore(AT_ONCE)


def apart(calculate: Callable[..., Found], *given: Any, longest_s: float = LONGEST_S) -> Found:
    """The result of `calculate(*given)`; the function must be a module's own, and all values plain.

    Raises what the function raises, `TooMany` while `AT_ONCE` others run, `Conflict` when it takes longer than `longest_s`.
    """
    if not _places.acquire(blocking=False):
        raise TooMany("Others are calculating just now. Please try again in a moment.", retry_after=5)
    try:
        # A fresh interpreter that loads only what the calculation needs: a fork would copy held locks, and spawning by the
        # standard library would load the whole desk once more.
        answered = subprocess.run(
            [sys.executable, "-c", "from desk.apart import answer; answer()"],
            input=pickle.dumps((calculate, given)),
            stdout=subprocess.PIPE,
            timeout=longest_s,
            check=True,
            cwd=HOME,
        )
    except subprocess.TimeoutExpired:
        raise Conflict("This takes too long to calculate. Choose less.") from None
    finally:
        _places.release()
    failure, found = pickle.loads(answered.stdout)  # noqa: S301 - what our own process has just written
    if failure is not None:
        raise failure
    return found


def answer() -> None:
    """The other side: read what is to be calculated, and write what came of it."""
    calculate, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent, over a pipe
    try:
        found = None, calculate(*given)
    except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is told
        found = error, None
    sys.stdout.buffer.write(pickle.dumps(found))
