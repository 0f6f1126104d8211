"""The index behind the matcher: waiting items in lines, agents by what they can serve, and both with lazy deletion.

The next decision looks at the heads of lines only. What leaves a line or changes is not searched for: a record without a line and
an agent with an old stamp are dropped when they come to be first.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.able import holder, pair_failure
from routing.choice import MODES
from routing.footing import Footing, Footings
from routing.kinds import SLACK, Entry, FreeHeap, Kinds, Line, Offer, Profile, Record
from routing.timers import Timers
from routing.values import DEFERRED, Agent, ChannelRule, Item, channel_of


@dataclass(eq=False, slots=True)
class Seat:
    """An agent as the index knows him: as last put, plus the items decided for him since, in order.

    `profile` is None while he is not available. `own` are the lines of items held for him, by channel. `rules` are the channel
    rules under which he was put.
    """

    agent: Agent
    footing: Footing
    stamp: int
    rules: Mapping[str, ChannelRule]
    profile: Profile | None = None
    decided: dict[int, str] = field(default_factory=dict)
    own: dict[str, Line] = field(default_factory=dict)


class Index:
    """Items, agents and what time will change, kept so that the next decision looks at heads only."""

    def __init__(self, rules: Mapping[str, ChannelRule]) -> None:
        self.rules = rules
        self.footings = Footings(rules)
        self.kinds = Kinds()
        self.now = float("-inf")
        self.told = 0  # how often anything was put, dropped or changed by time
        self.records: dict[int, Record] = {}
        self.seats: dict[int, Seat] = {}
        self.changed_items: set[int] = set()
        self.changed_seats: set[int] = set()
        self._hands: dict[int, int] = {}
        self._followers: defaultdict[int, set[int]] = defaultdict(set)
        self._timers = Timers()
        self._turns = itertools.count(1)

    # Items

    def put_item(self, item: Item) -> None:
        """Make the item wait, whatever was known of it. An older version than the known one is ignored."""
        known = self.records.get(item.id)
        if known is not None:
            if item.version < known.item.version or (known.taken_by is None and known.item == item):
                return
            self.drop_item(item.id)
        self.told += 1
        if item.id in self._hands:
            self._give_back(item.id)
        if item.sticky_agent is not None:
            self._followers[item.sticky_agent].add(item.id)
        self._place(item)

    def drop_item(self, item_id: int) -> None:
        """Forget the item. If it was decided, its agent keeps the room taken until he is put again."""
        record = self.records.pop(item_id, None)
        if record is None:
            return
        self.told += 1
        self._leave(record)
        self.changed_items.discard(item_id)
        if record.item.sticky_agent is not None:
            self._followers[record.item.sticky_agent].discard(item_id)

    def holder(self, item: Item, now: float) -> int | None:
        """The agent the item is held for at `now`, if any."""
        if item.sticky_agent is None or item.sticky_until is None or now >= item.sticky_until:
            return None
        seat = self.seats.get(item.sticky_agent)
        return holder(item, seat and seat.agent, now)

    def next_change(self, item: Item, now: float) -> float | None:
        """When time alone next changes something for the item, after `now`."""
        moments = [until for until in item.excluded.values() if now < until < float("inf")]
        if item.band == DEFERRED and item.promote_at is not None and now < item.promote_at:
            moments.append(item.promote_at)
        step = item.next_step(now)
        if step is not None and step.at < float("inf"):
            moments.append(step.at)
        if self.holder(item, now) is not None:
            moments.append(item.sticky_until)
        return min(moments, default=None)

    def take(self, record: Record, seat: Seat) -> None:
        """Move a waiting item to the agent's hands."""
        item_id, agent_id, channel = record.key[2], seat.agent.id, record.line.channel
        record.line.waiting -= 1
        record.line = None
        record.taken_by = agent_id
        seat.decided[item_id] = channel
        self._hands[item_id] = agent_id
        seat.footing = self.footings.beside(seat.footing, channel)
        seat.stamp = next(self._turns)

    # Agents

    def put_agent(self, agent: Agent) -> None:
        """Take the agent as he is now; what was decided for him since he was last put counts only if he holds it."""
        seat = self.seats.get(agent.id)
        if seat is None:
            moved = True
            footing = self.footings.of(agent.capacity, agent.held.values())
            seat = self.seats[agent.id] = Seat(agent, footing, next(self._turns), self.rules)
        else:
            known = seat.agent
            if agent.version < known.version or (not seat.decided and agent.version == known.version and agent == known):
                return
            moved = agent.available != known.available or (agent.skills is not known.skills and agent.skills != known.skills)
            seat.agent = agent
            if seat.decided:
                self._empty_hands(seat)
            seat.footing = self.footings.of(agent.capacity, agent.held.values())
            seat.stamp = next(self._turns)
            seat.rules = self.rules
        self.told += 1
        if moved:
            self._leave_profile(seat)
            if agent.available:
                seat.profile = self.kinds.enter(agent)
            self._replace_followers(agent.id)
        self.changed_seats.add(agent.id)

    def drop_agent(self, agent_id: int) -> None:
        seat = self.seats.pop(agent_id, None)
        if seat is None:
            return
        self.told += 1
        self._leave_profile(seat)
        self._empty_hands(seat)
        self.changed_seats.discard(agent_id)
        self._replace_followers(agent_id)

    def put_rules(self, rules: Mapping[str, ChannelRule]) -> None:
        """Count everybody's load anew under other rules."""
        self.told += 1
        self.rules, self.footings = rules, Footings(rules)
        for agent_id, seat in self.seats.items():
            seat.footing = self.footings.of(seat.agent.capacity, (*seat.agent.held.values(), *seat.decided.values()))
            seat.stamp = next(self._turns)
            self.changed_seats.add(agent_id)

    def publish(self, seat: Seat) -> None:
        """Enter the agent among the free ones of each line that he can serve and has room for."""
        if seat.profile is None or not seat.footing.room:
            return
        room, scores = seat.footing.room, {}
        for line in seat.profile.lines:
            if line.offers and line.channel in room:
                for choice, free in line.offers.items():
                    shared = choice if choice != "proficiency" else line  # the only way to choose that looks at the work
                    entry = scores.get(shared)
                    if entry is None:
                        entry = scores[shared] = self._offer(seat, choice, line)
                    heapq.heappush(free.entries, entry)
                    if len(free.entries) > free.limit:
                        self._compact(free)

    # Heads

    def best_item(self, seat: Seat, now: float) -> Record | None:
        """The first waiting item, over all lines, that this agent may take now."""
        if seat.profile is None:
            return None
        best = None
        room, held = seat.footing.room, seat.agent.held
        for line in seat.profile.lines:
            if line.waiting and line.channel in room:
                head = line.queue[line.first]
                if head[3].line is None:
                    line.skip()
                    head = line.queue[line.first]
                if best is None or head < best:
                    if head[3].picky or (held and head[2] in held):
                        head = self._first_for(line, seat, now)
                        if head is None or (best is not None and best < head):
                            continue
                    best = head
        for line in seat.own.values():
            if line.waiting and line.channel in room:
                head = self._first_for(line, seat, now)
                if head is not None and (best is None or head < best):
                    best = head
        return None if best is None else best[3]

    def best_seat(self, record: Record, now: float) -> Seat | None:
        """The free agent to offer the item to: its own agent before all, then by the mode of the item."""
        item, line = record.item, record.line
        own = item.sticky_agent if line.holder is None else line.holder
        if own is not None:
            seat = self.seats.get(own)
            if seat is not None and self._may_take(seat, record, now):
                return seat
            if line.holder is not None:
                return None
        free = line.offers.get(item.choice)
        if free is None:
            free = self._gather(line, item.choice)
        entries, passed = free.entries, []
        found: Seat | None = None
        while entries:
            _, agent_id, stamp = entries[0]
            seat = self.seats.get(agent_id)
            if seat is None or seat.stamp != stamp:
                heapq.heappop(entries)
            elif not (item.excluded or item.id in seat.agent.held) or pair_failure(item, seat.agent, now, None) is None:
                found = seat
                break
            else:
                passed.append(heapq.heappop(entries))
        for entry in passed:
            heapq.heappush(entries, entry)
        return found

    def kin(self, record: Record) -> list[Record]:
        """The waiting items of the same channel and requirement, held for somebody or not."""
        return [other for other in self.records.values() if other.line is not None and other.kind == record.kind]

    def channels(self) -> set[str]:
        """The channels of everything that waits, is decided or is held."""
        found = {record.item.channel for record in self.records.values()}
        held = (held_as for seat in self.seats.values() for held_as in (*seat.agent.held.values(), *seat.decided.values()))
        return found.union(map(channel_of, held))

    # Time

    def pass_time(self, now: float) -> None:
        """Carry out what time alone has changed up to `now`. Time never runs backwards here: an earlier `now` changes nothing."""
        self.now = max(self.now, now)
        while (record := self._timers.ring(self.now)) is not None:
            self.told += 1
            self._leave(record)
            self._place(record.item)

    def next_timer(self) -> float | None:
        """When `pass_time` next has something to do."""
        return self._timers.next()

    # Inside

    def _place(self, item: Item) -> None:
        now = self.now
        self.changed_items.add(item.id)
        if not (item.steps or item.excluded or item.promote_at is not None or item.sticky_until is not None):
            # Time changes nothing for it and nobody holds it: most live work.
            kind = (item.channel, item.requires, item.also)
            record = self.records[item.id] = Record(item, (item.band, item.due_at, item.id), kind)
            self.kinds.line(kind).add(record)
            return
        asked = item.asked_at(now)
        kind = (item.channel, asked.requires, asked.also)
        record = self.records[item.id] = Record(item, item.key_at(now), kind, bool(item.excluded))
        held_for = self.holder(item, now)
        (self.kinds.line(kind) if held_for is None else self._own_line(held_for, item.channel)).add(record)
        at = self.next_change(item, now)
        if at is not None:
            self._timers.set(at, record)

    def _leave(self, record: Record) -> None:
        if record.line is not None:
            record.line.waiting -= 1
            record.line = None

    def _own_line(self, agent_id: int, channel: str) -> Line:
        own = self.seats[agent_id].own
        line = own.get(channel)
        if line is None:
            line = own[channel] = Line(channel, holder=agent_id)
        return line

    def _leave_profile(self, seat: Seat) -> None:
        if seat.profile is not None:
            self.kinds.leave(seat.profile, seat.agent.id)
            seat.profile = None

    def _give_back(self, item_id: int) -> None:
        seat = self.seats[self._hands.pop(item_id)]
        del seat.decided[item_id]
        seat.footing = self.footings.of(seat.agent.capacity, (*seat.agent.held.values(), *seat.decided.values()))
        seat.stamp = next(self._turns)
        self.changed_seats.add(seat.agent.id)

    def _empty_hands(self, seat: Seat) -> None:
        for item_id in seat.decided:
            del self._hands[item_id]
        seat.decided.clear()

    def _replace_followers(self, agent_id: int) -> None:
        for item_id in tuple(self._followers.get(agent_id, ())):
            record = self.records[item_id]
            if record.line is not None:
                self._leave(record)
                self._place(record.item)

    def _may_take(self, seat: Seat, record: Record, now: float) -> bool:
        """Whether this agent, whose line it may be, can take the item."""
        line = record.line
        mine = line.holder == seat.agent.id or (seat.profile is not None and seat.profile in line.profiles)
        return mine and line.channel in seat.footing.room and pair_failure(record.item, seat.agent, now, line.holder) is None

    def _first_for(self, line: Line, seat: Seat, now: float) -> Entry | None:
        """The first of the line that this agent is not excluded from."""
        for entry in line.entries():
            if pair_failure(entry[3].item, seat.agent, now, line.holder) is None:
                return entry
        return None

    def _gather(self, line: Line, choice: str) -> FreeHeap:
        seats = (self.seats[agent_id] for agent_id in self.kinds.able(line.kind))
        entries = [self._offer(seat, choice, line) for seat in seats if line.channel in seat.footing.room]
        heapq.heapify(entries)
        free = line.offers[choice] = FreeHeap(entries, 4 * len(entries) + SLACK)
        return free

    def _offer(self, seat: Seat, choice: str, line: Line) -> Offer:
        return MODES[choice](seat.agent, seat.footing.load, line.kind[1]), seat.agent.id, seat.stamp

    def _compact(self, free: FreeHeap) -> None:
        free.entries[:] = {entry for entry in free.entries if self._is_current(entry)}
        heapq.heapify(free.entries)
        free.limit = 4 * len(free.entries) + SLACK

    def _is_current(self, entry: Offer) -> bool:
        seat = self.seats.get(entry[1])
        return seat is not None and seat.stamp == entry[2]
