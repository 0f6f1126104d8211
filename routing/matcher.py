"""The matcher: waiting items and agents go in, decisions come out, in rank order, by event and never by polling.

The database is the truth and this an index of it: `put_item` and `put_agent` say how a row is now. After a decision the caller
puts the agent again, and drops the item (claimed) or puts it again (claim lost, refused, timed out); until then the agent
holds it here.

What it promises to an item i that came at t, with D the target of i less the shortest target that competes with it:

G1  Nothing that came after t + D is offered before i to an agent who can take i. Deferred work counts from its promotion.
    Excepted are work that a person or a step has raised to a higher band, holds for the customer's own agent, and cool-offs:
    all of them are bounded, and told in the reason of the decision.
G2  So i is overtaken at most by what has a shorter target and came in (t, t + D].
G3  If one agent who can take i stays at work and is done with each item within H seconds, i waits at most D + (A + 1) H, where A
    counts the smaller keys open to him at t + D. This needs no assumption about the load: nobody starves in overload.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from routing.able import cool_off_s
from routing.choice import MODES
from routing.index import Index, Seat
from routing.invariants import check_index
from routing.kinds import Record
from routing.reasons import Telling, explain
from routing.values import CHANNEL_RULES, Agent, ChannelRule, Decision, Explanation, Item, RankKey, channel_of


class Matcher:
    """Decides which waiting item goes to which agent. Not thread-safe: one owner calls it."""

    def __init__(self, rules: Mapping[str, ChannelRule] = CHANNEL_RULES) -> None:
        self._index = Index(rules)

    def put_item(self, item: Item) -> None:
        """The item waits, as described. Raises ValueError, and changes nothing, for an unknown channel or choice."""
        if item.channel not in self._index.rules:
            raise ValueError(f"no rule for channel {item.channel!r} of item {item.id}")
        if item.choice not in MODES:
            raise ValueError(f"unknown way to choose {item.choice!r} of item {item.id}")
        self._index.put_item(item)

    def drop_item(self, item_id: int) -> None:
        """The item waits no longer. Unknown ids are fine."""
        self._index.drop_item(item_id)

    def put_agent(self, agent: Agent) -> None:
        """The agent is as described. Raises ValueError, and changes nothing, if he holds work of an unknown channel."""
        if agent.held:
            unknown = sorted(set(map(channel_of, agent.held.values())).difference(self._index.rules))
            if unknown:
                raise ValueError(f"no rule for channel {unknown[0]!r} held by agent {agent.id}")
        self._index.put_agent(agent)

    def drop_agent(self, agent_id: int) -> None:
        """The agent is gone. Unknown ids are fine."""
        self._index.drop_agent(agent_id)

    def put_rules(self, rules: Mapping[str, ChannelRule]) -> None:
        """Weights and maxima are as given from now on; what is held stays held, and is counted anew.

        Raises ValueError, and changes nothing, if a channel is left out of which work waits or is held.
        """
        missing = sorted(self._index.channels().difference(rules))
        if missing:
            raise ValueError(f"no rule for channel {missing[0]!r}, of which there is work")
        self._index.put_rules(rules)

    def decide(self, now: float) -> list[Decision]:
        """Match until nothing more fits, in rank order, looking only at what changed since the last call.

        An agent who takes work can only lose room, so one pass from the smallest key up is a fixpoint.
        """
        index = self._index
        index.pass_time(now)
        items, seats = index.changed_items, index.changed_seats
        if not items and len(seats) <= 1:
            return self._feed(index.seats[seats.pop()], index.now) if seats else []
        now = index.now
        work: list[tuple[RankKey, int | None]] = [(index.records[item_id].key, None) for item_id in items]
        for agent_id in seats:
            seat = index.seats[agent_id]
            index.publish(seat)
            best = index.best_item(seat, now)
            if best is not None:
                work.append((best.key, agent_id))
        items.clear()
        seats.clear()
        return self._work_off(work, now)

    def next_change_at(self) -> float | None:
        """When to call `decide` again even if nothing is put: a promotion, a step, or the end of a cool-off or of a hold."""
        return self._index.next_timer()

    def waiting(self, channel: str | None = None) -> tuple[Item, ...]:
        """The waiting items, of one channel or of all, in the order they will be served."""
        records = [
            record
            for record in self._index.records.values()
            if record.line is not None and channel in (None, record.item.channel)
        ]
        return tuple(record.item for record in sorted(records, key=lambda record: record.key))

    def position(self, item_id: int) -> int | None:
        """The item's place, from 1, among waiting items of its channel and requirement; None if it does not wait."""
        record = self._index.records.get(item_id)
        if record is None or record.line is None:
            return None
        return 1 + sum(1 for other in self._index.kin(record) if other.key < record.key)

    def cool_off_s(self, item_id: int, agent_id: int) -> float:
        """How long to exclude the agent who gave the item back: shorter if nobody else could take it.

        See `able.cool_off_s`. Raises KeyError if the item is unknown.
        """
        index = self._index
        agents = (seat.agent for seat in index.seats.values())
        return cool_off_s(index.records[item_id].item, agent_id, agents, index.now)

    def explain(self, item_id: int, now: float) -> Explanation:
        """Why the item waits and what each agent lacks, able ones first in the order of choice. Raises KeyError if unknown."""
        return explain(self._index, self._index.records[item_id], max(now, self._index.now))

    def check(self, now: float) -> None:
        """Assert the invariants by looking at everything. For tests: the cost is items times agents."""
        check_index(self._index, now)

    def _feed(self, seat: Seat, now: float) -> list[Decision]:
        """Give the only agent who changed what he can take. Nobody else could take any of it, or it would not have waited."""
        index = self._index
        telling = None
        decisions = []
        while seat.footing.room:
            record = index.best_item(seat, now)
            if record is None:
                index.publish(seat)
                break
            telling = telling or Telling(index)
            decisions.append(self._give(record, seat, telling))
        return decisions

    def _work_off(self, work: list[tuple[RankKey, int | None]], now: float) -> list[Decision]:
        """Decide in rank order. `work` pairs the key of an item with an agent who could take it, or with None: the item changed.

        An agent's best item may be gone when his turn comes; he then goes back into the heap under his next best.
        """
        index = self._index
        heap = [(key, turn, agent_id) for turn, (key, agent_id) in enumerate(work)]
        heapq.heapify(heap)
        telling = Telling(index)
        decisions: list[Decision] = []
        while heap:
            key, turn, agent_id = heapq.heappop(heap)
            record = index.records[key[2]]
            if record.line is not None:
                seat = index.best_seat(record, now)
                if seat is not None:
                    decisions.append(self._give(record, seat, telling))
                    index.publish(seat)
            if agent_id is not None:
                following = index.best_item(index.seats[agent_id], now)
                if following is not None:
                    heapq.heappush(heap, (following.key, turn, agent_id))
        return decisions

    def _give(self, record: Record, seat: Seat, telling: Telling) -> Decision:
        decision = Decision(record.key[2], seat.agent.id, telling.of(record, seat))
        self._index.take(record, seat)
        return decision
