"""Each rule that can keep an agent and an item apart, alone."""

from __future__ import annotations

import pytest

from routing.able import COOL_OFF_S, LONE_COOL_OFF_S, cool_off_s, failure, holder, is_qualified, person_failure
from routing.values import CHANNEL_RULES, Agent, ChannelRule, Item, load_of


def item(channel="voice", requires=(), **more):
    return Item(1, channel, frozenset(requires), 1, 80.0, 0.0, **more)


def failed(work, agent, *, now=0.0, rules=CHANNEL_RULES, held_for=None):
    found = failure(work, agent, load_of(agent.held, rules), now, rules, held_for)
    return found and found[0]


def holding(*channels, **more):
    return Agent(7, True, {"billing": 6}, held={100 + n: channel for n, channel in enumerate(channels)}, **more)


@pytest.mark.parametrize(
    ("work", "agent", "rule"),
    [
        (item(), Agent(7, False, {}), "not_available"),
        (item(requires=[("es", 5)]), holding(), "skill_missing"),
        (item(requires=[("billing", 7)]), holding(), "level_too_low"),
        (item(requires=[("billing", 7), ("es", 5)]), holding(), "skill_missing"),
        (item(excluded={7: 60.0}), holding(), "excluded"),
        (item("voice"), holding("voice"), "channel_maximum"),
        (item("voice"), holding("chat"), "voice_exclusive"),
        (item("chat"), holding("voice"), "voice_exclusive"),
        (item("email"), holding("voice"), "voice_exclusive"),
        (item("chat"), holding("chat", capacity=50), "capacity"),
        (item("voice"), holding(capacity=50), "capacity"),
        (item("chat"), holding("chat", "chat", "chat"), "channel_maximum"),
        (item("email"), holding("chat", "chat", "chat"), "capacity"),
        (item("complaint"), holding("complaint", "email"), "capacity"),
        (item(requires=[("billing", 6)]), holding(), None),
        (item("chat"), holding("chat", "chat"), None),
        (item("email"), holding("chat", "chat"), None),
        (item("voice"), holding("email", "email", "email"), None),
        (item("chat"), holding("email", "email", "email", "email"), None),
    ],
)
def test_the_first_rule_that_fails_is_named(work, agent, rule):
    assert failed(work, agent) == rule


def test_of_several_missing_skills_the_first_by_name_is_told_every_time():
    work = item(requires=[(name, 1) for name in "fedcba"])
    assert failure(work, holding(), load_of({}, CHANNEL_RULES), 0.0, CHANNEL_RULES)[1] == {"skill": "a", "needs": 1}


def test_an_exclusion_ends_at_its_moment():
    work = item(excluded={7: 60.0})
    assert failed(work, holding(), now=59.9) == "excluded"
    assert failed(work, holding(), now=60.0) is None


def test_an_item_is_not_offered_to_who_still_holds_it():
    assert failed(item("chat"), Agent(7, True, {}, held={1: "chat"})) == "excluded"


def test_a_held_item_is_for_its_agent_only():
    work = item(sticky_agent=8, sticky_until=15.0)
    assert failed(work, holding(), held_for=8) == "sticky_hold"
    assert failed(work, holding(), held_for=7) is None


def test_mail_keeps_a_call_away_where_it_is_not_interruptible():
    rules = {"voice": ChannelRule(100, 1, exclusive=True), "email": ChannelRule(20, 5)}
    assert failed(item("voice"), holding("email"), rules=rules) == "voice_exclusive"


def test_the_quick_answer_about_a_person_is_the_long_one():
    for available in (True, False):
        for level in (None, 4, 5, 6):
            agent = Agent(7, available, {} if level is None else {"es": level})
            assert is_qualified(agent, {("es", 5)}) == (person_failure(agent, {("es", 5)}) is None)


def test_parked_work_uses_no_capacity():
    assert holding("email", "email", "email").used == 60
    assert holding("voice", "email", "email").used == 100
    assert holding("chat", "chat", "email").used == 86
    assert holding("email", "chat").counts == {"email": 1, "chat": 1}


def test_one_of_several_requirements_is_enough_and_who_meets_none_is_told_the_first():
    either = [{("pt", 5)}, {("tax", 5), ("de", 1)}]
    for skills, rule in (
        ({"es": 5}, None),
        ({"pt": 5}, None),
        ({"tax": 5, "de": 1}, None),
        ({"tax": 5}, "skill_missing"),
        ({"es": 4, "pt": 4}, "level_too_low"),
        ({"es": 4, "pt": 5}, None),
    ):
        agent = Agent(7, True, skills)
        found = person_failure(agent, {("es", 5)}, either)
        assert (found and found[0]) == rule
        assert is_qualified(agent, {("es", 5)}, either) == (rule is None)
    assert person_failure(Agent(7, False, {"pt": 5}), {("es", 5)}, either) == ("not_available", {})


def test_a_hold_needs_its_agent_to_be_there_able_and_willing():
    work = item(requires=[("es", 5)], sticky_agent=7, sticky_until=15.0)
    able = Agent(7, True, {"es": 5})
    assert holder(work, able, 14.9) == 7
    assert [holder(work, None, 0.0), holder(work, able, 15.0), holder(work, Agent(8, True, {"es": 5}), 0.0)] == [None] * 3
    assert [holder(work, Agent(7, False, {"es": 5}), 0.0), holder(work, Agent(7, True, {"es": 4}), 0.0)] == [None] * 2
    assert holder(item(requires=[("es", 5)], sticky_agent=7, sticky_until=15.0, excluded={7: 5.0}), able, 4.0) is None
    assert holder(item(sticky_agent=7), able, 0.0) is None


def test_the_cool_off_is_short_only_if_nobody_else_could_take_it():
    work = item(requires=[("es", 5)], excluded={9: 60.0})
    ana, ben, cai = Agent(7, True, {"es": 5}), Agent(8, True, {"es": 9}, held={1: "voice"}), Agent(9, True, {"es": 9})
    assert cool_off_s(work, 7, [ana, ben, cai], 0.0) == COOL_OFF_S
    assert cool_off_s(work, 7, [ana, cai], 0.0) == LONE_COOL_OFF_S
    assert cool_off_s(work, 7, [ana, cai], 60.0) == COOL_OFF_S
    assert cool_off_s(work, 7, [ana, Agent(8, False, {"es": 9}), Agent(6, True, {"es": 4})], 0.0) == LONE_COOL_OFF_S
    assert cool_off_s(work, 7, [], 0.0) == LONE_COOL_OFF_S
