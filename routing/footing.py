"""How agents stand: what they carry and what they still have room for, worked out once for all who carry the same.

There are few ways to stand (a capacity, and how many items of each channel), so taking or ending work is one look-up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from routing.able import capacity_failure
from routing.values import ChannelRule, Load, load_of

MOST_KEPT = 10_000
"""Ways to stand that are remembered; beyond that all are forgotten and worked out again as needed."""


class Footing:
    """One way to stand: the `channels` of everything held, sorted, their `load`, and the channels with `room` for one more."""

    __slots__ = ("capacity", "channels", "load", "more", "room")

    def __init__(self, capacity: int, channels: tuple[str, ...], rules: Mapping[str, ChannelRule]) -> None:
        self.capacity = capacity
        self.channels = channels
        self.load: Load = load_of(dict(enumerate(channels)), rules)
        self.room = frozenset(channel for channel in rules if capacity_failure(channel, capacity, self.load, rules) is None)
        self.more: dict[str, Footing] = {}  # by the channel of one more item; see `Footings.beside`


class Footings:
    """Every footing met so far under one set of channel rules."""

    def __init__(self, rules: Mapping[str, ChannelRule]) -> None:
        self._rules = rules
        self._known: dict[tuple[int, tuple[str, ...]], Footing] = {}

    def of(self, capacity: int, channels: Collection[str]) -> Footing:
        """How somebody of this capacity stands who holds one item of each of `channels`. KeyError for an unknown channel."""
        key = (capacity, tuple(sorted(channels)) if channels else ())
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            found = self._known[key] = Footing(*key, self._rules)
        return found

    def beside(self, footing: Footing, channel: str) -> Footing:
        """The same with one more item of the channel."""
        found = footing.more.get(channel)
        if found is None:
            found = footing.more[channel] = self.of(footing.capacity, (*footing.channels, channel))
        return found
