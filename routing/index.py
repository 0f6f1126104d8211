"""The index behind the matcher: waiting items by class, agents by the classes they can serve, and heaps with lazy deletion.

A class is all waiting work of one channel, one requirement and one holder; its items are interchangeable for matching. Every
change of an item or an agent gives it a new stamp, and a heap entry with an old stamp is dropped when it comes to the top.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from routing.able import capacity_failure, is_qualified, pair_failure
from routing.choice import MODES, Score
from routing.values import DEFERRED, Agent, ChannelRule, Item, Load, RankKey, Skill, load_of

ClassKey = tuple[str, frozenset[Skill], int | None]
"""(channel, requirement, agent the items are held for or None)."""

SLACK = 32
"""Stale entries a heap may carry before it is compacted, beside four times its live ones."""


@dataclass(eq=False, slots=True)
class Record:
    """An item as the index knows it: waiting in `group` under `key`, or decided for agent `taken_by`."""

    item: Item
    key: RankKey
    group: ItemClass | None = None
    stamp: int = 0
    taken_by: int | None = None


@dataclass(eq=False, slots=True)
class Seat:
    """An agent as the index knows him: as last put, plus the items decided for him since, in order."""

    agent: Agent
    load: Load
    stamp: int
    decided: dict[int, str] = field(default_factory=dict)
    groups: dict[ClassKey, ItemClass] = field(default_factory=dict)
    room: dict[str, bool] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class ItemClass:
    """Waiting items (`items`, `heap`) and the available agents with the skills (`seats`), of whom `free` have room."""

    key: ClassKey
    channel: str
    requires: frozenset[Skill]
    holder: int | None
    items: dict[int, Record] = field(default_factory=dict)
    heap: list[tuple[RankKey, int]] = field(default_factory=list)
    seats: dict[int, Seat] = field(default_factory=dict)
    free: set[int] = field(default_factory=set)
    offers: dict[str, list[tuple[Score, int, int]]] = field(default_factory=dict)


class Index:
    """Items, agents and what time will change, kept so that the next decision looks at heads only."""

    def __init__(self, rules: Mapping[str, ChannelRule]) -> None:
        self.rules = rules
        self.now = float("-inf")
        self.records: dict[int, Record] = {}
        self.seats: dict[int, Seat] = {}
        self.groups: dict[ClassKey, ItemClass] = {}
        self.changed_items: set[int] = set()
        self.changed_seats: set[int] = set()
        self._hands: dict[int, int] = {}
        self._followers: defaultdict[int, set[int]] = defaultdict(set)
        self._timers: list[tuple[float, int, int]] = []
        self._stamps = itertools.count(1)

    # Items

    def put_item(self, item: Item) -> None:
        """Make the item wait, whatever was known of it. An older version than the known one is ignored."""
        known = self.records.get(item.id)
        if known is not None:
            if item.version < known.item.version or (known.taken_by is None and known.item == item):
                return
            self.drop_item(item.id)
        self._give_back(item.id)
        record = self.records[item.id] = Record(item, item.rank_key)
        if item.sticky_agent is not None:
            self._followers[item.sticky_agent].add(item.id)
        self._place(record)

    def drop_item(self, item_id: int) -> None:
        """Forget the item. If it was decided, its agent keeps the room taken until he is put again."""
        record = self.records.pop(item_id, None)
        if record is None:
            return
        self._leave(record)
        self.changed_items.discard(item_id)
        if record.item.sticky_agent is not None:
            self._followers[record.item.sticky_agent].discard(item_id)

    def holder(self, item: Item, now: float) -> int | None:
        """The agent the item is held for at `now`: available, able by skill and not excluded; otherwise nobody."""
        if item.sticky_agent is None or item.sticky_until is None or now >= item.sticky_until:
            return None
        seat = self.seats.get(item.sticky_agent)
        if seat is None or not is_qualified(seat.agent, item.requires) or item.is_excluded(item.sticky_agent, now):
            return None
        return item.sticky_agent

    def next_change(self, item: Item, now: float) -> float | None:
        """When time alone next changes something for the item, after `now`."""
        moments = [until for until in item.excluded.values() if now < until < float("inf")]
        if item.band == DEFERRED and item.promote_at is not None and now < item.promote_at:
            moments.append(item.promote_at)
        if self.holder(item, now) is not None:
            moments.append(item.sticky_until)
        return min(moments, default=None)

    def take(self, record: Record, seat: Seat) -> None:
        """Move a waiting item to the agent's hands."""
        self._leave(record)
        record.taken_by = seat.agent.id
        record.stamp = next(self._stamps)
        seat.decided[record.item.id] = record.item.channel
        self._hands[record.item.id] = seat.agent.id
        self._reload(seat)
        self.publish(seat)

    # Agents

    def put_agent(self, agent: Agent) -> None:
        """Take the agent as he is now; what was decided for him since he was last put counts only if he holds it."""
        seat = self.seats.get(agent.id)
        if seat is not None and (agent.version < seat.agent.version or (agent == seat.agent and not seat.decided)):
            return
        load = load_of(agent.held, self.rules)
        moved = seat is None or agent.available != seat.agent.available or agent.skills != seat.agent.skills
        if seat is None:
            seat = self.seats[agent.id] = Seat(agent, load, 0)
        seat.agent = agent
        self._empty_hands(seat)
        self._reload(seat)
        if moved:
            self._enrol(seat)
            self._replace_followers(agent.id)
        self.changed_seats.add(agent.id)

    def drop_agent(self, agent_id: int) -> None:
        seat = self.seats.pop(agent_id, None)
        if seat is None:
            return
        self._quit(seat)
        self._empty_hands(seat)
        self.changed_seats.discard(agent_id)
        self._replace_followers(agent_id)

    def has_room(self, seat: Seat, channel: str) -> bool:
        """Whether the agent has room for one more item of the channel."""
        room = seat.room.get(channel)
        if room is None:
            room = seat.room[channel] = capacity_failure(channel, seat.agent.capacity, seat.load, self.rules) is None
        return room

    def publish(self, seat: Seat) -> None:
        """Enter the agent among the free ones of each class that he has room for."""
        agent_id = seat.agent.id
        for group in seat.groups.values():
            if not self.has_room(seat, group.channel):
                group.free.discard(agent_id)
                continue
            group.free.add(agent_id)
            for choice, heap in group.offers.items():
                heapq.heappush(heap, (MODES[choice](seat.agent, seat.load, group.requires), agent_id, seat.stamp))
                if len(heap) > 4 * len(group.seats) + SLACK:
                    heap[:] = [entry for entry in heap if self._is_current(entry)]
                    heapq.heapify(heap)

    # Heads

    def best_item(self, seat: Seat, now: float) -> Record | None:
        """The first waiting item, over all classes, that this agent may take now."""
        best: Record | None = None
        for group in seat.groups.values():
            if group.items and self.has_room(seat, group.channel):
                record = self._first_for(group, seat, now)
                if record is not None and (best is None or record.key < best.key):
                    best = record
        return best

    def best_seat(self, record: Record, now: float) -> Seat | None:
        """The free agent to offer the item to: its own agent before all, then by the mode of the item."""
        item, group = record.item, record.group
        if item.sticky_agent in group.free:
            seat = self.seats[item.sticky_agent]
            if pair_failure(item, seat.agent, now, group.holder) is None:
                return seat
        heap = self._offers(group, item.choice)
        passed = []
        found: Seat | None = None
        while heap and found is None:
            if not self._is_current(heap[0]):
                heapq.heappop(heap)
                continue
            seat = self.seats[heap[0][1]]
            if pair_failure(item, seat.agent, now, group.holder) is None:
                found = seat
            else:
                passed.append(heapq.heappop(heap))
        for entry in passed:
            heapq.heappush(heap, entry)
        return found

    # Time

    def pass_time(self, now: float) -> None:
        """Carry out what time alone has changed up to `now`. Time never runs backwards here: an earlier `now` changes nothing."""
        self.now = max(self.now, now)
        while self._timers and self._timers[0][0] <= self.now:
            _, item_id, stamp = heapq.heappop(self._timers)
            record = self.records.get(item_id)
            if record is not None and record.stamp == stamp:
                self._leave(record)
                self._place(record)

    def next_timer(self) -> float | None:
        """When `pass_time` next has something to do."""
        while self._timers:
            at, item_id, stamp = self._timers[0]
            record = self.records.get(item_id)
            if record is not None and record.stamp == stamp:
                return at
            heapq.heappop(self._timers)
        return None

    # Inside

    def _place(self, record: Record) -> None:
        item = record.item
        record.key = item.key_at(self.now)
        record.stamp = next(self._stamps)
        group = record.group = self._group((item.channel, item.requires, self.holder(item, self.now)))
        group.items[item.id] = record
        heapq.heappush(group.heap, (record.key, record.stamp))
        if len(group.heap) > 4 * len(group.items) + SLACK:
            group.heap[:] = [(waiting.key, waiting.stamp) for waiting in group.items.values()]
            heapq.heapify(group.heap)
        self.changed_items.add(item.id)
        at = self.next_change(item, self.now)
        if at is not None:
            heapq.heappush(self._timers, (at, item.id, record.stamp))
            if len(self._timers) > 4 * len(self.records) + SLACK:
                self._timers[:] = [timer for timer in self._timers if self._is_armed(timer)]
                heapq.heapify(self._timers)

    def _leave(self, record: Record) -> None:
        group = record.group
        if group is None:
            return
        record.group = None
        del group.items[record.item.id]
        if not group.items and group.holder is not None:
            del self.groups[group.key]
            for seat in group.seats.values():
                del seat.groups[group.key]

    def _group(self, key: ClassKey) -> ItemClass:
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = ItemClass(key, *key)
            for seat in self._possible_seats(key):
                if is_qualified(seat.agent, group.requires):
                    self._join(seat, group)
        return group

    def _possible_seats(self, key: ClassKey) -> Iterator[Seat]:
        holder = key[2]
        if holder is None:
            yield from self.seats.values()
        elif holder in self.seats:
            yield self.seats[holder]

    def _enrol(self, seat: Seat) -> None:
        self._quit(seat)
        for group in self.groups.values():
            if group.holder in (None, seat.agent.id) and is_qualified(seat.agent, group.requires):
                self._join(seat, group)

    def _join(self, seat: Seat, group: ItemClass) -> None:
        group.seats[seat.agent.id] = seat
        seat.groups[group.key] = group
        if self.has_room(seat, group.channel):
            group.free.add(seat.agent.id)

    def _quit(self, seat: Seat) -> None:
        for group in seat.groups.values():
            group.seats.pop(seat.agent.id, None)
            group.free.discard(seat.agent.id)
        seat.groups.clear()

    def _reload(self, seat: Seat) -> None:
        held = {**seat.agent.held, **seat.decided} if seat.decided else seat.agent.held
        seat.load = load_of(held, self.rules)
        seat.room.clear()
        seat.stamp = next(self._stamps)

    def _give_back(self, item_id: int) -> None:
        agent_id = self._hands.pop(item_id, None)
        if agent_id is not None:
            seat = self.seats[agent_id]
            del seat.decided[item_id]
            self._reload(seat)
            self.changed_seats.add(agent_id)

    def _empty_hands(self, seat: Seat) -> None:
        for item_id in seat.decided:
            del self._hands[item_id]
        seat.decided.clear()

    def _replace_followers(self, agent_id: int) -> None:
        for item_id in tuple(self._followers.get(agent_id, ())):
            record = self.records[item_id]
            if record.group is not None:
                self._leave(record)
                self._place(record)

    def _first_for(self, group: ItemClass, seat: Seat, now: float) -> Record | None:
        heap = group.heap
        passed = []
        found: Record | None = None
        while heap and found is None:
            (_, _, item_id), stamp = heap[0]
            record = group.items.get(item_id)
            if record is None or record.stamp != stamp:
                heapq.heappop(heap)
            elif pair_failure(record.item, seat.agent, now, group.holder) is None:
                found = record
            else:
                passed.append(heapq.heappop(heap))
        for entry in passed:
            heapq.heappush(heap, entry)
        return found

    def _offers(self, group: ItemClass, choice: str) -> list[tuple[Score, int, int]]:
        heap = group.offers.get(choice)
        if heap is None:
            heap = group.offers[choice] = [
                (MODES[choice](seat.agent, seat.load, group.requires), seat.agent.id, seat.stamp)
                for seat in group.seats.values()
                if self.has_room(seat, group.channel)
            ]
            heapq.heapify(heap)
        return heap

    def _is_current(self, entry: tuple[Score, int, int]) -> bool:
        seat = self.seats.get(entry[1])
        return seat is not None and seat.stamp == entry[2]

    def _is_armed(self, timer: tuple[float, int, int]) -> bool:
        record = self.records.get(timer[1])
        return record is not None and record.stamp == timer[2]
