"""Questions to the name system, short and remembered: mail is never kept waiting for long by somebody else's name server."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

import dns.exception
import dns.resolver

MOST_A_MAIL = 40
MOST_FAILURES_A_MAIL = 2
LONGEST_A_MAIL_S = 8.0
REST_S = 60.0  # how long nothing is asked after the name system did not answer several times running
FAILURES_BEFORE_REST = 5


class DnsAway(Exception):
    """The name system gave no answer; asking later may help."""


class Resolver(Protocol):
    """What the checks of a sender need from the name system. `DnsResolver` is the real one."""

    def find(self, name: str, kind: str) -> tuple[str, ...]:
        """The records of `kind` (TXT, A, AAAA, MX, PTR), none when there are none; MX gives hosts, best first. Raises DnsAway."""


class DnsResolver:
    """Asks the machine's name servers. `timeout` is in seconds for one question with all its repetitions."""

    def __init__(self, timeout: float = 2.0) -> None:
        self._timeout = timeout
        self._lock = Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._asker: dns.resolver.Resolver | None = None

    def find(self, name: str, kind: str) -> tuple[str, ...]:
        if time.monotonic() < self._rests_until:
            raise DnsAway("the name system did not answer a moment ago")
        try:
            found = self._read(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            found = ()
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            self._count_failure()
            raise DnsAway(f"no answer for {name}: {type(error).__name__}") from error
        self._failures = 0
        return found

    def _read(self, name: str, kind: str) -> tuple[str, ...]:
        answer = self._ready().resolve(name, kind, lifetime=self._timeout, search=False)
        if kind == "TXT":
            return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)
        if kind == "MX":
            return tuple(str(record.exchange).rstrip(".") for record in sorted(answer, key=lambda one: one.preference))
        return tuple(str(record).rstrip(".") for record in answer)

    def _ready(self) -> dns.resolver.Resolver:
        with self._lock:
            if self._asker is None:
                self._asker = dns.resolver.Resolver()
                self._asker.cache = dns.resolver.LRUCache(5000)
            return self._asker

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_REST:
            self._failures, self._rests_until = 0, time.monotonic() + REST_S


@dataclass
class Patience:
    """A resolver for one mail, which asks only so often and gives up when the name system fails again and again."""

    resolver: Resolver
    asked: int = 0
    failures: int = 0
    known: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def find(self, name: str, kind: str) -> tuple[str, ...]:
        key = (name.lower().rstrip("."), kind)
        if key in self.known:
            return self.known[key]
        late = time.monotonic() - self.began > LONGEST_A_MAIL_S
        if late or self.failures >= MOST_FAILURES_A_MAIL or self.asked >= MOST_A_MAIL:
            raise DnsAway("too many questions for one mail")
        self.asked += 1
        try:
            self.known[key] = self.resolver.find(*key)
        except DnsAway:
            self.failures += 1
            raise
        return self.known[key]
