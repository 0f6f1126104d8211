"""The index answers as an exhaustive scan would, and every invariant holds after every step of a random life."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from routing.matcher import Matcher
from routing.values import CHANNEL_RULES, HALVES, Agent, Item
from tests.unit.routing.plain_scan import Scan

CHANNELS = sorted(CHANNEL_RULES)
HELD = [*CHANNELS, *HALVES]
CHOICES = ["least_flexible", "longest_idle", "proficiency", "least_loaded"]
SKILLS = ["de", "en", "tax"]

moments = st.integers(0, 60).map(float)
agent_ids = st.integers(1, 5)
item_ids = st.integers(100, 112)
items = st.builds(
    Item,
    id=item_ids,
    channel=st.sampled_from(CHANNELS),
    requires=st.frozensets(st.tuples(st.sampled_from(SKILLS), st.sampled_from([1, 5])), max_size=2),
    band=st.integers(0, 2),
    due_at=moments,
    enqueued_at=st.just(0.0),
    promote_at=st.none() | moments,
    excluded=st.dictionaries(agent_ids, moments, max_size=2),
    sticky_agent=st.none() | agent_ids,
    sticky_until=st.none() | moments,
    choice=st.sampled_from(CHOICES),
    also=st.frozensets(st.frozensets(st.tuples(st.sampled_from(SKILLS), st.sampled_from([1, 5])), max_size=2), max_size=2),
)
people = st.builds(
    Agent,
    id=agent_ids,
    available=st.sampled_from([True, True, True, False]),
    skills=st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 10)),
    capacity=st.sampled_from([100, 100, 66]),
    held=st.dictionaries(st.integers(1, 9), st.sampled_from(HELD), max_size=3),
    idle_since=moments,
)


class RandomLife(RuleBasedStateMachine):
    """Work comes, is decided, claimed, refused or given up; agents come, change, free themselves and leave; time passes."""

    @initialize()
    def open(self):
        self.matcher, self.scan, self.now, self.offers = Matcher(), Scan(), 0.0, []

    @rule(item=items)
    def work_comes_or_changes(self, item):
        self.matcher.put_item(item)
        for agent_id, agent in self.scan.agents.items():
            # What was decided for an agent and is put again waits again; he is as he was put, without it.
            if (item.id, agent_id) in self.offers:
                self._hold(agent, {key: value for key, value in agent.held.items() if key != item.id})
        self.offers = [offer for offer in self.offers if offer[0] != item.id]
        self.scan.items[item.id] = item

    @rule(item_id=item_ids)
    def work_is_given_up(self, item_id):
        self.matcher.drop_item(item_id)
        self.scan.items.pop(item_id, None)

    @rule(agent=people)
    def an_agent_comes_or_changes(self, agent):
        self.matcher.put_agent(agent)
        self._forget_offers_of(agent.id)
        self.scan.agents[agent.id] = agent

    @rule(agent_id=agent_ids)
    def an_agent_leaves(self, agent_id):
        self.matcher.drop_agent(agent_id)
        self._forget_offers_of(agent_id)
        self.scan.agents.pop(agent_id, None)

    @rule(agent_id=agent_ids)
    def an_agent_finishes_everything(self, agent_id):
        agent = self.scan.agents.get(agent_id)
        if agent is not None:
            self._forget_offers_of(agent_id)
            self._hold(agent, {})
            self.matcher.put_agent(self.scan.agents[agent_id])

    @rule(seconds=st.integers(1, 20))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def the_matcher_decides(self):
        expected = self.scan.decide(self.now)
        assert [(one.item_id, one.agent_id) for one in self.matcher.decide(self.now)] == expected
        self.offers += expected
        due = self.matcher.next_change_at()
        assert due is None or due > self.now

    @rule(data=st.data())
    def an_offer_is_claimed(self, data):
        if self.offers:
            item_id, agent_id = data.draw(st.sampled_from(self.offers))
            self._forget_offers_of(agent_id)
            self.matcher.drop_item(item_id)
            self.matcher.put_agent(self.scan.agents[agent_id])

    @invariant()
    def everything_holds(self):
        self.matcher.check(self.now)
        waiting = sorted(self.scan.items.values(), key=lambda item: item.id)
        assert sorted(self.matcher.waiting(), key=lambda item: item.id) == waiting

    def _hold(self, agent, held):
        self.scan.agents[agent.id] = Agent(
            agent.id, agent.available, agent.skills, agent.capacity, held, agent.idle_since, agent.version
        )

    def _forget_offers_of(self, agent_id):
        self.offers = [offer for offer in self.offers if offer[1] != agent_id]


RandomLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestARandomLife = RandomLife.TestCase


@pytest.mark.parametrize("seed", range(6))
def test_the_index_answers_as_a_scan_does_over_a_long_day(seed):
    chance = random.Random(seed)
    matcher, scan, now = Matcher(), Scan(), 0.0
    for step in range(700):
        now += chance.random() * 3
        if chance.random() < 0.5:
            item = _some_item(chance, 1000 + step, now)
            matcher.put_item(item)
            scan.items[item.id] = item
        else:
            agent = _some_agent(chance, now)
            matcher.put_agent(agent)
            scan.agents[agent.id] = agent
        expected = scan.decide(now)
        assert [(one.item_id, one.agent_id) for one in matcher.decide(now)] == expected
        for item_id, agent_id in expected:
            matcher.drop_item(item_id)
            matcher.put_agent(scan.agents[agent_id])
        if step % 10 == 0:
            matcher.check(now)
    assert len(matcher.waiting()) == len(scan.items)


def _some_item(chance, item_id, now):
    return Item(
        id=item_id,
        channel=chance.choice(CHANNELS),
        requires=frozenset((name, chance.choice([1, 5, 8])) for name in chance.sample(SKILLS, chance.randint(0, 2))),
        band=chance.choice([0, 1, 1, 1, 2, 2]),
        due_at=now + chance.choice([20.0, 80.0, 600.0]),
        enqueued_at=now,
        promote_at=now + chance.choice([30.0, 60.0]),
        excluded={chance.randint(1, 8): now + 20} if chance.random() < 0.3 else {},
        sticky_agent=chance.randint(1, 8) if chance.random() < 0.3 else None,
        sticky_until=now + 15,
        choice=chance.choice(CHOICES),
    )


def _some_agent(chance, now):
    return Agent(
        id=chance.randint(1, 8),
        available=chance.random() < 0.85,
        skills={name: chance.randint(1, 10) for name in chance.sample(SKILLS, chance.randint(0, 3))},
        capacity=chance.choice([100, 100, 80]),
        held={n: chance.choice(HELD) for n in range(chance.randint(0, 3))},
        idle_since=round(now),
    )


def test_lines_and_timers_do_not_grow_with_the_number_of_changes():
    matcher = Matcher()
    matcher.put_agent(Agent(1, True, {}, held={9: "voice"}))
    for n in range(500):
        matcher.put_item(Item(1, "voice", frozenset(), 1, float(n), 0.0, excluded={1: 1e9 + n}))
        matcher.decide(float(n))
    [line] = matcher._index.kinds.lines.values()
    assert max(len(line.queue), len(matcher._index._timers)) < 100


def test_the_heap_of_free_agents_does_not_grow_with_the_number_of_changes():
    matcher = Matcher()
    matcher.put_agent(Agent(1, True, {}))
    matcher.put_item(Item(1, "chat", frozenset(), 1, 0.0, 0.0))
    assert len(matcher.decide(0.0)) == 1
    for n in range(500):
        matcher.put_agent(Agent(1, True, {}, idle_since=float(n)))
        matcher.decide(float(n))
    [line] = matcher._index.kinds.lines.values()
    assert len(line.offers["least_flexible"].entries) < 100


def test_kinds_of_work_that_are_seen_no_more_are_forgotten(monkeypatch):
    monkeypatch.setattr("routing.kinds.MOST_EMPTY", 10)
    matcher = Matcher()
    matcher.put_agent(Agent(1, True, {f"skill {n}": 5 for n in range(50)}, held={9: "voice"}))
    waits = Item(1, "voice", frozenset({("skill 7", 1)}), 1, 0.0, 0.0)
    matcher.put_item(waits)
    for n in range(50):
        matcher.put_item(Item(2, "voice", frozenset({(f"skill {n}", 5)}), 1, 1.0, 0.0))
        matcher.decide(0.0)
        matcher.check(0.0)
    assert len(matcher._index.kinds.lines) < 30
    matcher.put_agent(Agent(1, True, {"skill 7": 5, "skill 49": 5}))
    assert [one.item_id for one in matcher.decide(0.0)] == [1]


def test_agents_of_the_same_skills_share_what_they_can_serve_and_the_last_takes_it_along():
    matcher = Matcher()
    for n in range(20):
        matcher.put_agent(Agent(n, True, {"x": 5}))
    assert len(matcher._index.kinds.profiles) == 1
    for n in range(20):
        matcher.put_agent(Agent(n, n % 2 == 0, {"y": 5}))
        matcher.check(0.0)
    assert [len(profile.agents) for profile in matcher._index.kinds.profiles.values()] == [10]
    for n in range(20):
        matcher.drop_agent(n)
    assert matcher._index.kinds.profiles == {}


def test_ways_to_stand_are_not_remembered_without_end(monkeypatch):
    monkeypatch.setattr("routing.footing.MOST_KEPT", 10)
    matcher = Matcher()
    for n in range(100):
        matcher.put_agent(Agent(1, True, {}, capacity=n))
    assert len(matcher._index.footings._known) <= 10
