"""How much one agent carries: shared capacity, calls alone, mail that gives way."""

from __future__ import annotations

import pytest

from routing.values import CHANNEL_RULES, ChannelRule
from tests.unit.routing.small_world import ANA, BEN, agent, call, chat, claim, mail, pairs, put, world


def test_capacity_is_shared_between_channels():
    """Acceptance scenario 9."""
    matcher = world(agent(ANA, held={1: "chat", 2: "chat"}), chat(10), mail(11))
    assert pairs(matcher) == [(10, ANA)]
    [only] = matcher.explain(11, 0.0).candidates
    assert (only.rule_failed, only.detail) == ("capacity", {"used": 99, "weight": 20, "capacity": 100})


def test_a_call_needs_the_agent_to_itself_and_then_comes_before_later_chats():
    """Acceptance scenario 10."""
    matcher = world(agent(ANA, held={1: "chat"}), call(10))
    assert pairs(matcher) == []
    put(matcher, agent(ANA), chat(11, target=81.0))
    assert pairs(matcher) == [(10, ANA)]
    assert [item.id for item in matcher.waiting()] == [11]


def test_a_call_parks_mail_and_no_more_mail_comes_until_it_ends():
    """Acceptance scenario 11."""
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


def test_mail_is_parked_by_a_call_and_lost_by_nobody():
    """Acceptance scenario 11: parked work stays in the agent's hands, uses no capacity, and is there again after the call."""
    mails = {1: "email", 2: "email", 3: "email"}
    on_call = agent(ANA, held={**mails, 10: "voice"})
    assert (on_call.used, agent(ANA, held=mails).used) == (100, 60)
    matcher = world(on_call, mail(11), mail(12), mail(13))
    assert pairs(matcher) == []
    assert {matcher.explain(n, 0.0).candidates[0].rule_failed for n in (11, 12, 13)} == {"voice_exclusive"}
    put(matcher, agent(ANA, held=mails))
    assert pairs(matcher, 60.0) == [(11, ANA), (12, ANA)]
    assert matcher.explain(13, 60.0).candidates[0].rule_failed == "channel_maximum"


def test_other_rules_count_at_once_and_take_nothing_away():
    matcher = world(agent(ANA, held={1: "chat", 2: "chat", 3: "chat"}), chat(10), mail(11))
    assert pairs(matcher) == []
    matcher.put_rules({**CHANNEL_RULES, "chat": ChannelRule(20, 4)})
    assert pairs(matcher, 1.0) == [(10, ANA), (11, ANA)]
    matcher.put_rules({**CHANNEL_RULES, "chat": ChannelRule(50, 1)})
    put(matcher, chat(12))
    assert pairs(matcher, 2.0) == []
    assert matcher.explain(12, 2.0).candidates[0].rule_failed == "channel_maximum"


def test_mail_stops_keeping_calls_away_when_the_tenant_says_so():
    """Acceptance scenario 11."""
    matcher = world(agent(ANA, held={1: "email"}), call(10), rules={**CHANNEL_RULES, "email": ChannelRule(20, 5)})
    assert pairs(matcher) == []
    matcher.put_rules(CHANNEL_RULES)
    assert pairs(matcher, 1.0) == [(10, ANA)]


def test_rules_that_leave_out_a_channel_in_use_are_refused():
    matcher = world(agent(ANA, held={1: "voice"}), mail(10))
    for needed in ("voice", "email"):
        rest = {channel: rule for channel, rule in CHANNEL_RULES.items() if channel != needed}
        with pytest.raises(ValueError, match=needed):
            matcher.put_rules(rest)
    matcher.put_rules({channel: CHANNEL_RULES[channel] for channel in ("voice", "email")})
    assert [item.id for item in matcher.waiting()] == [10]


def test_under_other_rules_who_is_least_loaded_is_another():
    matcher = world(agent(ANA, held={1: "chat", 2: "chat"}), agent(BEN, held={3: "email", 4: "email", 5: "email"}))
    put(matcher, chat(10, choice="least_loaded"))
    assert pairs(matcher) == [(10, BEN)]
    put(matcher, chat(11, [("x", 9)]), agent(BEN, held={3: "email", 4: "email", 5: "email"}, version=1))
    matcher.drop_item(10)
    assert pairs(matcher, 1.0) == []
    matcher.put_rules({**CHANNEL_RULES, "email": ChannelRule(30, 5, interruptible=True)})
    put(matcher, chat(12, choice="least_loaded"))
    assert pairs(matcher, 2.0) == [(12, ANA)]


def test_two_customers_who_are_silent_make_room_for_one_more_chat():
    two_and_one = {1: "chat", 2: "chat", 3: "chat_idle"}
    matcher = world(agent(ANA, held=two_and_one), chat(10))
    assert pairs(matcher) == []
    [only] = matcher.explain(10, 0.0).candidates
    assert (only.rule_failed, only.detail) == ("channel_maximum", {"count": 2.5, "maximum": 3, "halves": 1})
    put(matcher, agent(ANA, held={1: "chat", 2: "chat_idle", 3: "chat_idle"}))
    assert pairs(matcher, 1.0) == [(10, ANA)]


def test_of_three_customers_who_are_silent_the_odd_one_makes_no_room():
    held = {1: "chat", 2: "chat_idle", 3: "chat_idle", 4: "chat_idle"}
    assert pairs(world(agent(ANA, held=held), chat(10))) == []
    assert pairs(world(agent(ANA, held={**held, 1: "chat_idle"}), chat(10), chat(11))) == [(10, ANA)]


def test_who_speaks_again_counts_at_once_even_beyond_the_maximum_and_nobody_is_thrown_out():
    held = {1: "chat", 2: "chat_idle", 3: "chat_idle", 4: "chat"}
    over = agent(ANA, held={**held, 2: "chat", 3: "chat"})
    matcher = world(over, chat(10))
    assert pairs(matcher) == []
    assert (over.used, over.counts) == (132, {"chat": 4})
    put(matcher, agent(ANA, held={1: "chat", 2: "chat", 3: "chat"}))
    assert pairs(matcher, 1.0) == []
    put(matcher, agent(ANA, held={1: "chat", 2: "chat"}))
    assert pairs(matcher, 2.0) == [(10, ANA)]


def test_half_a_chat_weighs_half_of_whatever_the_house_says_and_is_no_less_live():
    rules = {**CHANNEL_RULES, "chat": ChannelRule(50, 2)}
    assert pairs(world(agent(ANA, held={1: "chat_idle", 2: "chat_idle"}), chat(10), rules=rules)) == [(10, ANA)]
    assert pairs(world(agent(ANA, held={1: "chat_idle"}), chat(10), chat(11), rules=rules)) == [(10, ANA)]
    matcher = world(agent(ANA, held={1: "chat_idle"}), call(10))
    assert pairs(matcher) == []
    assert matcher.explain(10, 0.0).candidates[0].rule_failed == "voice_exclusive"


def test_the_least_loaded_is_who_has_fewer_who_speak():
    matcher = world(agent(ANA, held={1: "chat"}), agent(BEN, held={2: "chat_idle"}), chat(10, choice="least_loaded"))
    assert pairs(matcher) == [(10, BEN)]


def test_half_a_chat_of_a_channel_without_a_rule_is_refused():
    with pytest.raises(ValueError, match="'chat' held by agent 1"):
        world(agent(ANA, held={1: "chat_idle"}), rules={"voice": CHANNEL_RULES["voice"]})
