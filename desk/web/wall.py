"""Which pages a wallboard shows, and for how long each: said in its address, so that a link carries it too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request

from desk.models import Queue

USUAL_S, LEAST_S, MOST_S = 20, 5, 300


@dataclass(frozen=True)
class Turning:
    """Seconds for each page, 0 to turn by hand only; the queues that have a page of their own, after that of all."""

    every_s: int
    queues: list[Queue]

    @property
    def query(self) -> str:
        """As it is said in an address; empty where there is one page."""
        if not self.queues:
            return ""
        return "?" + urlencode([("every", self.every_s), *(("queue", queue.id) for queue in self.queues)])


def turning(queues: Iterable[Queue]) -> Turning:
    """What the address asks for, of these queues."""
    asked = request.args.get("every", type=int)
    wanted = set(request.args.getlist("queue", type=int))
    every_s = USUAL_S if asked is None else 0 if asked <= 0 else min(max(asked, LEAST_S), MOST_S)
    return Turning(every_s, [queue for queue in queues if queue.id in wanted and not queue.closed])
