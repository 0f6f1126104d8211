"""Traffic: customers of the demo who come at random moments through the desk's real doors, for a while and at a chosen rate."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from desk.clock import Clock
from desk.config import Settings
from desk.demo.customers import WAYS, Visit, matter
from desk.demo.people import Patron, patrons

log = logging.getLogger(__name__)

SHARES = {"voice": 34, "chat": 32, "email": 26, "form": 8}
FIRST_AFTER_S = 1.0  # the first comes at once, so that whoever switches it on sees that it works
MOST_AT_ONCE = 25  # further visitors stay away, however high the rate
MOST_PER_HOUR = 600.0
SWITCHED_ON_FOR = timedelta(minutes=30)
STRANGER = 0.12  # share of contacts from people whom the desk does not know yet


def run(settings: Settings, *, rate_per_h: float, minutes: float) -> int:
    """Bring customers to a running desk for so many minutes, then say how many came by which channel. Ctrl-C ends it early."""
    traffic = Traffic(settings, rate_per_h)
    with suppress(KeyboardInterrupt):
        asyncio.run(traffic.flow(minutes * 60))
    sys.stdout.write(f"{traffic.summary()}\n")
    return 1 if traffic.failed and not traffic.came.total() else 0


class Traffic:
    """One stretch of traffic. Arrivals are a Poisson process; whoever is still there at the end says goodbye."""

    def __init__(
        self,
        settings: Settings,
        rate_per_h: float,
        *,
        chance: Random | None = None,
        hurry: float = 1.0,
        impatience: float = 1.0,
    ) -> None:
        self._settings = settings
        self._rate = min(max(rate_per_h, 0.1), MOST_PER_HOUR)
        self._chance = chance or Random()
        self._hurry, self._impatience = hurry, impatience
        self._there: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.came: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.failed = 0

    async def flow(self, seconds: float) -> None:
        """Let customers come until the time is over or `stop` is called, then see them off."""
        loop = asyncio.get_running_loop()
        self._loop, ends = loop, loop.time() + seconds
        rest = FIRST_AFTER_S / self._hurry
        try:
            while loop.time() < ends and not self._stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), timeout=min(rest, ends - loop.time()))
                rest = self._chance.expovariate(self._rate / 3600)
                if loop.time() < ends and not self._stopped.is_set() and len(self._there) < MOST_AT_ONCE:
                    self.arrive(self._chance.choices(list(SHARES), list(SHARES.values()))[0])
        finally:
            for task in self._there:
                task.cancel()
            await asyncio.gather(*self._there, return_exceptions=True)

    def stop(self) -> None:
        """End the flow; may be called from any thread, also before it has begun."""
        if self._loop is None:
            self._stopped.set()
        else:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stopped.set)

    def arrive(self, channel: str) -> asyncio.Task[None]:
        """One customer comes now, by this channel."""
        patron = self._someone()
        story = matter(channel, patron, self._chance)
        visit = Visit(self._settings, patron, story, self._chance, self._hurry, self._impatience)
        task = asyncio.get_running_loop().create_task(self._attend(channel, visit))
        self._there.add(task)
        task.add_done_callback(self._there.discard)
        return task

    def summary(self) -> str:
        """One line: how many came, by which channel, and how it ended for them."""
        channels = ", ".join(f"{channel} {self.came[channel]}" for channel in SHARES)
        gave_up = f"; {self.outcomes['gave_up']} gave up waiting" if self.outcomes["gave_up"] else ""
        failed = f"; {self.failed} could not get in" if self.failed else ""
        return f"{self.came.total()} contacts: {channels}{gave_up}{failed}."

    async def _attend(self, channel: str, visit: Visit) -> None:
        self.came[channel] += 1
        try:
            self.outcomes[await WAYS[channel](visit)] += 1
        except asyncio.CancelledError:
            self.outcomes["left"] += 1
            raise
        except Exception as error:  # noqa: BLE001 - a door may fail in many ways, and the next customer comes all the same
            self.came[channel] -= 1
            self.failed += 1
            log.warning("a customer could not get in by %s: %s", channel, error)

    def _someone(self) -> Patron:
        patron = self._chance.choice(patrons())
        if self._chance.random() > STRANGER:
            return patron
        number = self._chance.randrange(1000)
        return Patron(patron.name, "standard", patron.locale, f"+44770090{number:04d}", f"guest{number}@visitor.example")


@dataclass(frozen=True)
class SwitchState:
    """What the try page shows of the traffic; `ends_at` is None while it is off."""

    on: bool
    rate_per_h: float
    ends_at: datetime | None
    came: dict[str, int]
    failed: int


class TrafficSwitch:
    """Traffic inside the running desk, in a thread of its own. It switches itself off after half an hour."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._traffic = Traffic(settings, 30)
        self._rate = 30.0
        self._ends_at: datetime | None = None

    def start(self, rate_per_h: float) -> None:
        """Switch it on, or on at another rate."""
        self.stop()
        with self._lock:
            self._rate = min(max(rate_per_h, 1.0), MOST_PER_HOUR)
            self._traffic = Traffic(self._settings, self._rate)
            self._ends_at = self._clock.now() + SWITCHED_ON_FOR
            self._thread = threading.Thread(target=_flow, args=(self._traffic,), name="demo traffic", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Switch it off; whoever is there says goodbye. Off already is fine."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._traffic.stop()
        if thread is not None:
            thread.join(timeout=10)

    def state(self) -> SwitchState:
        with self._lock:
            on = self._thread is not None and self._thread.is_alive()
            ends_at = self._ends_at if on else None
            return SwitchState(on, self._rate, ends_at, dict(self._traffic.came), self._traffic.failed)


def _flow(traffic: Traffic) -> None:
    asyncio.run(traffic.flow(SWITCHED_ON_FOR.total_seconds()))
