"""Who is served first where one process does everything: whoever waits on the line before whoever looks at a page.

All threads of a process compute in turns. A page that is fetched again after a hint may come a moment later; what a caller hears
next, and what an agent on the phone has pressed, may not. A transaction that writes keeps everybody waiting who would write after
it, and takes several times as long when others compute beside it. So what callers and agents on the phone wait for, and the parts
of pages, is made one at a time, in that order (`desk.places`); whole pages, some of which take long, are made few at a time, and
begin when nothing urgent is under way, or soon in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from desk.places import Places
from desk.store import LONGEST_S

ON_THE_LINE = ("/hooks/twilio/voice/", "/desk/calls/", "/desk/offers/", "/desk/presence")
PLACES = 2  # pages made at the same time
PATIENCE_S = 0.2  # how long a page that has its place gives way
SHORT = 64 * 1024  # bytes of a form that is read before its place is taken: it may come slowly
# Files; what the carrier fetches for a caller; mails, whose pictures we fetch from elsewhere, and slowly; signs of life.
UNTOUCHED = ("/static/", "/socket.io/", "/hooks/", "/desk/files/", "/desk/messages/", "/desk/recordings/", "/healthz", "/readyz")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turns:
    """WSGI middleware. What streams has its turn only until it begins to answer."""

    def __init__(self, app: Wsgi, lines: Places) -> None:
        self._app = app
        self._changed = threading.Condition()
        self._urgent = 0
        self._places = threading.BoundedSemaphore(PLACES)
        self._lines = lines

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, looks = environ["PATH_INFO"], environ["REQUEST_METHOD"] in ("GET", "HEAD")
        if not looks and path.startswith(ON_THE_LINE) and _is_there(environ):
            with self._urgently(), self._lines.taken(urgent=True):
                return self._app(environ, start_response)
        if path.startswith(UNTOUCHED):
            return self._app(environ, start_response)
        if not looks:
            with self._urgently():
                return self._app(environ, start_response)
        if environ.get("HTTP_X_FRAGMENT") == "1":
            with self._lines.taken(urgent=False):
                return self._app(environ, start_response)
        return self._in_turn(environ, start_response)

    @contextmanager
    def _urgently(self) -> Iterator[None]:
        with self._changed:
            self._urgent += 1
        try:
            yield
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


def _is_there(environ: dict[str, Any]) -> bool:
    """Whether all that was sent is here, read now if it is short."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > SHORT or environ.get("HTTP_TRANSFER_ENCODING"):
        return False
    if int(length):
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
    return True
