"""The simulated carrier's one thread of time: a queue of what runs now, a heap of what runs later, a small pool for HTTP."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

# With a very high speed a document that waits and starts again must still not spin.
_SHORTEST_S = 0.005


class Timer:
    """Something that will run unless it is cancelled first."""

    __slots__ = ("cancelled", "run")

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Runs callables one at a time, in order, on one thread.

    `speed` divides every delay: 1 is real time, 20 is a demonstration in a hurry. With speed 0 time stands still and moves only
    by `advance`, which is how tests wait for half a minute without sleeping.
    """

    def __init__(self, *, speed: float = 1.0, workers: int = 32) -> None:
        if speed < 0:
            raise ValueError("The speed cannot be negative.")
        self._speed = speed
        self._workers = workers
        self._changed = threading.Condition()
        self._ready: deque[Callable[[], None]] = deque()
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._virtual_now = 0.0
        self._running = False
        self._outside = 0
        self._stopping = True
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def running(self) -> bool:
        """Whether anything that is asked for now will happen."""
        return not self._stopping

    @property
    def elapsed_s(self) -> float:
        """Simulated seconds from some moment in the past."""
        return self._virtual_now if self._speed == 0 else time.monotonic() * self._speed

    def start(self) -> None:
        with self._changed:
            if not self._stopping:
                return
            self._stopping = False
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="carrier-http")
            self._thread = threading.Thread(target=self._work, name="carrier", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Finish what is running and drop the rest. May be called from any thread except the loop's own."""
        with self._changed:
            if self._stopping:
                return
            self._stopping = True
            self._ready.clear()
            self._heap.clear()
            self._changed.notify_all()
            thread, pool = self._thread, self._pool
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        if thread is not None:
            thread.join()
        with self._changed:
            self._outside = 0

    def soon(self, run: Callable[[], None]) -> None:
        """Run after everything that is already waiting to run."""
        with self._changed:
            if not self._stopping:
                self._ready.append(run)
                self._changed.notify_all()

    def after(self, seconds: float, run: Callable[[], None]) -> Timer:
        """Run in `seconds` of simulated time."""
        timer = Timer(run)
        with self._changed:
            if not self._stopping:
                heapq.heappush(self._heap, (self._now() + self._real(seconds), next(self._count), timer))
                self._changed.notify_all()
        return timer

    def outside(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do something slow on the pool, then run `then` with its result on the loop. `work` must not raise."""

        def carry() -> None:
            result = work()
            with self._changed:
                self._outside -= 1
                if not self._stopping:
                    self._ready.append(lambda: then(result))
                self._changed.notify_all()

        with self._changed:
            if self._stopping or self._pool is None:
                return
            self._outside += 1
            self._pool.submit(carry)

    def settle(self, timeout_s: float = 60.0) -> bool:
        """Wait until nothing runs, waits to run or is on the network; timers may be pending. False when it took too long."""
        with self._changed:
            return self._changed.wait_for(self._quiet, timeout_s)

    def advance(self, seconds: float, timeout_s: float = 60.0) -> None:
        """Let `seconds` pass (speed 0 only): run every timer that falls due, in order, each with all its consequences."""
        if self._speed != 0:
            raise ValueError("Only a loop whose time stands still (speed 0) can be advanced.")
        target = self._virtual_now + seconds
        while True:
            if not self.settle(timeout_s):
                raise TimeoutError("The simulated carrier did not come to rest.")
            with self._changed:
                self._drop_cancelled()
                if not self._heap or self._heap[0][0] > target:
                    self._virtual_now = target
                    return
                due, _, timer = heapq.heappop(self._heap)
                self._virtual_now = max(self._virtual_now, due)
                self._ready.append(timer.run)
                self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                run = self._next()
                if run is None:
                    return
                self._running = True
            try:
                run()
            except Exception:
                log.exception("A step of the simulated carrier failed.")
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next thing to run; None when stopping. Called with the lock held."""
        while not self._stopping:
            if self._ready:
                return self._ready.popleft()
            self._drop_cancelled()
            if self._speed == 0 or not self._heap:
                self._changed.wait()
                continue
            wait = self._heap[0][0] - self._now()
            if wait <= 0:
                return heapq.heappop(self._heap)[2].run
            self._changed.wait(wait)
        return None

    def _quiet(self) -> bool:
        return self._stopping or not (self._ready or self._running or self._outside)

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)

    def _now(self) -> float:
        return self._virtual_now if self._speed == 0 else time.monotonic()

    def _real(self, seconds: float) -> float:
        return seconds if self._speed == 0 else max(seconds / self._speed, _SHORTEST_S)
