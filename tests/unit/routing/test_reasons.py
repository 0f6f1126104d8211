"""Why this item and why this agent; why this one waits."""

from __future__ import annotations

import json

from routing.overflow import steps_of
from routing.values import LIVE
from tests.unit.routing.small_world import ANA, BEN, CAI, agent, call, put, world


def test_a_reason_is_fit_to_be_stored_and_says_why():
    matcher = world(
        agent(ANA, {"x": 5}, idle_since=3.0), agent(BEN, {"x": 5}, idle_since=4.0), agent(CAI, {"x": 5}, held={1: "voice"})
    )
    put(matcher, call(10, [("x", 1)], at=8.0))
    [decision] = matcher.decide(10.0)
    reason = json.loads(json.dumps(decision.reason))
    assert reason == {
        "mode": "least_flexible",
        "key": [1, 88.0, 10],
        "promoted": False,
        "relaxed": [],
        "channel": "voice",
        "requires": [["x", 1]],
        "also": [],
        "waited_s": 2.0,
        "passed_over": 0,
        "waiting": 1,
        "able": 3,
        "free": 2,
        "scores": {"proficiency": 1, "load": 0.0, "flexibility": 1, "idle_since": 3.0},
        "candidates": [
            {"agent": ANA, "proficiency": 1, "load": 0.0, "flexibility": 1, "idle_since": 3.0},
            {"agent": BEN, "proficiency": 1, "load": 0.0, "flexibility": 1, "idle_since": 4.0},
        ],
        "kept_away": {"channel_maximum": 1},
    }


def test_an_explanation_lists_able_agents_in_the_order_of_choice():
    matcher = world(agent(ANA, {"x": 5}, idle_since=4.0), agent(BEN, {"x": 5}, idle_since=3.0), agent(CAI), call(10, [("x", 1)]))
    told = matcher.explain(10, 5.0)
    assert [(one.agent_id, one.rule_failed) for one in told.candidates] == [(BEN, None), (ANA, None), (CAI, "skill_missing")]
    assert (told.position, told.class_size, told.next_change_at) == (1, 1, None)


def test_a_reason_tells_who_was_passed_over_and_why():
    matcher = world(
        agent(ANA, {"x": 5}),
        agent(BEN, {"x": 5}, held={1: "chat", 2: "chat", 3: "chat"}),
        agent(CAI, {"x": 5}, held={4: "voice"}),
        agent(4, {"x": 5}),
        agent(5, {"x": 5}, available=False),
        agent(6, {"y": 5}),
    )
    put(matcher, call(10, [("x", 1)], channel="chat", excluded={4: 60.0}))
    [decision] = matcher.decide(1.0)
    assert decision.agent_id == ANA
    assert (decision.reason["able"], decision.reason["free"]) == (4, 1)
    assert decision.reason["kept_away"] == {"channel_maximum": 1, "excluded": 1, "voice_exclusive": 1}


def test_a_reason_is_bounded_however_many_could_have_taken_it():
    matcher = world(*(agent(n, idle_since=float(100 - n)) for n in range(1, 60)), call(100, at=200.0))
    [decision] = matcher.decide(200.0)
    assert (decision.reason["able"], decision.reason["free"]) == (59, 59)
    assert [one["agent"] for one in decision.reason["candidates"]] == [59, 58, 57, 56, 55]
    assert len(json.dumps(decision.reason)) < 1500


def test_of_several_decisions_in_one_turn_each_tells_the_moment_it_was_made_at():
    matcher = world(agent(ANA, idle_since=0.0), agent(BEN, idle_since=1.0), call(10, at=2.0), call(11, at=3.0), call(12, at=4.0))
    first, second = matcher.decide(5.0)
    assert [(one.item_id, one.agent_id) for one in (first, second)] == [(10, ANA), (11, BEN)]
    # Asked for in the other order, and after both were decided.
    assert [second.reason[key] for key in ("able", "free", "waiting", "kept_away")] == [2, 1, 2, {"channel_maximum": 1}]
    assert [first.reason[key] for key in ("able", "free", "waiting", "kept_away")] == [2, 2, 3, {}]
    assert [one["agent"] for one in first.reason["candidates"]] == [ANA, BEN]


def test_a_reason_that_is_asked_for_late_tells_only_what_is_still_certain():
    matcher = world(agent(ANA, {"x": 9}), call(10, [("x", 1)]))
    [decision] = matcher.decide(3.0)
    put(matcher, agent(BEN, {"x": 2}))
    assert decision.reason["scores"] == {"proficiency": 2, "load": 0.0, "flexibility": 1, "idle_since": 0.0}
    assert decision.reason["waited_s"] == 3.0
    assert "able" not in decision.reason


def test_the_load_in_a_reason_is_what_the_agent_carried_before():
    matcher = world(agent(ANA, held={1: "chat"}), call(10, channel="chat"), call(11, channel="chat", at=1.0))
    assert [one.reason["scores"]["load"] for one in matcher.decide(1.0)] == [0.33, 0.66]


def test_a_reason_says_when_the_agent_is_the_customers_own():
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, sticky_agent=BEN, sticky_until=15.0))
    assert matcher.decide(0.0) == []
    put(matcher, agent(BEN, idle_since=9.0))
    [decision] = matcher.decide(9.0)
    assert (decision.reason["mode"], decision.reason["kept_away"]) == ("sticky", {"sticky_hold": 1})
    assert [one["agent"] for one in decision.reason["candidates"]] == [BEN]


def test_an_explanation_counts_who_fails_which_rule_and_says_what_comes_next():
    step = {"after_s": 30, "do": "drop_skill", "skill": "x"}
    asked = frozenset({("x", 5)})
    matcher = world(agent(ANA), agent(BEN), agent(CAI, {"x": 3}), agent(4, {"x": 9}, held={1: "voice"}))
    put(matcher, call(10, asked, steps=steps_of([step], asked, LIVE, float)))
    assert matcher.decide(1.0) == []
    told = matcher.explain(10, 1.0)
    assert told.failed == {"skill_missing": 2, "level_too_low": 1, "channel_maximum": 1}
    assert (told.asked.requires, told.next_step.done, told.next_change_at) == (asked, step, 30.0)


def test_an_explanation_does_not_mind_who_is_gone_or_a_clock_that_is_late():
    matcher = world(agent(ANA, available=False), call(10))
    assert matcher.decide(50.0) == []
    assert matcher.explain(10, 0.0).failed == {"not_available": 1}
    matcher.drop_agent(ANA)
    assert matcher.explain(10, 0.0).candidates == ()
