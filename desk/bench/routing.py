"""`bench routing`: a decision of the matcher against a bare heap, and a durable claim against a bare commit."""

from __future__ import annotations

import heapq
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import text

from desk.actions import customers, intake, tickets, work_items
from desk.actions.agents import add_agent
from desk.actions.presence import set_presence
from desk.app import install, prepare
from desk.bench.figures import figure, median_s
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import RouterLease
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
    with tempfile.TemporaryDirectory() as folder:
        desk = install(replace(settings, data_dir=Path(folder), database_url=f"sqlite:///{folder}/desk.db"))
        prepare(desk)
        figures["claim_sqlite"] = figure(_claim_ms(desk), "ms", _commit_ms(desk), "one-row commit through the same store")
        desk.store.engine.dispose()
    return figures


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


def _claim_ms(desk: Installation) -> float:
    with desk.store.tx(SYSTEM) as tx:
        tx.session.merge(RouterLease(id=1, epoch=1, holder="bench", until=tx.now))
        agent = add_agent(tx, email="bench@desk.example", name="Bench", password="bench " * 3, roles=["agent"], team=None)
        set_presence(tx, agent, "available")
        customer = customers.identify(tx, "email", "bench@example.com")
        queue = intake.find_queue(tx, "general")
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="bench", channel="email")
        items = [work_items.enqueue(tx, "ticket", "email", ticket, queue) for _ in range(ROUNDS)]
        ids = iter([item.id for item in items])
        agent_id = agent.id

    held: list[int] = []

    def claim() -> None:
        with desk.store.tx(SYSTEM) as tx:
            made = work_items.offer(tx, next(ids), agent_id, epoch=1, reason={})
            assert made is not None
            held.append(made.item_id)

    def clear() -> None:
        with desk.store.tx(SYSTEM) as tx:
            for item_id in held:
                work_items.finish(tx, tx.session.get_one(type(items[0]), item_id))
        held.clear()

    taken = []
    for _ in range(ROUNDS // 4):
        taken.append(median_s(claim, 4))
        clear()
    return sorted(taken)[len(taken) // 2] * 1e3


def _commit_ms(desk: Installation) -> float:
    def commit() -> None:
        with desk.store.tx(SYSTEM) as tx:
            tx.session.execute(text("UPDATE router_lease SET holder = holder WHERE id = 1"))

    with desk.store.tx(SYSTEM) as tx:
        tx.session.merge(RouterLease(id=1, epoch=1, holder="bench", until=tx.now))
    return median_s(commit, ROUNDS) * 1e3
