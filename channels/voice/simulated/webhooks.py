"""How the simulated carrier calls the application: signed form posts over real HTTP, with the faults of a network on request."""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator

from channels.voice.simulated.faults import Faults
from channels.voice.simulated.http import Form, Reply, get_file, post_form
from channels.voice.simulated.loop import Loop

log = logging.getLogger(__name__)

# How long a held-back webhook waits for another one to overtake it.
_OVERTAKE_S = 1.0
# How often a request for instructions is tried again while the carrier is out of order.
_OUTAGE_S = 1.0

_AGENT = "TwilioProxy/1.1 (simulated)"
# Answer times kept for each path.
_MEASURED = 50_000


class Answered(NamedTuple):
    """An answer of the application's: when it was asked (`time.monotonic`), and how long it took. Both in seconds."""

    asked_at: float
    took_s: float


class AnswerTimes:
    """When the application was asked and how long it took to answer, by path; the latest of them only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._took: dict[str, deque[Answered]] = {}

    @contextmanager
    def measured(self, url: str) -> Iterator[None]:
        before = time.monotonic()
        yield
        answered = Answered(before, time.monotonic() - before)
        with self._lock:
            self._took.setdefault(urlsplit(url).path, deque(maxlen=_MEASURED)).append(answered)

    def taken(self) -> dict[str, list[Answered]]:
        """All that is known, by path."""
        with self._lock:
            return {path: list(took) for path, took in self._took.items()}

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._took.clear()


Post = Callable[[str, Form, Mapping[str, str]], Reply]


@dataclass
class _Lane:
    """Webhooks about one call or room, sent one after another so that only a fault we were asked for can reorder them."""

    waiting: deque[tuple[str, Form]] = field(default_factory=deque)
    held: tuple[str, Form] | None = None
    busy: bool = False


class Webhooks:
    """Signs and sends. All methods are called on the loop's thread, except that `faults` may be set by anybody at any time."""

    def __init__(
        self,
        loop: Loop,
        *,
        auth_token: str,
        post: Post | None = None,
        faults: Faults | None = None,
        seed: int | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.answer_times = AnswerTimes()
        self._loop = loop
        self._validator = RequestValidator(auth_token)
        self._post = post or post_form
        self._random = random.Random(seed)
        self._lanes: dict[str, _Lane] = {}

    def ask(self, url: str, form: Form, then: Callable[[Reply], None]) -> None:
        """Request instructions. A duplicate is the retry of a request whose first answer was lost: the last answer counts."""
        if self.faults.outage:
            self._loop.after(_OUTAGE_S, lambda: self.ask(url, form, then))
            return
        headers = self._headers(url, form)
        times = 2 if self._chance(self.faults.duplicate) else 1
        self._after_latency(lambda: self._loop.outside(lambda: self._send(url, form, headers, times), then))

    def tell(self, lane: str, url: str, form: Form) -> None:
        """Report something; the answer does not matter. Reports of one lane keep their order unless the reorder fault strikes."""
        if self.faults.outage or self._chance(self.faults.loss):
            return
        self._lanes.setdefault(lane, _Lane()).waiting.append((url, form))
        self._next(lane)

    def get(self, url: str) -> tuple[str, bytes]:
        """Fetch a file of the application's, signed like everything else: its content type and content. Raises OSError."""
        signature = self._validator.compute_signature(url, {})
        return get_file(url, {"User-Agent": _AGENT, "X-Twilio-Signature": signature})

    def _next(self, name: str) -> None:
        lane = self._lanes[name]
        if lane.busy:
            return
        if not lane.waiting:
            if lane.held is None:
                del self._lanes[name]
            return
        webhook = lane.waiting.popleft()
        if lane.held is None and self._chance(self.faults.reorder):
            lane.held = webhook
            self._loop.after(_OVERTAKE_S, lambda: self._release(name, webhook))
            self._next(name)
            return
        if lane.held is not None:
            lane.waiting.appendleft(lane.held)
            lane.held = None
            self._depart(name, lane, webhook)
            return
        self._depart(name, lane, webhook)

    def _release(self, name: str, webhook: tuple[str, Form]) -> None:
        """Nothing overtook the held-back webhook in time: send it after all."""
        lane = self._lanes.get(name)
        if lane is not None and lane.held is webhook:
            lane.held = None
            if lane.busy:
                lane.waiting.appendleft(webhook)
            else:
                self._depart(name, lane, webhook)

    def _depart(self, name: str, lane: _Lane, webhook: tuple[str, Form]) -> None:
        url, form = webhook
        headers = self._headers(url, form)
        times = 2 if self._chance(self.faults.duplicate) else 1
        lane.busy = True

        def arrived(reply: Reply) -> None:
            if not reply.ok:
                log.warning("The application answered %s to a status callback at %s.", reply.status, url)
            lane.busy = False
            self._next(name)

        self._after_latency(lambda: self._loop.outside(lambda: self._send(url, form, headers, times), arrived))

    def _send(self, url: str, form: Form, headers: Mapping[str, str], times: int) -> Reply:
        reply = Reply(0, "")
        for _ in range(times):
            reply = self._send_once(url, form, headers)
        return reply

    def _send_once(self, url: str, form: Form, headers: Mapping[str, str]) -> Reply:
        """Post, and once more when the connection failed; not when the application took too long. Never raises."""
        try:
            with self.answer_times.measured(url):
                return self._post(url, form, headers)
        except TimeoutError:
            return Reply(0, "no answer in time")
        except OSError:
            try:
                return self._post(url, form, headers)
            except OSError as error:
                return Reply(0, str(error))
        except Exception as error:
            log.exception("A webhook could not be posted to %s.", url)
            return Reply(0, str(error))

    def _headers(self, url: str, form: Form) -> dict[str, str]:
        return {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": _AGENT,
            "X-Twilio-Signature": self._validator.compute_signature(url, form),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }

    def _after_latency(self, run: Callable[[], None]) -> None:
        if self.faults.latency_s > 0:
            self._loop.after(self.faults.latency_s, run)
        else:
            run()

    def _chance(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance
