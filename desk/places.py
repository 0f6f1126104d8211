"""Places to compute in: threads of a process compute in turns, so that many at once only keep one another waiting.

A thread that has a place gives it up while it waits for something else (the turn to write, the disk, a provider): see `left`.
What nobody waits for gives way to all who have or want a place: see `aside`. What one thread at a time may do is a `Turn`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

ASIDE_S = 0.5  # how long one block that gives way waits for another one to end


class Places:
    """So many places: first for whoever had one and comes back to it, then for what is urgent, then for the rest.

    Who has waited for `longest_s` computes all the same.
    """

    def __init__(self, count: int, longest_s: float) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._longest_s = longest_s
        self._back: deque[threading.Lock] = deque()
        self._urgent: deque[threading.Lock] = deque()
        self._rest: deque[threading.Lock] = deque()
        self._aside: deque[threading.Lock] = deque()
        self._one_aside = Turn()

    @contextmanager
    def aside(self, *, soon: bool) -> Iterator[None]:
        """Begin the block when a place would be free, and take none: whoever comes meanwhile need not wait for it to end.

        What is wanted `soon` is in line with the parts of pages. The rest comes after all others, and one block at a time unless
        one of them takes long.
        """
        alone = not soon and self._one_aside.take(ASIDE_S)
        try:
            self._wait(self._rest if soon else self._aside)
            self.leave()
            yield
        finally:
            if alone:
                self._one_aside.end()

    @contextmanager
    def taken(self, *, urgent: bool) -> Iterator[None]:
        """A place within the block."""
        self._wait(self._urgent if urgent else self._rest)
        _mine.places = self
        try:
            yield
        finally:
            _mine.places = None
            self.leave()

    def leave(self) -> None:
        with self._lock:
            self._free += 1
            if self._free <= 0:
                return
            for waiting in (self._back, self._urgent, self._rest, self._aside):
                if waiting:
                    self._free -= 1
                    waiting.popleft().release()
                    return

    def come_back(self, *, at_once: bool) -> None:
        if not at_once:
            self._wait(self._back)
            return
        with self._lock:
            self._free -= 1

    def _wait(self, waiting: deque[threading.Lock]) -> None:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            called = threading.Lock()
            called.acquire()
            waiting.append(called)
        if called.acquire(timeout=self._longest_s):
            return
        with self._lock:
            if called in waiting:  # else we were called at this very moment
                waiting.remove(called)
                self._free -= 1


class Turn:
    """What one thread has at a time, in the order in which they asked: nobody who comes later overtakes one who waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take_now(self) -> bool:
        """Take it, if it is free. Whether it was."""
        with self._lock:
            free = not self._taken
            self._taken = True
            return free

    def take(self, longest_s: float) -> bool:
        """Wait for it, so long at most. Whether it was got."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=longest_s):
            return True
        with self._lock:
            if called not in self._waiting:  # we were called at this very moment
                return True
            self._waiting.remove(called)
            return False

    def end(self) -> None:
        """It is the next one's, from now on."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Mine(threading.local):
    places: Places | None = None
    gives_way: Places | None = None
    soon = False


_mine = _Mine()


def give_way(places: Places, *, soon: bool = False) -> None:
    """From now on this thread computes beside those who have places: what it does in `aside` begins when one is free."""
    _mine.gives_way, _mine.soon = places, soon


@contextmanager
def aside() -> Iterator[None]:
    """A block of work that gives way to others, if this thread is one that does. Within it there is no other."""
    places, _mine.gives_way = _mine.gives_way, None
    if places is None:
        yield
        return
    try:
        with places.aside(soon=_mine.soon):
            yield
    finally:
        _mine.gives_way = places


@contextmanager
def left(*, at_once: bool = False) -> Iterator[None]:
    """Within the block this thread waits and does not compute: its place is another's, if it has one.

    After it the thread has a place again, the next that gets free; or goes on `at_once`, as others wait for what it got.
    """
    places = _mine.places
    if places is None:
        yield
        return
    places.leave()
    try:
        yield
    finally:
        places.come_back(at_once=at_once)


class Elsewhere:
    """Something in front of a provider whose answers are waited for: nobody keeps a place meanwhile."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        return _waiting(found) if callable(found) else found


def _waiting(ask: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ask)
    def asked(*args: Any, **options: Any) -> Any:
        with left():
            return ask(*args, **options)

    return asked
