"""Who is able, and which of those: skills, levels and the ways to choose."""

from __future__ import annotations

from tests.unit.routing.small_world import ANA, BEN, agent, call, chat, pairs, put, world


def test_an_agent_without_the_skill_is_never_offered_the_call_and_the_reason_names_it():
    """Acceptance scenario 1."""
    matcher = world(agent(ANA, {"es": 7}), agent(BEN, {"en": 9}), call(10, [("es", 5)]))
    told = {one.agent_id: one for one in matcher.explain(10, 0.0).candidates}
    [decision] = matcher.decide(0.0)
    assert decision.agent_id == ANA
    assert decision.reason["requires"] == [["es", 5]]
    assert told[ANA].rule_failed is None
    assert (told[BEN].rule_failed, told[BEN].detail) == ("skill_missing", {"skill": "es", "needs": 5})


def test_the_minimum_level_counts_more_than_being_idle_for_long():
    """Acceptance scenario 2."""
    people = agent(ANA, {"billing": 4}, idle_since=0.0), agent(BEN, {"billing": 6}, idle_since=540.0)
    assert pairs(world(*people, call(10, [("billing", 5)])), 600.0) == [(10, BEN)]
    matcher = world(*people, call(10, [("billing", 7)]))
    assert pairs(matcher, 600.0) == []
    assert {one.rule_failed for one in matcher.explain(10, 600.0).candidates} == {"level_too_low"}


def test_a_preference_for_experts_never_makes_work_wait():
    """Acceptance scenario 3."""
    busy = agent(ANA, {"tax": 9}, held={1: "voice"})
    assert pairs(world(busy, agent(BEN, {"tax": 6}), call(10, [("tax", 1)], choice="proficiency"))) == [(10, BEN)]
    free = agent(ANA, {"tax": 9}, idle_since=5.0)
    assert pairs(world(free, agent(BEN, {"tax": 6}), call(10, [("tax", 1)], choice="proficiency"))) == [(10, ANA)]


def test_the_least_flexible_agent_leaves_the_generalist_free():
    """Acceptance scenario 4."""
    matcher = world(agent(ANA, {"x": 5}, idle_since=9.0), agent(BEN, {"x": 5, "y": 5}, idle_since=0.0))
    put(matcher, call(10, [("x", 1)]))
    assert pairs(matcher, 10.0) == [(10, ANA)]
    put(matcher, call(11, [("y", 1)]))
    assert pairs(matcher, 10.0) == [(11, BEN)]


def test_where_agents_must_see_plain_fairness_the_longest_idle_is_chosen():
    people = agent(ANA, {"x": 5}, idle_since=9.0), agent(BEN, {"x": 5, "y": 5}, idle_since=0.0)
    assert pairs(world(*people, call(10, [("x", 1)], choice="longest_idle")), 10.0) == [(10, BEN)]


def test_a_chat_goes_to_the_least_loaded_agent():
    people = agent(ANA, held={1: "chat", 2: "chat"}), agent(BEN, held={3: "chat"}, idle_since=50.0)
    assert pairs(world(*people, chat(10, choice="least_loaded"))) == [(10, BEN)]
