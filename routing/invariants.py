"""What must hold of the index after every step, asserted by looking at everything; the tests' safety net, not for live use."""

from __future__ import annotations

from routing.able import capacity_failure, failure, is_qualified
from routing.choice import MODES
from routing.index import Index
from routing.values import load_of


def check_index(index: Index, now: float) -> None:
    """Raise AssertionError naming the first invariant that fails. I4 is judged only when nothing is left to decide."""
    one_place_each(index)
    room_was_there(index)
    nothing_lost(index)
    everybody_is_found(index)
    due = index.next_timer()
    if not index.changed_items and not index.changed_seats and (due is None or due > now):
        everybody_free_is_offered(index)
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
                record is None or record.line is None,
                f"I1: item {item_id} waits although it is decided for agent {agent_id}",
            )


def room_was_there(index: Index) -> None:
    """I2: recount each agent's load, and replay each decision since he was put: there was room for it.

    Who has not been put since the rules changed is only recounted: what was decided for him was decided under others.
    """
    for agent_id, seat in index.seats.items():
        held = dict(seat.agent.held)
        for item_id, channel in seat.decided.items():
            failed = capacity_failure(channel, seat.agent.capacity, load_of(held, index.rules), index.rules)
            if seat.rules is index.rules:
                require(failed is None, f"I2: agent {agent_id} had no room for item {item_id}: {failed}")
            held[item_id] = channel
        require(seat.footing.load == load_of(held, index.rules), f"I2: agent {agent_id} is miscounted")


def nothing_lost(index: Index) -> None:
    """I3: every known item waits in exactly one line, reachable from its line, or is decided for a known moment's agent."""
    lines = [*index.kinds.lines.values(), *(line for seat in index.seats.values() for line in seat.own.values())]
    found = [record for line in lines for *_, record in line.entries()]
    require(len(found) == len({record.item.id for record in found}), "I3: an item waits in two places")
    for line in lines:
        waiting = sum(1 for record in found if record.line is line)
        require(line.waiting == waiting, f"I3: a line says {line.waiting} wait, but {waiting} do")
        keys = [record.key for record in found if record.line is line]
        require(keys == sorted(keys), "I3: a line is out of order")
    for record in found:
        require(index.records.get(record.item.id) is record, f"I3: item {record.item.id} was dropped, but waits")
    reachable = set(map(id, found))
    for item_id, record in index.records.items():
        require((record.line is not None) != (record.taken_by is not None), f"I3: item {item_id} neither waits nor is decided")
        require(record.line is None or id(record) in reachable, f"I3: item {item_id} is in no line")
        require(record.line is None or record.line in lines, f"I3: the line of item {item_id} is forgotten")


def everybody_is_found(index: Index) -> None:
    """The lines of an agent's profile are those he is qualified for, and no others."""
    for agent_id, seat in index.seats.items():
        require((seat.profile is not None) == seat.agent.available, f"agent {agent_id} is misplaced")
        if seat.profile is None:
            continue
        require(agent_id in seat.profile.agents, f"agent {agent_id} is not in his profile")
        known = all(index.kinds.lines.get(line.kind) is line for line in seat.profile.lines)
        require(known, f"the profile of agent {agent_id} has a line that is forgotten")
        for kind, line in index.kinds.lines.items():
            able = is_qualified(seat.agent, kind[1], kind[2])
            require((line in seat.profile.lines) == able, f"agent {agent_id} is wrongly matched with {kind}")
            require((seat.profile in line.profiles) == able, f"{kind} is wrongly matched with agent {agent_id}")


def everybody_free_is_offered(index: Index) -> None:
    """Each agent with room is in every heap of free agents that he belongs in, under his present score."""
    for line in index.kinds.lines.values():
        for choice, free in line.offers.items():
            entries = set(free.entries)
            for agent_id in index.kinds.able(line.kind):
                seat = index.seats[agent_id]
                entry = (MODES[choice](seat.agent, seat.footing.load, line.kind[1]), agent_id, seat.stamp)
                require(line.channel not in seat.footing.room or entry in entries, f"agent {agent_id} is free, but not offered")


def no_idle_while_waiting(index: Index, now: float) -> None:
    """I4: no waiting item has an agent who could take it."""
    for item_id, record in index.records.items():
        if record.line is None:
            continue
        held_for = index.holder(record.item, now)
        for agent_id, seat in index.seats.items():
            failed = failure(record.item, seat.agent, seat.footing.load, now, index.rules, held_for)
            require(failed is not None, f"I4: item {item_id} waits although agent {agent_id} could take it")


def require(holds: bool, sentence: str) -> None:
    """Raise AssertionError with the sentence unless it holds; unlike `assert` it cannot be switched off."""
    if not holds:
        raise AssertionError(sentence)
