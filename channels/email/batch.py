"""Group commit: while one batch of mails is being stored the next one gathers, so that many mails cost one commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

log = logging.getLogger(__name__)

LONE_FAILURES = 3


@dataclass(frozen=True)
class Envelope:
    """A mail as SMTP delivered it. `mail_from` is empty for `<>`; `received_at` is in UTC.

    `peer` is the sender's IP address, `helo` the name by which it greeted us.
    """

    mail_from: str
    rcpt_tos: tuple[str, ...]
    data: bytes
    peer: str
    received_at: datetime
    helo: str = ""


@dataclass(frozen=True)
class Reply:
    """An SMTP answer. 250 promises that the mail is stored; a text may begin with an enhanced code such as `2.0.0`."""

    code: int
    text: str


TRY_LATER = Reply(451, "4.3.0 Mail could not be stored, please try again later")
Accept = Callable[[Sequence[Envelope]], Sequence[Reply]]
Answers = list[tuple[Any, Reply]]  # each for a future, of threads or of an event loop


def settle(answers: Answers) -> None:
    """Give each future its reply. Who hung up does not wait for one; his mail is stored and known again when he retries."""
    for future, reply in answers:
        if not future.done():
            future.set_result(reply)


class GroupCommit:
    """Runs `accept` on one real thread with all envelopes that came in meanwhile.

    When a batch fails each envelope is tried alone, so that one poisonous mail cannot refuse its neighbours; after three
    failures in a row the rest is answered 451 at once, since then the store is away and not a mail at fault. `answer` is called
    once for a batch, on that thread: to wake an event loop costs as much for one reply as for many.
    """

    def __init__(self, accept: Accept, *, largest: int = 64, answer: Callable[[Answers], None] = settle) -> None:
        self._accept = accept
        self._hand_back = answer
        self._largest = largest
        self._waiting: SimpleQueue[tuple[Envelope, Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="mail-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def submit(self, envelope: Envelope, future: Any = None) -> Any:
        """Queue one mail; the future (one of its own when none is given) always gets a reply, never an exception."""
        future = future or Future()
        self._waiting.put((envelope, future))
        return future

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = []
            item = self._waiting.get()
            while item is not None:
                batch.append(item)
                if len(batch) >= self._largest:
                    break
                try:
                    item = self._waiting.get_nowait()
                except Empty:
                    break
            stopping = item is None
            if batch:
                self._answer(batch)

    def _answer(self, batch: list[tuple[Envelope, Any]]) -> None:
        replies = self._replies([envelope for envelope, _ in batch])
        self._hand_back([(future, reply) for (_, future), reply in zip(batch, replies, strict=True)])

    def _replies(self, envelopes: list[Envelope]) -> list[Reply]:
        together = self._try(envelopes)
        if together is not None:
            return together
        if len(envelopes) == 1:
            return [TRY_LATER]
        replies: list[Reply] = []
        failures = 0
        for envelope in envelopes:
            alone = self._try([envelope]) if failures < LONE_FAILURES else None
            failures = 0 if alone else failures + 1
            replies += alone or [TRY_LATER]
        return replies

    def _try(self, envelopes: list[Envelope]) -> list[Reply] | None:
        try:
            replies = list(self._accept(envelopes))
        except Exception:
            log.exception("accepting %d mails failed", len(envelopes))
            return None
        if len(replies) != len(envelopes):
            log.error("accept answered %d of %d mails", len(replies), len(envelopes))
            return None
        return replies
