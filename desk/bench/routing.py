"""`bench routing`: a decision of the matcher against a bare heap, and a durable claim against a bare commit."""

from __future__ import annotations

import heapq
import random
from dataclasses import replace
from typing import Any

from desk.bench import claims
from desk.bench.figures import figure, median_s
from desk.config import Settings
from routing.matcher import Matcher
from routing.values import Agent, Item

SKILLS = [f"s{number}" for number in range(50)]
AGENTS = 2000
CLASSES = 200  # different sets of skills asked for
ROUNDS = 400


def run(settings: Settings) -> dict[str, Any]:
    floor = _heap_floor_us()
    figures = {
        f"decision_{name}": figure(_decision_us(count), "us", floor, "heap push-pop on 10k")
        for name, count in (("1k", 1_000), ("10k", 10_000), ("100k", 100_000))
    }
    figures |= {
        f"arrival_{name}": figure(_arrival_us(free), "us", floor, "heap push-pop on 10k")
        for name, free in (("nobody_free", False), ("agent_free", True))
    }
    return figures | claims.run(settings)


def _heap_floor_us() -> float:
    """Push and pop of entries with random keys, which sink and rise; one that never sinks would be no fair floor."""
    dice = random.Random(1)
    entries = [((1, dice.random() * 3600, number), number) for number in range(10_000 + ROUNDS)]
    heap, fresh = entries[:10_000], iter(entries[10_000:])
    heapq.heapify(heap)

    def push_and_pop() -> None:
        heapq.heappush(heap, next(fresh))
        heapq.heappop(heap)

    return median_s(push_and_pop, ROUNDS) * 1e6


def _decision_us(waiting: int) -> float:
    """An agent becomes free while `waiting` items wait: until it is decided what they get."""
    matcher, agents, _ = _full_house(waiting)
    freed = iter([replace(agent, skills=dict(agent.skills), held={}, version=1) for agent in agents])

    def free_one() -> None:
        matcher.put_agent(next(freed))
        for decision in matcher.decide(1.0):
            matcher.drop_item(decision.item_id)

    return median_s(free_one, ROUNDS) * 1e6


def _arrival_us(free: bool) -> float:
    """An item comes while 10,000 wait: until it is known that it waits too; with `free`, which of some 90 free agents gets it."""
    matcher, agents, classes = _full_house(10_000)
    if free:
        for item in matcher.waiting():
            matcher.drop_item(item.id)
        for agent in agents:
            matcher.put_agent(replace(agent, held={}, version=1))
        matcher.decide(1.0)
    dice = random.Random(2)
    items = iter([Item(100_000 + number, "voice", dice.choice(classes), 1, 3600.0 + number, 1.0) for number in range(ROUNDS)])

    def one_comes() -> None:
        matcher.put_item(next(items))
        for decision in matcher.decide(1.0):
            matcher.drop_item(decision.item_id)

    return median_s(one_comes, ROUNDS) * 1e6


def _full_house(waiting: int) -> tuple[Matcher, list[Agent], list[frozenset[tuple[str, int]]]]:
    """Everybody is busy and so many items wait; the agents and the classes of work."""
    dice = random.Random(1)
    matcher = Matcher()
    agents = [_busy(number, dice) for number in range(AGENTS)]
    for agent in agents:
        matcher.put_agent(agent)
    classes = [
        frozenset((skill, dice.randint(1, 5)) for skill in dice.sample(SKILLS, dice.randint(1, 2))) for _ in range(CLASSES)
    ]
    for number in range(waiting):
        matcher.put_item(Item(number, "voice", dice.choice(classes), 1, dice.random() * 3600, 0.0))
    matcher.decide(0.0)
    return matcher, agents, classes


def _busy(number: int, dice: random.Random) -> Agent:
    skills = {skill: dice.randint(3, 10) for skill in dice.sample(SKILLS, dice.randint(2, 8))}
    return Agent(number, True, skills, held={-number - 1: "voice"})
