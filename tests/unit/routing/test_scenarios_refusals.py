"""Offers that come back: refused, missed, or cut off with the line."""

from __future__ import annotations

from routing.able import COOL_OFF_S, LONE_COOL_OFF_S
from tests.unit.routing.small_world import ANA, BEN, agent, call, chat, pairs, put, world


def test_who_refused_is_passed_over_until_the_cool_off_ends_and_the_place_is_kept():
    """Acceptance scenario 16."""
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, at=0.0), call(11, at=1.0))
    assert pairs(matcher, 1.0) == [(10, ANA)]
    until = 1.0 + matcher.cool_off_s(10, ANA)
    assert until == 1.0 + COOL_OFF_S
    put(matcher, call(10, at=0.0, excluded={ANA: until}, version=1), agent(ANA, version=1))
    assert pairs(matcher, 1.0) == [(11, ANA)]
    put(matcher, agent(BEN, version=1))
    assert pairs(matcher, 2.0) == [(10, BEN)]


def test_the_only_agent_for_an_item_is_offered_it_again_soon():
    """Acceptance scenario 16."""
    matcher = world(agent(ANA, {"x": 5}), agent(BEN), call(10, [("x", 1)]))
    assert pairs(matcher, 0.0) == [(10, ANA)]
    until = matcher.cool_off_s(10, ANA)
    assert until == LONE_COOL_OFF_S
    put(matcher, call(10, [("x", 1)], excluded={ANA: until}), agent(ANA, {"x": 5}, version=1))
    assert pairs(matcher, 9.9) == []
    assert matcher.next_change_at() == 10.0
    assert pairs(matcher, 10.0) == [(10, ANA)]


def test_an_agent_who_is_excluded_himself_does_not_make_the_cool_off_longer():
    matcher = world(agent(ANA), agent(BEN), call(10, excluded={BEN: float("inf")}))
    assert pairs(matcher, 0.0) == [(10, ANA)]
    assert matcher.cool_off_s(10, ANA) == LONE_COOL_OFF_S


def test_who_has_a_conflict_of_interest_is_never_offered_the_case():
    matcher = world(agent(ANA), call(10, channel="complaint", excluded={ANA: float("inf")}))
    assert pairs(matcher, 1e12) == []
    assert matcher.next_change_at() is None


def test_who_is_passed_over_is_counted_in_the_reason():
    matcher = world(agent(ANA), call(10, at=0.0, excluded={ANA: 60.0}), call(11, at=1.0))
    [decision] = matcher.decide(1.0)
    assert (decision.item_id, decision.reason["passed_over"]) == (11, 1)


def test_work_comes_back_from_an_agent_who_is_gone():
    matcher = world(agent(ANA), call(10))
    assert pairs(matcher) == [(10, ANA)]
    matcher.drop_agent(ANA)
    put(matcher, call(10), agent(BEN))
    assert pairs(matcher, 1.0) == [(10, BEN)]


def test_an_offer_that_ran_out_puts_the_work_back_in_its_place():
    """Acceptance scenario 17: who missed it is no longer available, and is not offered it again by coming back to life."""
    matcher = world(agent(ANA), call(10, at=0.0), call(11, at=1.0))
    assert pairs(matcher, 1.0) == [(10, ANA)]
    put(matcher, call(10, at=0.0, version=1), agent(ANA, available=False, version=1))
    assert pairs(matcher, 16.0) == []
    assert [item.id for item in matcher.waiting()] == [10, 11]
    assert matcher.explain(10, 16.0).candidates[0].rule_failed == "not_available"
    put(matcher, agent(ANA, version=2))
    assert pairs(matcher, 20.0) == [(10, ANA)]


def test_a_line_that_breaks_in_an_offer_moves_offer_and_chats_on_and_leaves_the_call():
    """Acceptance scenario 19."""
    matcher = world(agent(ANA, held={1: "chat"}), chat(10, at=5.0))
    assert pairs(matcher, 5.0) == [(10, ANA)]
    put(matcher, agent(BEN), agent(ANA, available=False, version=1), chat(10, at=5.0, version=1), chat(1, at=0.0))
    assert pairs(matcher, 6.0) == [(1, BEN), (10, BEN)]
    matcher = world(agent(ANA, available=False, held={1: "voice"}), call(10))
    put(matcher, agent(ANA, available=True, held={1: "voice"}, version=1))
    assert pairs(matcher) == []
    assert matcher.explain(10, 0.0).candidates[0].rule_failed == "channel_maximum"


def test_a_caller_who_hangs_up_in_an_offer_costs_the_agent_neither_room_nor_idle_time():
    """Acceptance scenario 20."""
    matcher = world(agent(ANA, idle_since=1.0), agent(BEN, idle_since=2.0), call(10))
    assert pairs(matcher, 10.0) == [(10, ANA)]
    matcher.drop_item(10)
    put(matcher, agent(ANA, idle_since=1.0, version=1), call(11))
    assert pairs(matcher, 11.0) == [(11, ANA)]
    assert [item.id for item in matcher.waiting()] == []
