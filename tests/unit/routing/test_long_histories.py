"""Whatever happens to a desk, in whatever order: the invariants hold after every deed, and the index answers as a scan does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.unit.routing.life import FINAL, Life

AGENTS = range(1, 7)
MOST_ITEMS = 14  # at once: the exhaustive look costs items times agents
SKILLS = ["de", "en", "tax"]

levels = st.just({}) | st.dictionaries(st.sampled_from(SKILLS), st.sampled_from([1, 5, 8]), max_size=2)
skills = st.dictionaries(st.sampled_from([*SKILLS, "team:red"]), st.sampled_from([3, 5, 9]), min_size=1, max_size=3)
steps = st.lists(
    st.fixed_dictionaries({"do": st.sampled_from(["drop_skill", "raise_band"]), "skill": st.sampled_from(SKILLS)})
    | st.fixed_dictionaries({"do": st.just("lower_level"), "skill": st.sampled_from(SKILLS), "level": st.integers(1, 5)})
    | st.fixed_dictionaries({"do": st.just("also_team"), "team": st.sampled_from(["red", "blue"])}),
    max_size=3,
).map(lambda steps: [{"after_s": 10 * (place + 1), **step} for place, step in enumerate(steps)])
choices = st.sampled_from(["least_flexible", "longest_idle", "proficiency", "least_loaded"])
picks = st.integers(0, 99)


class RandomLife(RuleBasedStateMachine):
    """What can happen, as rules; who and what it happens to is picked among those to whom it can."""

    lived = 0

    @initialize(people=st.lists(skills, min_size=2, max_size=5))
    def the_desk_opens(self, people):
        self.life = Life()
        for agent_id, known in zip(AGENTS, people, strict=False):
            self.life.agent_comes(agent_id, known)

    def some(self, pick, *states):
        found = [item_id for item_id, state in self.life.state.items() if state in states]
        return found[pick % len(found)] if found else None

    def somebody(self, pick):
        found = list(self.life.rows.agents)
        return found[pick % len(found)] if found else None

    @precondition(lambda self: len([1 for state in self.life.state.values() if state not in FINAL]) < MOST_ITEMS)
    @rule(
        channel=st.sampled_from(["voice", "chat", "email", "complaint"]), requires=levels, tier=st.integers(0, 1), choice=choices
    )
    def work_comes(self, channel, requires, tier, choice):
        self.life.work_comes(channel, requires=requires, tier=tier, choice=choice)

    @precondition(lambda self: len([1 for state in self.life.state.values() if state not in FINAL]) < MOST_ITEMS)
    @rule(
        channel=st.sampled_from(["voice", "chat", "email"]),
        requires=levels,
        also=st.lists(levels, max_size=1),
        overflow=steps,
        sticky=st.none() | st.sampled_from(AGENTS),
    )
    def work_comes_that_relaxes_or_is_for_somebody(self, channel, requires, also, overflow, sticky):
        self.life.work_comes(channel, requires=requires, also=also, overflow=overflow, sticky=sticky)

    @rule(pick=picks)
    def a_customer_gives_up(self, pick):
        if (item_id := self.some(pick, "waiting", "offered")) is not None:
            self.life.gives_up(item_id)

    @rule(pick=picks)
    def work_is_escalated(self, pick):
        if (item_id := self.some(pick, "waiting")) is not None:
            self.life.is_escalated(item_id)

    @rule(agent_id=st.sampled_from(AGENTS), skills=skills, capacity=st.sampled_from([100, 100, 66]))
    def an_agent_comes_or_learns(self, agent_id, skills, capacity):
        if agent_id in self.life.rows.agents:
            self.life.agent_learns(agent_id, skills)
        else:
            self.life.agent_comes(agent_id, skills, capacity)

    @rule(pick=picks, available=st.sampled_from([True, True, False]))
    def an_agent_is_away_or_back(self, pick, available):
        if (agent_id := self.somebody(pick)) is not None:
            self.life.agent_is(agent_id, available)

    @rule(pick=picks)
    def an_agent_logs_off(self, pick):
        if pick % 3 == 0 and (agent_id := self.somebody(pick)) is not None:
            self.life.logs_off(agent_id)

    @rule(pick=picks)
    def an_offer_is_accepted(self, pick):
        if (item_id := self.some(pick, "offered")) is not None:
            self.life.accepts(item_id)

    @rule(pick=picks)
    def an_offer_is_rejected(self, pick):
        if (item_id := self.some(pick, "offered")) is not None:
            self.life.returns(item_id)

    @rule(pick=picks)
    def an_offer_runs_out(self, pick):
        if (item_id := self.some(pick, "offered")) is not None:
            self.life.returns(item_id, cool_off=False, available=False)

    @rule(pick=picks, silent=st.sampled_from([True, True, False]))
    def a_customer_falls_silent_or_speaks_again(self, pick, silent):
        talking = [n for n, state in self.life.state.items() if state == "active" and self.life.item[n].channel == "chat"]
        if talking:
            self.life.customer_is(talking[pick % len(talking)], silent)

    @rule(pick=picks)
    def a_conversation_ends(self, pick):
        if (item_id := self.some(pick, "active")) is not None:
            self.life.ends(item_id)

    @rule(pick=picks)
    def work_is_finished(self, pick):
        if (item_id := self.some(pick, "active", "wrapup")) is not None:
            self.life.finishes(item_id)

    @rule()
    def everybody_is_back_and_done(self):
        for agent in list(self.life.rows.agents.values()):
            self.life.agent_is(agent.id, available=True)
            for item_id in agent.held:
                self.life.finishes(item_id)

    @rule(chat_weight=st.sampled_from([33, 50]), email_maximum=st.sampled_from([2, 5]))
    def the_rules_change(self, chat_weight, email_maximum):
        self.life.rules_change(chat_weight, email_maximum)

    @rule(seconds=st.sampled_from([1.0, 4.0, 10.0, 25.0]))
    def time_passes(self, seconds):
        self.life.clock_moves(seconds)

    @rule(seconds=st.sampled_from([-60.0, 120.0]))
    def the_clock_jumps(self, seconds):
        self.life.clock_moves(seconds)

    @invariant()
    def the_desk_goes_on(self):
        self.life.turn()

    def teardown(self):
        self.life.tells_the_same_again()
        RandomLife.lived += self.life.steps_lived


def live(deeds):
    """At least so many deeds, in histories of a hundred at most. One that fails is told as short as it can be."""
    RandomLife.lived, each = 0, 100
    while RandomLife.lived < deeds:
        examples = max(1, (deeds - RandomLife.lived) // each)
        ways = settings(
            max_examples=examples,
            stateful_step_count=each,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
        )
        run_state_machine_as_test(RandomLife, settings=ways)


@pytest.mark.timeout(600)  # to tell a failure shortly takes long
def test_ten_thousand_deeds_break_no_invariant():
    live(10_000)


@pytest.mark.nightly
def test_a_hundred_thousand_deeds_break_no_invariant():
    live(100_000)
