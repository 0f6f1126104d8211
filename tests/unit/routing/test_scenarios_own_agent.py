"""The customer's own agent: kept for a while, and given up without losing the place."""

from __future__ import annotations

from tests.unit.routing.small_world import ANA, BEN, agent, call, pairs, put, world


def test_a_returning_customer_meets_the_same_agent_although_others_are_idle_longer():
    """Acceptance scenario 13."""
    matcher = world(agent(ANA, idle_since=0.0), agent(BEN, idle_since=90.0))
    put(matcher, call(10, at=100.0, sticky_agent=BEN, sticky_until=115.0))
    [decision] = matcher.decide(100.0)
    assert (decision.agent_id, decision.reason["mode"]) == (BEN, "sticky")


def test_an_item_is_held_for_its_busy_agent_exactly_as_long_as_promised():
    """Acceptance scenario 14."""
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}))
    put(matcher, call(10, at=0.0, sticky_agent=BEN, sticky_until=15.0))
    assert pairs(matcher, 0.0) == []
    assert matcher.next_change_at() == 15.0
    told = matcher.explain(10, 1.0)
    assert (told.held_for, told.held_until) == (BEN, 15.0)
    assert {one.agent_id: one.rule_failed for one in told.candidates} == {ANA: "sticky_hold", BEN: "channel_maximum"}
    assert pairs(matcher, 14.9) == []
    assert pairs(matcher, 15.0) == [(10, ANA)]


def test_an_item_that_was_held_keeps_its_place():
    """Acceptance scenario 14."""
    matcher = world(agent(ANA, held={1: "voice"}), agent(BEN, held={2: "voice"}))
    put(matcher, call(10, at=0.0, sticky_agent=BEN, sticky_until=15.0), call(11, at=5.0))
    assert pairs(matcher, 5.0) == []
    assert (matcher.position(10), matcher.position(11)) == (1, 2)
    put(matcher, agent(ANA))
    assert pairs(matcher, 15.0) == [(10, ANA)]


def test_an_item_is_not_held_for_an_agent_who_is_away_or_leaves():
    """Acceptance scenario 14."""
    away = agent(BEN, available=False)
    assert pairs(world(agent(ANA), away, call(10, sticky_agent=BEN, sticky_until=15.0))) == [(10, ANA)]
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, sticky_agent=BEN, sticky_until=15.0))
    assert pairs(matcher) == []
    put(matcher, away)
    assert pairs(matcher, 1.0) == [(10, ANA)]
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, sticky_agent=BEN, sticky_until=15.0))
    assert pairs(matcher) == []
    matcher.drop_agent(BEN)
    assert pairs(matcher, 1.0) == [(10, ANA)]


def test_an_item_is_held_for_an_agent_who_is_put_after_it():
    matcher = world(call(10, sticky_agent=BEN, sticky_until=15.0), agent(ANA), agent(BEN, held={1: "voice"}))
    assert pairs(matcher) == []
    put(matcher, agent(BEN))
    assert pairs(matcher, 1.0) == [(10, BEN)]


def test_an_item_is_not_held_for_an_agent_who_lost_the_skill():
    matcher = world(agent(ANA, {"x": 5}), agent(BEN, {"y": 5}), call(10, [("x", 1)], sticky_agent=BEN, sticky_until=15.0))
    assert pairs(matcher) == [(10, ANA)]


def test_a_customers_own_agent_who_is_not_there_is_not_waited_for():
    """Acceptance scenario 14: offline means no hold at all, not even until his return."""
    matcher = world(call(10, at=0.0, sticky_agent=BEN, sticky_until=15.0))
    assert pairs(matcher, 0.0) == []
    told = matcher.explain(10, 0.0)
    assert (told.held_for, told.next_change_at) == (None, None)
    put(matcher, agent(ANA))
    assert pairs(matcher, 1.0) == [(10, ANA)]


def test_who_refused_his_own_customer_is_not_waited_for():
    """Acceptance scenario 14."""
    matcher = world(agent(ANA), agent(BEN), call(10, sticky_agent=BEN, sticky_until=60.0, excluded={BEN: 30.0}))
    assert pairs(matcher, 1.0) == [(10, ANA)]


def test_held_work_is_passed_by_later_work_only_at_other_agents():
    """Acceptance scenario 14: the hold is bounded, and the held call is first again when it ends."""
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, at=0.0, sticky_agent=BEN, sticky_until=15.0))
    put(matcher, call(11, at=2.0))
    assert pairs(matcher, 2.0) == [(11, ANA)]
    put(matcher, call(12, at=3.0), agent(BEN))
    assert pairs(matcher, 4.0) == [(10, BEN)]
