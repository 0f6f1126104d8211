"""Each rule that can keep an agent and an item apart, alone."""

from __future__ import annotations

import pytest

from routing.able import failure, is_qualified, person_failure
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
