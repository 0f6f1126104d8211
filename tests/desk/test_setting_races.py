"""Settings changed by several at the same moment, and while work is handed out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from desk.actions.editing import fingerprint
from desk.actions.people import agents
from desk.actions.work import channel_rules, queues, work_items
from desk.models import Agent, AgentSkill, Event, Offer, Queue
from desk.models.work_item import HOLDING
from desk.queries.work.channel_rules import rules_of
from desk.store import Tx
from routing.values import CHANNEL_RULES, load_of
from tests.desk.house import EPOCH, House
from tests.desk.racers import race

ROUNDS = 6


def save_queue(tx: Tx, argument: tuple[int, str, int]) -> bool:
    queue_id, seen, wrap_up_s = argument
    return queues.set_queue(tx, tx.session.get_one(Queue, queue_id), seen=seen, wrap_up_s=wrap_up_s)


def weigh_chats(tx: Tx, weight: int) -> bool:
    return channel_rules.set_rules(tx, {**CHANNEL_RULES, "chat": replace(CHANNEL_RULES["chat"], weight=weight)})


def offer(tx: Tx, argument: tuple[int, int]) -> bool:
    item_id, agent_id = argument
    return work_items.offer(tx, item_id, agent_id, epoch=EPOCH, reason={}) is not None


def give_level(tx: Tx, argument: tuple[int, int]) -> None:
    agent_id, level = argument
    agents.set_skill(tx, tx.session.get_one(Agent, agent_id), "billing", level)


def test_of_two_who_save_at_the_same_moment_one_wins_and_the_other_is_told(house: House, tmp_path: Path):
    queue = house.one(select(Queue).where(Queue.key == "billing"))
    seen = fingerprint(queues.values_of(queue))
    told = race(house, tmp_path, [save_queue] * 2, [[(queue.id, seen, 70), (queue.id, seen, 80)]])
    assert sorted(told[0]) == ["Conflict", "True"]
    assert len(house.all(select(Event.id).where(Event.kind == "queue.changed"))) == 1


def test_whatever_is_offered_while_weights_change_is_weighed_by_the_rules_that_hold(house: House, tmp_path: Path):
    people = [house.agent(f"A{n}") for n in range(2)]
    rounds = []
    for turn in range(ROUNDS):
        first, second = house.item("chat"), house.item("chat")
        rounds.append([20 + turn, (first.id, people[turn % 2].id), (second.id, people[1 - turn % 2].id)])
    race(house, tmp_path, [weigh_chats, offer, offer], rounds)
    with house.store.read() as session:
        rules = rules_of(session)
        assert rules["chat"].weight == 20 + ROUNDS - 1
        for agent in session.scalars(select(Agent)):
            held = session.execute(
                select(Offer.item_id, Offer.channel).where(Offer.agent_id == agent.id, Offer.state.in_(HOLDING))
            )
            assert agent.used == load_of(dict(map(tuple, held)), rules).used(agent.capacity)


def test_skills_set_by_two_at_the_same_moment_leave_one_level(house: House, tmp_path: Path):
    maya = house.agent()
    race(house, tmp_path, [give_level] * 2, [[(maya.id, 3), (maya.id, 8)]] * 2)
    open_ended = house.all(select(AgentSkill).where(AgentSkill.agent_id == maya.id, AgentSkill.until.is_(None)))
    assert len(open_ended) == 1
