"""Nothing is forgotten and nothing polled: work conservation, the clock, and what the durable shell may tell."""

from __future__ import annotations

import pytest

from routing.matcher import Matcher
from routing.overflow import steps_of
from routing.values import LIVE
from tests.unit.routing.small_world import ANA, BEN, agent, call, chat, claim, mail, pairs, put, world


def test_the_fourth_chat_is_taken_before_the_fifth_when_an_agent_frees():
    """Acceptance scenario 21.

    A well-known fault elsewhere: what was queued while all were full was forgotten, and the next arrival served.
    """
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


def test_a_clock_that_goes_back_changes_nothing():
    """Acceptance scenario 23."""
    matcher = world(agent(ANA), call(10, excluded={ANA: 100.0}))
    assert pairs(matcher, 99.0) == []
    assert matcher.decide(-3600.0) == []
    assert matcher.next_change_at() == 100.0
    assert pairs(matcher, 100.0) == [(10, ANA)]


def test_work_that_was_promoted_stays_promoted_when_the_clock_goes_back():
    """Acceptance scenario 23."""
    matcher = world(mail(10, promote_at=50.0))
    assert pairs(matcher, 60.0) == []
    put(matcher, mail(11, promote_at=50.0))
    assert matcher.decide(0.0) == []
    put(matcher, mail(12, promote_at=50.0))
    assert [matcher.explain(item_id, 0.0).key[0] for item_id in (10, 11, 12)] == [LIVE, LIVE, LIVE]


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


def test_a_clock_that_jumps_back_and_forth_reorders_nothing_and_starts_no_storm():
    """Acceptance scenario 23: an hour back, two hours ahead, with fifty waiting and five offers out."""
    drop = [{"after_s": 600.0 * n, "do": "lower_level", "skill": "x", "level": 5 - n} for n in range(1, 4)]
    asked = frozenset({("x", 5)})
    noon = 43_200.0
    matcher = world(*(agent(n, {"x": 5}) for n in range(1, 6)), agent(6, {"x": 1}))
    for n in range(55):
        steps = steps_of(drop, asked, LIVE, lambda after_s, came=noon + n: came + after_s)
        put(matcher, call(100 + n, asked, at=noon + n, target=(20.0, 80.0)[n % 2], steps=steps))
    offered = pairs(matcher, noon + 60.0)
    assert len(offered) == 5
    order = [item.id for item in matcher.waiting()]
    assert matcher.decide(noon - 3540.0) == []
    assert matcher.next_change_at() > noon + 60.0
    assert [item.id for item in matcher.waiting()] == order
    moved = []
    index = matcher._index
    place = index._place
    index._place = lambda item: (moved.append(item.id), place(item))
    assert pairs(matcher, noon + 3660.0) == []
    assert sorted(moved) == sorted(order)  # each asks for less once, however many steps are due
    assert [item.id for item in matcher.waiting()] == order
    assert matcher.next_change_at() is None
    put(matcher, agent(7, {"x": 2}))
    [decision] = matcher.decide(noon - 9000.0)
    assert (decision.item_id, decision.reason["waited_s"] >= 0) == (order[0], True)


def test_work_from_a_time_to_come_has_not_waited_less_than_nothing():
    """Acceptance scenario 23."""
    matcher = world(agent(ANA), call(10, at=500.0))
    [decision] = matcher.decide(100.0)
    assert decision.reason["waited_s"] == 0.0


def test_the_same_deeds_give_the_same_decisions_whatever_order_the_rows_are_read_in():
    """I8, and what a restart relies on."""
    things = [
        *(agent(n, {"x": n}, idle_since=float(n % 3)) for n in range(1, 9)),
        *(call(10 + n, [("x", n)], at=5.0) for n in range(12)),
    ]
    answers = {tuple(sorted(pairs(world(*order), 9.0))) for order in (things, things[::-1], things[10:] + things[:10])}
    assert len(answers) == 1


def test_what_waits_no_longer_wakes_nobody():
    matcher = world(agent(ANA), call(10, excluded={ANA: 50.0}), call(11, excluded={ANA: 70.0}))
    assert pairs(matcher) == []
    assert matcher.next_change_at() == 50.0
    matcher.drop_item(10)
    assert matcher.next_change_at() == 70.0
    matcher.drop_item(11)
    assert matcher.next_change_at() is None
