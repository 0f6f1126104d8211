"""How much one client may take of the door: connections at a time, mails a minute, mistakes. Counted by its network address."""

from __future__ import annotations

import ipaddress
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

MINUTE_S = 60.0
MOST_KNOWN = 10_000  # addresses that are remembered; a flood from more than these is held up by the limit on all connections


@dataclass(frozen=True)
class Limits:
    """For each client. Our own machine is not limited: what stands before us is there."""

    connections: int = 20
    mails_per_minute: int = 300
    errors: int = 20  # answers of 5xx in one connection


class Clients:
    """Who is connected and how much they brought in the last minute. Used by one thread; `now` is monotonic, in seconds."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self.limits = limits
        self._now = now
        self._connected: Counter[str] = Counter()
        self._mails: dict[str, deque[float]] = {}

    def come(self, peer: str) -> bool:
        """Somebody connects; False when they have enough connections already. Each `come` needs one `go`."""
        client = network_of(peer)
        self._connected[client] += 1
        return not client or self._connected[client] <= self.limits.connections

    def go(self, peer: str) -> None:
        """A connection has ended."""
        client = network_of(peer)
        self._connected[client] -= 1
        if self._connected[client] <= 0:
            del self._connected[client]

    def may_send(self, peer: str) -> bool:
        """Whether one more mail is welcome; counts it when it is."""
        client = network_of(peer)
        if not client:
            return True
        now = self._now()
        if client not in self._mails and len(self._mails) >= MOST_KNOWN:
            self._mails = {each: times for each, times in self._mails.items() if now - times[-1] < MINUTE_S}
        times = self._mails.setdefault(client, deque(maxlen=self.limits.mails_per_minute))
        if len(times) == times.maxlen and now - times[0] < MINUTE_S:
            return False
        times.append(now)
        return True


def network_of(peer: str) -> str:
    """The address, or the network of 64 bits that one IPv6 customer has; empty for our own machine and for none."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""
    if address.is_loopback:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
