"""The matcher: waiting items and agents go in, decisions come out, in rank order, by event and never by polling.

The database is the truth and this an index of it: `put_item` and `put_agent` say how a row is now. After a decision the caller
puts the agent again, and drops the item (claimed) or puts it again (claim lost, refused, timed out); until then the agent
holds it here.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from routing.able import failure, person_failure
from routing.choice import MODES, figures
from routing.index import Index, Record, Seat
from routing.invariants import check_index
from routing.values import CHANNEL_RULES, Agent, Candidate, ChannelRule, Decision, Explanation, Item, RankKey

COOL_OFF_S, LONE_COOL_OFF_S = 60.0, 10.0
"""How long an agent who refused an item or let it ring is not offered it again; shorter when nobody else could take it."""


class Matcher:
    """Decides which waiting item goes to which agent. Not thread-safe: one owner calls it."""

    def __init__(self, rules: Mapping[str, ChannelRule] = CHANNEL_RULES) -> None:
        self._rules = rules
        self._index = Index(rules)

    def put_item(self, item: Item) -> None:
        """The item waits, as described. Raises ValueError, and changes nothing, for an unknown channel or choice."""
        if item.channel not in self._rules:
            raise ValueError(f"no rule for channel {item.channel!r} of item {item.id}")
        if item.choice not in MODES:
            raise ValueError(f"unknown way to choose {item.choice!r} of item {item.id}")
        self._index.put_item(item)

    def drop_item(self, item_id: int) -> None:
        """The item waits no longer. Unknown ids are fine."""
        self._index.drop_item(item_id)

    def put_agent(self, agent: Agent) -> None:
        """The agent is as described. Raises ValueError, and changes nothing, if he holds work of an unknown channel."""
        unknown = sorted(set(agent.held.values()) - set(self._rules))
        if unknown:
            raise ValueError(f"no rule for channel {unknown[0]!r} held by agent {agent.id}")
        self._index.put_agent(agent)

    def drop_agent(self, agent_id: int) -> None:
        """The agent is gone. Unknown ids are fine."""
        self._index.drop_agent(agent_id)

    def decide(self, now: float) -> list[Decision]:
        """Match until nothing more fits, in rank order, looking only at what changed since the last call.

        An agent who takes work can only lose room, so one pass from the smallest key up is a fixpoint.
        """
        index = self._index
        index.pass_time(now)
        now = index.now
        work: list[tuple[RankKey, int | None]] = [(index.records[item_id].key, None) for item_id in index.changed_items]
        for agent_id in index.changed_seats:
            seat = index.seats[agent_id]
            index.publish(seat)
            best = index.best_item(seat, now)
            if best is not None:
                work.append((best.key, agent_id))
        index.changed_items.clear()
        index.changed_seats.clear()
        return self._work_off(work, now)

    def next_change_at(self) -> float | None:
        """When to call `decide` again even if nothing is put: a promotion, or the end of a cool-off or of a hold."""
        return self._index.next_timer()

    def waiting(self, channel: str | None = None) -> tuple[Item, ...]:
        """The waiting items, of one channel or of all, in the order they will be served."""
        records = [
            record
            for record in self._index.records.values()
            if record.group is not None and channel in (None, record.item.channel)
        ]
        return tuple(record.item for record in sorted(records, key=lambda record: record.key))

    def position(self, item_id: int) -> int | None:
        """The item's place, from 1, among waiting items of its channel and requirement; None if it does not wait."""
        record = self._index.records.get(item_id)
        if record is None or record.group is None:
            return None
        return 1 + sum(1 for other in self._kin(record.item) if other.key < record.key)

    def cool_off_s(self, item_id: int, agent_id: int) -> float:
        """How long to exclude the agent who gave the item back: shorter if no other available agent has the skills."""
        record = self._index.records.get(item_id)
        others = (
            seat
            for seat in self._index.seats.values()
            if record is not None
            and seat.agent.id != agent_id
            and person_failure(seat.agent, record.item.requires) is None
            and not record.item.is_excluded(seat.agent.id, self._index.now)
        )
        return COOL_OFF_S if record is None or any(True for _ in others) else LONE_COOL_OFF_S

    def explain(self, item_id: int, now: float) -> Explanation:
        """Why the item waits and what each agent lacks, able ones first in the order of choice. Raises KeyError if unknown."""
        record = self._index.records[item_id]
        item, now = record.item, max(now, self._index.now)
        held_for = self._index.holder(item, now)
        ranked = sorted(
            (self._candidate(record, seat, now, held_for) for seat in self._index.seats.values()),
            key=lambda pair: pair[0],
        )
        return Explanation(
            item_id=item_id,
            position=self.position(item_id) or 0,
            class_size=len(self._kin(item)),
            candidates=tuple(candidate for _, candidate in ranked),
            next_change_at=self._index.next_change(item, now),
            key=item.key_at(now),
            held_for=held_for,
            held_until=item.sticky_until if held_for is not None else None,
            decided_agent=record.taken_by,
        )

    def check(self, now: float) -> None:
        """Assert the invariants by looking at everything. For tests: the cost is items times agents."""
        check_index(self._index, now)

    def _work_off(self, work: list[tuple[RankKey, int | None]], now: float) -> list[Decision]:
        """Decide in rank order. `work` pairs the key of an item with an agent who could take it, or with None: the item changed.

        An agent's best item may be gone when his turn comes; he then goes back into the heap under his next best.
        """
        index = self._index
        heap = [(key, turn, agent_id) for turn, (key, agent_id) in enumerate(work)]
        heapq.heapify(heap)
        decisions: list[Decision] = []
        while heap:
            key, turn, agent_id = heapq.heappop(heap)
            record = index.records[key[2]]
            if record.group is not None:
                seat = index.best_seat(record, now)
                if seat is not None:
                    decisions.append(Decision(record.item.id, seat.agent.id, self._reason(record, seat, now)))
                    index.take(record, seat)
            if agent_id is not None:
                following = index.best_item(index.seats[agent_id], now)
                if following is not None:
                    heapq.heappush(heap, (following.key, turn, agent_id))
        return decisions

    def _reason(self, record: Record, seat: Seat, now: float) -> dict[str, object]:
        item, group = record.item, record.group
        return {
            "mode": "sticky" if seat.agent.id == item.sticky_agent else item.choice,
            "key": list(record.key),
            "promoted": record.key != item.rank_key,
            "channel": item.channel,
            "requires": [list(skill) for skill in sorted(item.requires)],
            "waited_s": round(max(0.0, now - item.enqueued_at), 3),
            "passed_over": self._passed_over(record),
            "waiting": len(group.items),
            "able": len(group.seats),
            "free": len(group.free),
            "scores": figures(seat.agent, seat.load, item.requires),
        }

    def _passed_over(self, record: Record) -> int:
        """Items of the class with a smaller key that stay, because who is free is excluded from them."""
        group = record.group
        if group.heap and group.heap[0] == (record.key, record.stamp):
            return 0
        return sum(1 for other in group.items.values() if other.key < record.key)

    def _kin(self, item: Item) -> list[Record]:
        """The waiting items of the same channel and requirement, held for somebody or not."""
        return [
            record
            for group in self._index.groups.values()
            if group.channel == item.channel and group.requires == item.requires
            for record in group.items.values()
        ]

    def _candidate(self, record: Record, seat: Seat, now: float, held_for: int | None) -> tuple[tuple, Candidate]:
        item, agent = record.item, seat.agent
        failed = failure(item, agent, seat.load, now, self._rules, held_for)
        if failed is not None:
            return (1, (), agent.id), Candidate(agent.id, failed[0], failed[1])
        place = (0, (agent.id != item.sticky_agent, *MODES[item.choice](agent, seat.load, item.requires)), agent.id)
        return place, Candidate(agent.id, None, figures(agent, seat.load, item.requires))
