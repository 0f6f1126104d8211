"""What this process has counted since it began, for Prometheus: requests, offers, how soon it hears of what others commit.

Each process tells its own and is asked by itself; whoever wants the desk's adds them up. What is counted of commits is counted by
the process that made them, so nothing is counted twice. What all processes can read is read when asked
(`queries/board/vital_signs.py`).
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from desk import logs
from desk.clock import Clock
from desk.events import Event

log = logging.getLogger(__name__)

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PATIENT = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
REMEMBERED = 20_000  # moments that an answer or an offer may still refer to
ANSWERED = {"offer.accepted": "accepted", "offer.rejected": "rejected", "offer.timed_out": "timed_out"}
OUTCOMES = {"offer.made": "made", **ANSWERED, "offer.rescinded": "rescinded"}


class Figures:
    """The counters of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queued: OrderedDict[int, datetime] = OrderedDict()  # item id -> since when it waits
        self._offered: OrderedDict[int, datetime] = OrderedDict()  # offer id -> when it was made
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Histogram(
            "desk_request_seconds",
            "From the door to the answer, by route.",
            ("method", "route", "class"),
            buckets=QUICK,
            registry=registry,
        )
        self.turn_wait = Histogram(
            "desk_turn_wait_seconds", "How long requests waited for their turn to be computed.", buckets=QUICK, registry=registry
        )
        self.offers = Counter("desk_offers", "Offers by what became of them.", ("outcome",), registry=registry)
        self.offered_after = Histogram(
            "desk_offered_after_seconds", "From queued to first offered.", buckets=PATIENT, registry=registry
        )
        self.answered_after = Histogram(
            "desk_offer_answer_seconds", "From offered to the agent's answer.", ("outcome",), buckets=PATIENT, registry=registry
        )
        self.feed_lag = Histogram(
            "desk_feed_lag_seconds", "From another process's commit to here.", buckets=QUICK, registry=registry
        )
        self.sockets = Gauge("desk_sockets", "Open screens of this process.", ("namespace",), registry=registry)
        self.parts = Gauge("desk_part_healthy", "1 while a background part does its work.", ("part",), registry=registry)

    def count_sockets(self, namespace: str, look: Callable[[], float]) -> None:
        """Ask `look` for the number whenever it is wanted."""
        self.sockets.labels(namespace).set_function(look)

    def count_ours(self, events: Sequence[Event]) -> None:
        """What this process has committed itself; a JSON log has a line that ties it to the request."""
        if logs.doing.get():
            about = {"events": [event.id for event in events], "kinds": sorted({each.kind for each in events})}
            log.debug("committed", extra=about)
        self._note(events, ours=True)

    def heard(self, events: Sequence[Event]) -> None:
        """What others have committed, read a moment after."""
        now = self._clock.now()
        for event in events:
            self.feed_lag.observe(max(0.0, (now - event.at).total_seconds()))
        self._note(events, ours=False)

    def show_parts(self, health: Iterable[tuple[str, bool]]) -> None:
        """Which background parts live, as of now."""
        for name, healthy in health:
            self.parts.labels(name).set(int(healthy))

    def _note(self, events: Sequence[Event], *, ours: bool) -> None:
        with self._lock:
            for event in events:
                if event.kind == "item.queued" and event.item_id is not None:
                    _remember(self._queued, event.item_id, event.at)
                elif event.kind in OUTCOMES:
                    self._note_offer(event, ours=ours)

    def _note_offer(self, event: Event, *, ours: bool) -> None:
        offer_id, outcome = event.data.get("offer"), OUTCOMES[event.kind]
        if ours:
            self.offers.labels(outcome).inc()
        if event.kind == "offer.made":
            _remember(self._offered, offer_id, event.at)
            since = self._queued.pop(event.item_id, None)
            if ours and since is not None:
                self.offered_after.observe(max(0.0, (event.at - since).total_seconds()))
            return
        since = self._offered.pop(offer_id, None)
        if ours and since is not None and event.kind in ANSWERED:
            self.answered_after.labels(outcome).observe(max(0.0, (event.at - since).total_seconds()))


def _remember(moments: OrderedDict[int, datetime], key: int, at: datetime) -> None:
    moments[key] = at
    if len(moments) > REMEMBERED:
        moments.popitem(last=False)
