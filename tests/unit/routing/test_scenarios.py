"""The acceptance scenarios of routing, told with small worlds of named agents."""

from __future__ import annotations

import json
import random

import pytest

from routing.able import COOL_OFF_S, LONE_COOL_OFF_S
from routing.matcher import Matcher
from routing.order import due_at, promote_at
from routing.values import CHANNEL_RULES, DEFERRED, LIVE, Agent, ChannelRule, Item

ANA, BEN, CAI = 1, 2, 3


def agent(agent_id, skills=None, *, held=(), **more):
    return Agent(agent_id, more.pop("available", True), skills or {}, held=dict(held), **more)


def call(item_id, requires=(), *, at=0.0, target=80.0, **more):
    return Item(item_id, more.pop("channel", "voice"), frozenset(requires), more.pop("band", LIVE), at + target, at, **more)


def chat(item_id, requires=(), **more):
    return call(item_id, requires, channel="chat", **more)


def mail(item_id, requires=(), **more):
    return call(item_id, requires, channel="email", band=DEFERRED, **more)


def world(*things, rules=CHANNEL_RULES):
    matcher = Matcher(rules)
    put(matcher, *things)
    return matcher


def put(matcher, *things):
    for thing in things:
        matcher.put_agent(thing) if isinstance(thing, Agent) else matcher.put_item(thing)


def pairs(matcher, now=0.0):
    decided = [(decision.item_id, decision.agent_id) for decision in matcher.decide(now)]
    matcher.check(now)
    return decided


def claim(matcher, *decided, agents=()):
    for item_id, _ in decided:
        matcher.drop_item(item_id)
    put(matcher, *agents)


# Skills


def test_an_agent_without_the_skill_is_never_offered_the_call_and_the_reason_names_it():
    matcher = world(agent(ANA, {"es": 7}), agent(BEN, {"en": 9}), call(10, [("es", 5)]))
    told = {one.agent_id: one for one in matcher.explain(10, 0.0).candidates}
    [decision] = matcher.decide(0.0)
    assert decision.agent_id == ANA
    assert decision.reason["requires"] == [["es", 5]]
    assert told[ANA].rule_failed is None
    assert (told[BEN].rule_failed, told[BEN].detail) == ("skill_missing", {"skill": "es", "needs": 5})


def test_the_minimum_level_counts_more_than_being_idle_for_long():
    people = agent(ANA, {"billing": 4}, idle_since=0.0), agent(BEN, {"billing": 6}, idle_since=540.0)
    assert pairs(world(*people, call(10, [("billing", 5)])), 600.0) == [(10, BEN)]
    matcher = world(*people, call(10, [("billing", 7)]))
    assert pairs(matcher, 600.0) == []
    assert {one.rule_failed for one in matcher.explain(10, 600.0).candidates} == {"level_too_low"}


def test_a_preference_for_experts_never_makes_work_wait():
    busy = agent(ANA, {"tax": 9}, held={1: "voice"})
    assert pairs(world(busy, agent(BEN, {"tax": 6}), call(10, [("tax", 1)], choice="proficiency"))) == [(10, BEN)]
    free = agent(ANA, {"tax": 9}, idle_since=5.0)
    assert pairs(world(free, agent(BEN, {"tax": 6}), call(10, [("tax", 1)], choice="proficiency"))) == [(10, ANA)]


def test_the_least_flexible_agent_leaves_the_generalist_free():
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


# Order


def test_a_tier_with_a_shorter_target_passes_who_came_little_earlier():
    matcher = world(agent(ANA, held={1: "voice"}), call(10, at=0.0, target=80.0), call(11, at=59.0, target=20.0))
    assert pairs(matcher, 59.0) == []
    put(matcher, agent(ANA))
    assert pairs(matcher, 60.0) == [(11, ANA)]


def test_the_head_start_of_a_tier_is_bounded():
    matcher = world(agent(ANA, held={1: "voice"}), call(10, at=0.0, target=80.0), call(11, at=61.0, target=20.0))
    assert pairs(matcher, 61.0) == []
    put(matcher, agent(ANA))
    assert pairs(matcher, 62.0) == [(10, ANA)]


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_passed_by_who_came_later_than_the_head_start_allows(seed):
    for item, overtaken in _overtakings(_overload_day(seed, hours=2)):
        assert item.enqueued_at <= overtaken.enqueued_at + (overtaken.due_at - overtaken.enqueued_at) - 20.0


def test_in_overload_the_waits_of_both_tiers_grow_together():
    waits = {"vip": [], "standard": []}
    for item, started in _overload_day(seed=11, hours=8):
        waits[item.tier].append((started, started - item.enqueued_at))
    # Compared among those served in the same six minutes: their keys are alike, so their ages differ by the head start.
    gaps = []
    for hour in range(2, 8):
        for tenth in range(10):
            begins = hour * 3600.0 + tenth * 360.0
            vip, standard = ([wait for at, wait in waits[tier] if begins <= at < begins + 360.0] for tier in ("vip", "standard"))
            if vip and standard:
                gaps.append(sum(standard) / len(standard) - sum(vip) / len(vip))
    assert max(wait for _, wait in waits["vip"]) > 3600.0
    assert sum(gaps) / len(gaps) == pytest.approx(60.0, abs=3.0)


def _overload_day(seed, hours, agents=20, handle_s=300.0, load=1.3):
    """Calls at 1.3 times what the agents can serve, one in five of the higher tier; (item, when it was served) in order."""
    chance = random.Random(seed)
    matcher = world(*(agent(n) for n in range(1, agents + 1)))
    at, served, ends = 0.0, [], []
    arrivals = []
    while at < hours * 3600.0:
        at += chance.expovariate(load * agents / handle_s)
        tier = "vip" if chance.random() < 0.2 else "standard"
        arrivals.append(call(100 + len(arrivals), at=at, target={"vip": 20.0, "standard": 80.0}[tier], tier=tier))
    known = {item.id: item for item in arrivals}
    arrivals.reverse()
    while arrivals:
        if ends and ends[0][0] < arrivals[-1].enqueued_at:
            now, freed = ends.pop(0)
            put(matcher, agent(freed, idle_since=now))
        else:
            now = arrivals[-1].enqueued_at
            put(matcher, arrivals.pop())
        for decision in matcher.decide(now):
            matcher.drop_item(decision.item_id)
            put(matcher, agent(decision.agent_id, held={decision.item_id: "voice"}))
            served.append((known[decision.item_id], now))
            ends.append((now + chance.expovariate(1 / handle_s), decision.agent_id))
            ends.sort()
    return served


def _overtakings(served):
    """Pairs (item, one that waited when it was served although it came earlier)."""
    for n, (item, _) in enumerate(served):
        for later, _ in served[n + 1 : n + 60]:
            if later.enqueued_at < item.enqueued_at:
                yield item, later


def test_of_two_equal_ranks_the_lower_id_is_first_also_after_a_restart():
    for order in ((10, 11), (11, 10)):
        assert pairs(world(*(call(n) for n in order), agent(ANA))) == [(10, ANA)]


def test_what_a_person_escalated_comes_before_everything():
    assert pairs(world(call(10, at=-500.0), call(11, band=0, target=9000.0), agent(ANA)))[0] == (11, ANA)


def test_live_work_comes_before_deferred_work_however_early_that_is_due():
    assert pairs(world(mail(10, at=-9000.0), chat(11), agent(ANA, capacity=40))) == [(11, ANA)]


# Room


def test_capacity_is_shared_between_channels():
    matcher = world(agent(ANA, held={1: "chat", 2: "chat"}), chat(10), mail(11))
    assert pairs(matcher) == [(10, ANA)]
    [only] = matcher.explain(11, 0.0).candidates
    assert (only.rule_failed, only.detail) == ("capacity", {"used": 99, "weight": 20, "capacity": 100})


def test_a_call_needs_the_agent_to_itself_and_then_comes_before_later_chats():
    matcher = world(agent(ANA, held={1: "chat"}), call(10))
    assert pairs(matcher) == []
    put(matcher, agent(ANA), chat(11, target=81.0))
    assert pairs(matcher) == [(10, ANA)]
    assert [item.id for item in matcher.waiting()] == [11]


def test_a_call_parks_mail_and_no_more_mail_comes_until_it_ends():
    mails = {1: "email", 2: "email", 3: "email"}
    matcher = world(agent(ANA, held=mails), call(10))
    assert pairs(matcher) == [(10, ANA)]
    claim(matcher, (10, ANA), agents=[agent(ANA, held={**mails, 10: "voice"})])
    put(matcher, mail(11))
    assert pairs(matcher) == []
    put(matcher, agent(ANA, held=mails))
    assert pairs(matcher) == [(11, ANA)]


def test_mail_keeps_the_call_waiting_where_the_tenant_says_so():
    rules = {**CHANNEL_RULES, "email": ChannelRule(20, 5)}
    assert pairs(world(agent(ANA, held={1: "email"}), call(10), rules=rules)) == []


# Promotion


def test_mail_joins_the_live_work_before_it_is_due_and_gets_the_first_free_moment():
    noon = 43_200.0
    matcher = world(agent(ANA, held={1: "voice"}))
    put(matcher, mail(10, at=noon - 14_400.0, target=14_400.0, promote_at=promote_at(noon, 600.0)))
    for n in range(5):
        put(matcher, call(20 + n, at=noon - 700.0 + n))
    assert pairs(matcher, noon - 690.0) == []
    assert matcher.next_change_at() == noon - 600.0
    put(matcher, agent(ANA))
    assert pairs(matcher, noon - 601.0) == [(20, ANA)]
    claim(matcher, (20, ANA), agents=[agent(ANA, held={20: "voice"})])
    assert pairs(matcher, noon - 600.0) == []
    assert matcher.explain(10, noon - 600.0).key == (LIVE, noon, 10)
    put(matcher, *(call(30 + n, at=noon) for n in range(3)))
    # 21 to 24 were due before noon; after them the mail is first, before any call that came later.
    assert [item.id for item in matcher.waiting()] == [21, 22, 23, 24, 10, 30, 31, 32]
    for n in range(21, 25):
        put(matcher, agent(ANA))
        assert pairs(matcher, noon) == [(n, ANA)]
        claim(matcher, (n, ANA), agents=[agent(ANA, held={n: "voice"})])
    put(matcher, agent(ANA))
    assert pairs(matcher, noon)[0] == (10, ANA)


# The customer's own agent


def test_a_returning_customer_meets_the_same_agent_although_others_are_idle_longer():
    matcher = world(agent(ANA, idle_since=0.0), agent(BEN, idle_since=90.0))
    put(matcher, call(10, at=100.0, sticky_agent=BEN, sticky_until=115.0))
    [decision] = matcher.decide(100.0)
    assert (decision.agent_id, decision.reason["mode"]) == (BEN, "sticky")


def test_an_item_is_held_for_its_busy_agent_exactly_as_long_as_promised():
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
    matcher = world(agent(ANA, held={1: "voice"}), agent(BEN, held={2: "voice"}))
    put(matcher, call(10, at=0.0, sticky_agent=BEN, sticky_until=15.0), call(11, at=5.0))
    assert pairs(matcher, 5.0) == []
    assert (matcher.position(10), matcher.position(11)) == (1, 2)
    put(matcher, agent(ANA))
    assert pairs(matcher, 15.0) == [(10, ANA)]


def test_an_item_is_not_held_for_an_agent_who_is_away_or_leaves():
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


# Refusals


def test_who_refused_is_passed_over_until_the_cool_off_ends_and_the_place_is_kept():
    matcher = world(agent(ANA), agent(BEN, held={1: "voice"}), call(10, at=0.0), call(11, at=1.0))
    assert pairs(matcher, 1.0) == [(10, ANA)]
    until = 1.0 + matcher.cool_off_s(10, ANA)
    assert until == 1.0 + COOL_OFF_S
    put(matcher, call(10, at=0.0, excluded={ANA: until}, version=1), agent(ANA, version=1))
    assert pairs(matcher, 1.0) == [(11, ANA)]
    put(matcher, agent(BEN, version=1))
    assert pairs(matcher, 2.0) == [(10, BEN)]


def test_the_only_agent_for_an_item_is_offered_it_again_soon():
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


# No idle agent while work waits


def test_the_fourth_chat_is_taken_before_the_fifth_when_an_agent_frees():
    """A well-known fault elsewhere: work queued while all were full was forgotten, and the next arrival served instead."""
    matcher = world(agent(ANA, held={1: "chat", 2: "chat", 3: "chat"}), chat(4, at=4.0))
    assert pairs(matcher, 4.0) == []
    put(matcher, agent(ANA, held={1: "chat", 2: "chat"}), chat(5, at=5.0))
    assert pairs(matcher, 5.0) == [(4, ANA)]
    put(matcher, agent(ANA, held={2: "chat", 4: "chat"}))
    claim(matcher, (4, ANA))
    assert pairs(matcher, 6.0) == [(5, ANA)]


def test_everything_that_fits_is_decided_at_once():
    matcher = world(*(chat(10 + n) for n in range(5)), agent(ANA), agent(BEN))
    assert len(pairs(matcher)) == 5
    assert pairs(matcher) == []


# The durable shell


def test_a_decision_is_made_once_until_fresh_state_is_put():
    matcher = world(agent(ANA), call(10), call(11, at=1.0))
    assert pairs(matcher) == [(10, ANA)]
    assert pairs(matcher, 2.0) == []
    assert matcher.explain(10, 2.0).decided_agent == ANA
    assert (matcher.position(10), matcher.explain(10, 2.0).position) == (None, 0)


def test_an_item_that_is_put_again_waits_again_and_its_agent_is_free():
    matcher = world(agent(ANA), call(10))
    assert pairs(matcher) == [(10, ANA)]
    put(matcher, call(10))
    assert pairs(matcher) == [(10, ANA)]
    matcher.drop_item(10)
    put(matcher, call(10))
    assert pairs(matcher) == [(10, ANA)]


def test_a_claimed_item_keeps_its_agent_busy_before_the_agent_is_put():
    matcher = world(agent(ANA), call(10), call(11))
    assert pairs(matcher) == [(10, ANA)]
    matcher.drop_item(10)
    assert pairs(matcher) == []


def test_putting_everything_again_changes_nothing():
    things = [agent(ANA, held={1: "voice"}), agent(BEN, {"x": 5}), call(10, [("x", 9)]), call(11, [("y", 1)])]
    matcher = world(*things)
    assert pairs(matcher) == []
    put(matcher, *reversed(things), *things)
    assert pairs(matcher) == []
    assert [item.id for item in matcher.waiting()] == [10, 11]


def test_an_older_row_never_replaces_a_newer_one():
    matcher = world(agent(ANA, held={1: "voice"}, version=5), call(10))
    put(matcher, agent(ANA, version=4))
    assert pairs(matcher) == []
    matcher = world(agent(ANA), call(10, [("x", 1)], version=5))
    put(matcher, call(10, version=4))
    assert pairs(matcher) == []


def test_dropping_the_unknown_is_fine():
    matcher = Matcher()
    matcher.drop_item(1)
    matcher.drop_agent(1)
    assert matcher.decide(0.0) == []
    assert (matcher.next_change_at(), matcher.position(1), matcher.waiting()) == (None, None, ())


def test_work_that_is_given_up_before_it_is_looked_at_is_forgotten():
    matcher = world(agent(ANA), agent(BEN), call(10))
    matcher.drop_item(10)
    matcher.drop_agent(BEN)
    assert pairs(matcher) == []


def test_bad_input_is_refused_and_changes_nothing():
    matcher = world(agent(ANA, held={1: "voice"}), call(10))
    with pytest.raises(ValueError, match="fax"):
        put(matcher, call(10, channel="fax"))
    with pytest.raises(ValueError, match="by lot"):
        put(matcher, call(10, choice="by lot"))
    with pytest.raises(ValueError, match="fax"):
        put(matcher, agent(ANA, held={1: "fax"}))
    assert matcher.waiting() == (call(10),)
    with pytest.raises(KeyError):
        matcher.explain(99, 0.0)


def test_a_clock_that_goes_back_changes_nothing():
    matcher = world(agent(ANA), call(10, excluded={ANA: 100.0}))
    assert pairs(matcher, 99.0) == []
    assert matcher.decide(-3600.0) == []
    assert matcher.next_change_at() == 100.0
    assert pairs(matcher, 100.0) == [(10, ANA)]


def test_work_that_was_promoted_stays_promoted_when_the_clock_goes_back():
    matcher = world(mail(10, promote_at=50.0))
    assert pairs(matcher, 60.0) == []
    put(matcher, mail(11, promote_at=50.0))
    assert matcher.decide(0.0) == []
    put(matcher, mail(12, promote_at=50.0))
    assert [matcher.explain(item_id, 0.0).key[0] for item_id in (10, 11, 12)] == [LIVE, LIVE, LIVE]


def test_work_comes_back_from_an_agent_who_is_gone():
    matcher = world(agent(ANA), call(10))
    assert pairs(matcher) == [(10, ANA)]
    matcher.drop_agent(ANA)
    put(matcher, call(10), agent(BEN))
    assert pairs(matcher, 1.0) == [(10, BEN)]


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


def test_the_head_start_is_the_difference_of_the_targets():
    assert due_at(0.0, 80.0) - due_at(0.0, 20.0) == 60.0
