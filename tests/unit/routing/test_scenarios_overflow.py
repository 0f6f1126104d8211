"""Work that nobody fits asks for less, step by step, counted from when it was queued and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from routing.hours import Calendar
from routing.overflow import steps_of, team_skill
from routing.values import ESCALATED, LIVE
from tests.unit.routing.small_world import ANA, BEN, CAI, agent, call, chat, mail, pairs, put, world

DROP = {"after_s": 30, "do": "drop_skill", "skill": "vip-desk"}
LOWER = {"after_s": 60, "do": "lower_level", "skill": "billing", "level": 3}
TEAM = {"after_s": 90, "do": "also_team", "team": "sales"}
RAISE = {"after_s": 120, "do": "raise_band"}
ASKED = frozenset({("vip-desk", 1), ("billing", 5)})


def relaxing(item_id, *overflow, at=0.0, requires=ASKED, kind=call, **more):
    band = more.get("band", 2 if kind is mail else LIVE)
    return kind(item_id, requires, at=at, steps=steps_of(overflow, requires, band, lambda after_s: at + after_s), **more)


def test_a_call_asks_for_less_at_each_step_until_somebody_fits():
    """Acceptance scenario 15."""
    matcher = world(agent(ANA, {"billing": 4}), agent(BEN, {"billing": 2, team_skill("sales"): 10}))
    put(matcher, relaxing(10, DROP, LOWER, TEAM))
    assert pairs(matcher, 29.9) == []
    assert {one.rule_failed for one in matcher.explain(10, 29.9).candidates} == {"skill_missing"}
    assert matcher.next_change_at() == 30.0
    assert pairs(matcher, 30.0) == []
    assert {one.rule_failed for one in matcher.explain(10, 30.0).candidates} == {"level_too_low"}
    assert matcher.next_change_at() == 60.0
    [decision] = matcher.decide(60.0)
    assert (decision.agent_id, decision.reason["relaxed"], decision.reason["requires"]) == (ANA, [DROP, LOWER], [["billing", 3]])


def test_people_of_another_team_may_take_it_too_whatever_their_skills():
    """Acceptance scenario 15."""
    matcher = world(agent(BEN, {team_skill("sales"): 10}), agent(CAI, {team_skill("fraud"): 10}), relaxing(10, TEAM))
    assert pairs(matcher, 89.0) == []
    assert pairs(matcher, 90.0) == [(10, BEN)]


@pytest.mark.parametrize("between", ["a refusal", "a restart"])
def test_steps_are_counted_from_when_the_work_was_queued_across(between):
    """Acceptance scenario 15."""
    boss = agent(ANA, {"vip-desk": 5, "billing": 9})
    helper = agent(BEN, {"billing": 4})
    if between == "a refusal":
        matcher = world(boss, helper, relaxing(10, DROP, LOWER))
        assert pairs(matcher, 20.0) == [(10, ANA)]
        put(matcher, agent(ANA, {"vip-desk": 5, "billing": 9}, available=False, version=1))
        put(matcher, relaxing(10, DROP, LOWER, excluded={ANA: 80.0}, version=1))
    else:
        matcher = world(helper, relaxing(10, DROP, LOWER))
        assert pairs(matcher, 20.0) == []
        matcher = world(helper, relaxing(10, DROP, LOWER))
    assert pairs(matcher, 59.9) == []
    assert pairs(matcher, 60.0) == [(10, BEN)]


def test_a_router_that_starts_late_finds_every_step_that_is_due():
    """Acceptance scenario 15."""
    matcher = world(agent(BEN, {"billing": 4}), relaxing(10, DROP, LOWER, TEAM))
    assert pairs(matcher, 75.0) == [(10, BEN)]


def test_work_keeps_its_place_when_it_asks_for_less():
    """Acceptance scenario 15: the same key in another class, so it is before what came later there."""
    matcher = world(agent(ANA, {"billing": 9}, held={1: "voice"}))
    put(matcher, relaxing(10, DROP, at=0.0), call(11, [("billing", 5)], at=5.0))
    assert pairs(matcher, 5.0) == []
    assert (matcher.position(10), matcher.position(11), matcher.explain(10, 5.0).class_size) == (1, 1, 1)
    assert pairs(matcher, 30.0) == []
    assert (matcher.position(10), matcher.position(11), matcher.explain(10, 30.0).class_size) == (1, 2, 2)
    put(matcher, agent(ANA, {"billing": 9}))
    assert pairs(matcher, 31.0) == [(10, ANA)]


def test_a_raised_band_puts_work_first_and_the_due_time_stays():
    """Acceptance scenario 15."""
    matcher = world(agent(ANA, held={1: "voice"}), relaxing(10, RAISE, at=0.0, requires=frozenset(), target=900.0))
    put(matcher, chat(11, at=0.0, target=80.0))
    assert pairs(matcher, 119.0) == []
    assert [item.id for item in matcher.waiting()] == [11, 10]
    assert pairs(matcher, 120.0) == []
    assert matcher.explain(10, 120.0).key == (ESCALATED, 900.0, 10)
    put(matcher, agent(ANA))
    [decision] = matcher.decide(121.0)
    assert (decision.item_id, decision.reason["promoted"], decision.reason["relaxed"]) == (10, True, [RAISE])


def test_what_asks_for_one_of_several_things_goes_to_whoever_has_one_of_them():
    either = {"also": frozenset({frozenset({("es", 5)}), frozenset({("pt", 5), ("tax", 1)})})}
    assert pairs(world(agent(ANA, {"pt": 5}), agent(BEN, {"pt": 5, "tax": 1}), call(10, [("en", 1)], **either))) == [(10, BEN)]
    matcher = world(agent(ANA, {"es": 5}), call(10, [("en", 1)], **either))
    assert matcher.explain(10, 0.0).failed == {None: 1}
    assert pairs(matcher) == [(10, ANA)]
    matcher = world(agent(ANA, {"es": 4}), call(10, [("en", 1)], **either))
    assert pairs(matcher) == []
    [only] = matcher.explain(10, 0.0).candidates
    assert (only.rule_failed, only.detail) == ("skill_missing", {"skill": "en", "needs": 1})


def test_a_hold_counts_once_the_customers_own_agent_is_able_by_a_step():
    matcher = world(agent(ANA, {"vip-desk": 1, "billing": 9}, held={1: "voice"}), agent(BEN, {"billing": 9}, held={2: "voice"}))
    put(matcher, relaxing(10, DROP, sticky_agent=BEN, sticky_until=45.0))
    assert pairs(matcher, 29.0) == []
    assert matcher.explain(10, 29.0).held_for is None
    put(matcher, agent(ANA, {"vip-desk": 1, "billing": 9}))
    assert pairs(matcher, 29.5) == [(10, ANA)]
    matcher = world(agent(ANA, {"billing": 9}), agent(BEN, {"billing": 9}, held={2: "voice"}))
    put(matcher, relaxing(10, DROP, sticky_agent=BEN, sticky_until=45.0))
    assert pairs(matcher, 30.0) == []
    assert matcher.explain(10, 30.0).held_for == BEN
    assert pairs(matcher, 45.0) == [(10, ANA)]


def test_no_step_comes_while_the_queue_is_closed():
    """Acceptance scenarios 15 and 24: a mail of Friday evening asks for less on Monday, not at the weekend."""
    day = (("09:00", "18:00"),)
    office = Calendar("Europe/Berlin", (day, day, day, day, day, (), ()))
    friday = datetime(2026, 3, 27, 17, tzinfo=ZoneInfo("Europe/Berlin"))  # the clocks change on the Sunday after
    asked = frozenset({("tax", 5)})
    moments = steps_of(
        [{"after_s": 2 * 3600, "do": "drop_skill", "skill": "tax"}],
        asked,
        2,
        lambda after_s: office.add_business(friday, after_s).timestamp(),
    )
    matcher = world(agent(ANA), mail(10, asked, at=friday.timestamp(), steps=moments))
    monday = datetime(2026, 3, 30, 8, tzinfo=UTC).timestamp()  # ten in Berlin, where it is summer now
    assert pairs(matcher, monday - 1) == []
    assert matcher.next_change_at() == monday
    assert pairs(matcher, monday) == [(10, ANA)]


def test_a_queue_that_never_opens_again_never_asks_for_less():
    matcher = world(agent(ANA), call(10, ASKED, steps=steps_of([DROP], ASKED, LIVE, lambda _: float("inf"))))
    assert pairs(matcher, 1e12) == []
    assert matcher.next_change_at() is None
