"""Skills through time: spells never overlap, what is planned comes when it is due, nothing is changed for the past."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from desk.actions.people import agents
from desk.errors import Invalid
from desk.models import Agent, AgentSkill, Timer
from desk.queries.people.skills import skills_at
from desk.work.due import ACTIONS
from desk.work.timers import Timers
from tests.desk.house import MORNING, House

DAY = timedelta(days=1)


def set_skill(
    house: House, agent: Agent, level: int | None, since: datetime | None = None, until: datetime | None = None
) -> None:
    with house.tx() as tx:
        agents.set_skill(tx, tx.session.get_one(Agent, agent.id), "billing", level, since, until)


def spells(house: House, agent: Agent) -> list[tuple[int, float, float | None]]:
    """Level, and days from the morning on which it begins and ends."""
    rows = house.all(select(AgentSkill).where(AgentSkill.agent_id == agent.id).order_by(AgentSkill.since))
    return [(row.level, (row.since - MORNING) / DAY, row.until and (row.until - MORNING) / DAY) for row in rows]


def level(house: House, agent: Agent) -> int | None:
    with house.store.read() as session:
        return skills_at(session, house.clock.now(), (agent.id,)).get(agent.id, {}).get("billing")


def run_timers(house: House) -> None:
    class Desk:
        store, clock = house.store, house.clock

    Timers(Desk, {agents.SKILL_TIMER: ACTIONS[agents.SKILL_TIMER]}).turn()


def test_a_new_level_from_a_day_to_a_day_splits_what_was_there(house):
    maya = house.agent()
    set_skill(house, maya, 5)
    set_skill(house, maya, 8, MORNING + 2 * DAY, MORNING + 4 * DAY)
    assert spells(house, maya) == [(5, 0, 2), (8, 2, 4), (5, 4, None)]
    set_skill(house, maya, None, MORNING + 3 * DAY, MORNING + 5 * DAY)
    assert spells(house, maya) == [(5, 0, 2), (8, 2, 3), (5, 5, None)]
    set_skill(house, maya, 6, MORNING + DAY)
    assert spells(house, maya) == [(5, 0, 1), (6, 1, None)]


def test_the_same_again_changes_nothing_and_goes_on_record_once(house):
    maya = house.agent()
    for _ in range(2):
        set_skill(house, maya, 5)
    house.tick(3600)
    set_skill(house, maya, 5)
    assert spells(house, maya) == [(5, 0, None)]
    assert house.kinds("agent.skill") == ["agent.skill_set"]


def test_a_level_typed_now_holds_until_what_is_planned_next(house):
    maya = house.agent()
    set_skill(house, maya, 5)
    set_skill(house, maya, 8, MORNING + 2 * DAY)
    house.tick(86400)
    with house.tx() as tx:
        agents.change_level(tx, tx.session.get_one(Agent, maya.id), "billing", 6)
    assert spells(house, maya) == [(5, 0, 1), (6, 1, 2), (8, 2, None)]


@pytest.mark.parametrize(
    ("skill", "level", "since", "until"),
    [
        ("Bil ling", 5, None, None),
        ("team:care", 5, None, None),
        ("billing", 0, None, None),
        ("billing", 11, None, None),
        ("billing", 5, MORNING - DAY, None),
        ("billing", 5, MORNING + DAY, MORNING + DAY),
        ("billing", 5, None, MORNING - DAY),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(sqlite_house, skill, level, since, until):
    maya = sqlite_house.agent()
    with sqlite_house.tx() as tx, pytest.raises(Invalid):
        agents.set_skill(tx, tx.session.get_one(Agent, maya.id), skill, level, since, until)
    assert spells(sqlite_house, maya) == []


def test_a_planned_change_is_said_when_it_comes_so_that_routing_looks_again(house):
    maya = house.agent()
    set_skill(house, maya, 5, MORNING + DAY, MORNING + 2 * DAY)
    assert house.one(select(Timer.due_at).where(Timer.kind == agents.SKILL_TIMER)) == MORNING + DAY
    run_timers(house)
    assert "agent.skill_turned" not in house.kinds("agent.")
    for due, now in ((1, 5), (1, None)):
        house.tick(due * 86400)
        run_timers(house)
        assert level(house, maya) == now
    assert house.kinds("agent.skill_turned") == ["agent.skill_turned"] * 2
    assert house.one(select(Timer.id).where(Timer.kind == agents.SKILL_TIMER, Timer.done_at.is_(None))) is None


def test_a_plan_that_is_cancelled_is_not_waited_for(house):
    maya = house.agent()
    set_skill(house, maya, 5, MORNING + DAY)
    set_skill(house, maya, None, MORNING + DAY)
    assert house.one(select(Timer.id).where(Timer.kind == agents.SKILL_TIMER, Timer.done_at.is_(None))) is None


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_planned_spells_never_overlap_and_the_last_word_holds(sqlite_house, seed):
    chance, maya = random.Random(seed), sqlite_house.agent()
    expected: dict[int, int | None] = dict.fromkeys(range(30))
    for _ in range(40):
        first = chance.randrange(0, 29)
        last = chance.choice([None, chance.randrange(first + 1, 30)])
        new = chance.choice([None, 3, 5, 8])
        set_skill(sqlite_house, maya, new, MORNING + first * DAY, None if last is None else MORNING + last * DAY)
        expected.update(dict.fromkeys(range(first, last or 30), new))
        found = spells(sqlite_house, maya)
        assert all(before[2] is not None and before[2] <= after[1] for before, after in pairwise(found))
    for day, wanted in expected.items():
        with sqlite_house.store.read() as session:
            assert skills_at(session, MORNING + day * DAY, (maya.id,)).get(maya.id, {}).get("billing") == wanted
