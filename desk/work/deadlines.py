"""When open offers run out, kept on monotonic time: no change of the wall clock makes them run out, or keeps them from it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Standing:
    """An open offer to an agent, its deadline as it is stored, and `at`, the same moment on the monotonic clock."""

    offer_id: int
    agent_id: int
    deadline: datetime
    at: float


class Deadlines:
    """The open offers by agent."""

    def __init__(self) -> None:
        self._offers: dict[int, Standing] = {}
        self._of: dict[int, set[int]] = {}
        self._heap: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._offers)

    def put(self, agent_id: int, offers: Iterable[tuple[int, datetime]], now: datetime, monotonic: float) -> None:
        """These, as (offer, deadline), are all the open offers to the agent. One that is known already keeps its moment."""
        known = {offer_id: self._offers.pop(offer_id) for offer_id in self._of.pop(agent_id, ())}
        for offer_id, deadline in offers:
            old = known.get(offer_id)
            at = old.at if old and old.deadline == deadline else monotonic + (deadline - now).total_seconds()
            self._add(Standing(offer_id, agent_id, deadline, at))

    def add(self, agent_id: int, offer_id: int, deadline: datetime, at: float) -> None:
        """One more offer has been made to the agent."""
        self._add(Standing(offer_id, agent_id, deadline, at))

    def keep(self, agent_ids: Collection[int]) -> None:
        """There are no other agents than these."""
        for agent_id in self._of.keys() - set(agent_ids):
            for offer_id in self._of.pop(agent_id):
                del self._offers[offer_id]

    def drop(self, offer_id: int) -> None:
        """The offer is open no longer. Unknown ones are fine."""
        standing = self._offers.pop(offer_id, None)
        if standing is not None:
            self._of[standing.agent_id].discard(offer_id)

    def shift(self, seconds: float) -> None:
        """Every deadline has been stored anew, so much later; each still comes when it would have come."""
        for offer in self._offers.values():
            moved = offer.deadline + timedelta(seconds=seconds)
            self._offers[offer.offer_id] = Standing(offer.offer_id, offer.agent_id, moved, offer.at)

    def due(self, monotonic: float) -> list[int]:
        """The offers whose time is over, the earliest first."""
        first = self.next_at()
        if first is None or first > monotonic:
            return []
        return [
            offer_id for at, offer_id in sorted((offer.at, offer.offer_id) for offer in self._offers.values()) if at <= monotonic
        ]

    def next_at(self) -> float | None:
        """When the first offer runs out."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _add(self, offer: Standing) -> None:
        self._offers[offer.offer_id] = offer
        self._of.setdefault(offer.agent_id, set()).add(offer.offer_id)
        heapq.heappush(self._heap, (offer.at, offer.offer_id))

    def _is_current(self, entry: tuple[float, int]) -> bool:
        offer = self._offers.get(entry[1])
        return offer is not None and offer.at == entry[0]
