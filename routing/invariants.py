"""What must hold of the index after every step, asserted by looking at everything; the tests' safety net, not for live use."""

from __future__ import annotations

from routing.able import capacity_failure, failure
from routing.index import Index
from routing.values import load_of


def check_index(index: Index, now: float) -> None:
    """Raise AssertionError naming the first invariant that fails. I4 is judged only when nothing is left to decide."""
    one_place_each(index)
    room_was_there(index)
    nothing_lost(index)
    due = index.next_timer()
    if not index.changed_items and not index.changed_seats and (due is None or due > now):
        no_idle_while_waiting(index, max(now, index.now))


def one_place_each(index: Index) -> None:
    """I1: an item is decided for at most one agent, and not while it waits."""
    takers: dict[int, int] = {}
    for agent_id, seat in index.seats.items():
        for item_id in seat.decided:
            require(item_id not in takers, f"I1: item {item_id} is decided for agents {takers.get(item_id)} and {agent_id}")
            takers[item_id] = agent_id
            record = index.records.get(item_id)
            require(
                record is None or record.group is None,
                f"I1: item {item_id} waits although it is decided for agent {agent_id}",
            )


def room_was_there(index: Index) -> None:
    """I2: recount each agent's load, and replay each decision since he was put: there was room for it."""
    for agent_id, seat in index.seats.items():
        held = dict(seat.agent.held)
        for item_id, channel in seat.decided.items():
            failed = capacity_failure(channel, seat.agent.capacity, load_of(held, index.rules), index.rules)
            require(failed is None, f"I2: agent {agent_id} had no room for item {item_id}: {failed}")
            held[item_id] = channel
        require(seat.load == load_of(held, index.rules), f"I2: agent {agent_id} is miscounted")


def nothing_lost(index: Index) -> None:
    """I3: every known item waits in exactly one class, reachable from its heap, or is decided for a known moment's agent."""
    waiting = [item_id for group in index.groups.values() for item_id in group.items]
    require(len(waiting) == len(set(waiting)), "I3: an item waits in two classes")
    for item_id, record in index.records.items():
        require((record.group is not None) != (record.taken_by is not None), f"I3: item {item_id} neither waits nor is decided")
        if record.group is not None:
            require(record.group.items.get(item_id) is record, f"I3: item {item_id} is not in its class")
            require(index.groups.get(record.group.key) is record.group, f"I3: the class of item {item_id} is forgotten")
            require((record.key, record.stamp) in record.group.heap, f"I3: item {item_id} is not in the heap of its class")
    require(set(waiting) <= set(index.records), "I3: a class holds an item that was dropped")


def no_idle_while_waiting(index: Index, now: float) -> None:
    """I4: no waiting item has an agent who could take it."""
    for item_id, record in index.records.items():
        if record.group is None:
            continue
        held_for = index.holder(record.item, now)
        for agent_id, seat in index.seats.items():
            failed = failure(record.item, seat.agent, seat.load, now, index.rules, held_for)
            require(failed is not None, f"I4: item {item_id} waits although agent {agent_id} could take it")


def require(holds: bool, sentence: str) -> None:
    """Raise AssertionError with the sentence unless it holds; unlike `assert` it cannot be switched off."""
    if not holds:
        raise AssertionError(sentence)
