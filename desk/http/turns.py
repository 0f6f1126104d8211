"""Who is served first where one process does everything: whoever waits on the line before whoever looks at a page.

All threads of a process compute in turns. A page that is fetched again after a hint may come a moment later; what a caller hears
next, and what somebody has pressed, may not, and a transaction that writes keeps everybody waiting who would write after it.
So pages are made few at a time, and begin when nothing urgent is under way, or soon in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

PLACES = 2  # pages made at the same time
PATIENCE_S = 0.2  # how long a page that has its place gives way
LONGEST_S = 5.0  # a page that waits so long for its place is made all the same
# Files; what the carrier fetches for a caller; mails, whose pictures we fetch from elsewhere, and slowly; signs of life.
UNTOUCHED = ("/static/", "/socket.io/", "/hooks/", "/desk/files/", "/desk/messages/", "/desk/recordings/", "/healthz", "/readyz")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turns:
    """WSGI middleware. What streams has its turn only until it begins to answer."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self._changed = threading.Condition()
        self._urgent = 0
        self._places = threading.BoundedSemaphore(PLACES)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(UNTOUCHED):
            return self._app(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._at_once(environ, start_response)
        return self._in_turn(environ, start_response)

    def _at_once(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._changed:
            self._urgent += 1
        try:
            return self._app(environ, start_response)
        finally:
            with self._changed:
                self._urgent -= 1
                if not self._urgent:
                    self._changed.notify_all()

    def _in_turn(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        placed = self._places.acquire(timeout=LONGEST_S)
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._urgent, timeout=PATIENCE_S)
            return self._app(environ, start_response)
        finally:
            if placed:
                self._places.release()
