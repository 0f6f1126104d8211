"""Counts of what may not be done too often: in Redis for all processes, in memory for one, and while Redis does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from limits.storage import MemoryStorage, MovingWindowSupport, RedisStorage, Storage
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

WAIT_S = 1.0


def open_counts(redis_url: str) -> Storage:
    """Where to count; without an address in memory."""
    if not redis_url:
        return CountsHere()
    return Counts(RedisStorage(redis_url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S))


class CountsHere(MemoryStorage):
    """Counts of this process, by one thread at a time: two that count at once would both start the library's clean-up, once."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counting = threading.Lock()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._counting:
            return super().incr(key, expiry, amount)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self._counting:
            return super().acquire_entry(key, limit, expiry, amount)


class Counts(Storage, MovingWindowSupport):
    """Redis's counts; what it does not answer is counted here alone, which lets through too much rather than nobody."""

    STORAGE_SCHEME = None

    def __init__(self, shared: RedisStorage) -> None:
        super().__init__()
        self._shared, self._own = shared, CountsHere()

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._ask(lambda storage: storage.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        return self._ask(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        return self._ask(lambda storage: storage.get_expiry(key))

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._ask(lambda storage: storage.acquire_entry(key, limit, expiry, amount))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._ask(lambda storage: storage.get_moving_window(key, limit, expiry))

    def check(self) -> bool:
        return self._shared.check()

    def reset(self) -> int | None:
        return self._ask(lambda storage: storage.reset())

    def clear(self, key: str) -> None:
        self._ask(lambda storage: storage.clear(key))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            return question(self._shared)
        except RedisError as error:
            log.warning("Redis does not count (%s); this process counts alone", error)
            return question(self._own)
