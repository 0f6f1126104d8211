"""Steps that ask for less with time: what is in force after each, and what a queue may store."""

from __future__ import annotations

import pytest

from routing.overflow import MOST_STEPS, check_overflow, check_step, steps_of, team_skill
from routing.values import DEFERRED, ESCALATED, LIVE, Item, Step

DROP = {"after_s": 30, "do": "drop_skill", "skill": "vip-desk"}
LOWER = {"after_s": 60, "do": "lower_level", "skill": "billing", "level": 3}
TEAM = {"after_s": 90, "do": "also_team", "team": "sales"}
RAISE = {"after_s": 120, "do": "raise_band"}
ASKED = frozenset({("vip-desk", 1), ("billing", 5)})
SALES = frozenset({(team_skill("sales"), 1)})


def steps(*stored, requires=ASKED, band=LIVE, at=lambda after_s: 1000.0 + after_s):
    return steps_of(stored, requires, band, at)


def test_each_step_tells_all_that_is_in_force_from_its_moment_on():
    assert steps(DROP, LOWER, TEAM, RAISE) == (
        Step(1030.0, frozenset({("billing", 5)}), frozenset(), LIVE, DROP),
        Step(1060.0, frozenset({("billing", 3)}), frozenset(), LIVE, LOWER),
        Step(1090.0, frozenset({("billing", 3)}), frozenset({SALES}), LIVE, TEAM),
        Step(1120.0, frozenset({("billing", 3)}), frozenset({SALES}), ESCALATED, RAISE),
    )


def test_a_level_is_lowered_and_never_raised_and_what_is_not_asked_for_stays_so():
    [lower, drop, other] = steps(
        {**LOWER, "level": 9}, {**DROP, "skill": "tax", "after_s": 61}, {**LOWER, "skill": "tax", "after_s": 62}
    )
    assert lower.requires == drop.requires == other.requires == ASKED


def test_deferred_work_becomes_live_and_live_work_escalated_and_no_more():
    assert [step.band for step in steps(*[RAISE] * 3, band=DEFERRED)] == [LIVE, ESCALATED, ESCALATED]


def test_what_is_not_known_here_changes_nothing_but_keeps_its_place():
    [first, second] = steps({"after_s": 10, "do": "callback"}, DROP)
    assert (first.requires, first.done["do"], second.done) == (ASKED, "callback", DROP)


def test_moments_are_given_by_the_caller_and_never_run_backwards():
    closed = steps(DROP, LOWER, at=lambda after_s: 5000.0 if after_s == 30 else 4000.0)
    assert [step.at for step in closed] == [5000.0, 5000.0]
    assert [step.done for step in steps(LOWER, DROP)] == [DROP, LOWER]


def test_an_item_knows_what_it_asks_at_any_moment_and_what_comes_next():
    other = frozenset({("tax", 1)})
    item = Item(1, "voice", ASKED, LIVE, 1080.0, 1000.0, also=frozenset({other}), steps=steps(DROP, TEAM))
    assert item.asked_at(1029.9) == Step(1000.0, ASKED, frozenset({other}), LIVE)
    assert item.asked_at(1030.0).requires == frozenset({("billing", 5)})
    assert item.asked_at(1090.0).also == {other, SALES}
    assert [item.next_step(now) and item.next_step(now).done for now in (0.0, 1030.0, 1090.0)] == [DROP, TEAM, None]


def test_a_raised_band_changes_the_rank_and_not_the_due_time():
    item = Item(1, "email", frozenset(), DEFERRED, 9000.0, 1000.0, promote_at=1150.0, steps=steps(RAISE, band=DEFERRED))
    assert [item.key_at(now) for now in (1119.9, 1120.0, 1150.0)] == [(2, 9000.0, 1), (1, 9000.0, 1), (1, 9000.0, 1)]
    twice = Item(1, "email", frozenset(), DEFERRED, 9000.0, 1000.0, promote_at=1150.0, steps=steps(RAISE, RAISE, band=DEFERRED))
    assert twice.key_at(1150.0) == (0, 9000.0, 1)
    promoted = Item(1, "email", frozenset(), DEFERRED, 9000.0, 1000.0, promote_at=1100.0, steps=steps(DROP, band=DEFERRED))
    assert promoted.key_at(1100.0) == (1, 9000.0, 1)


def test_steps_for_callers_ask_nothing_less_of_people():
    offer, lead = {"after_s": 130, "do": "offer_callback"}, {"after_s": 600, "do": "to_voicemail"}
    assert check_overflow([DROP, offer, lead]) == []
    dropped, offered, led = steps(DROP, offer, lead)
    assert (offered.requires, offered.also, offered.band) == (dropped.requires, dropped.also, dropped.band)
    assert [step.done["do"] for step in (offered, led)] == ["offer_callback", "to_voicemail"]


def test_good_steps_have_no_problems():
    assert check_overflow([DROP, LOWER, TEAM, RAISE]) == check_overflow([]) == []


@pytest.mark.parametrize(
    ("stored", "problems"),
    [
        ("soon", ["not_a_step"]),
        ({}, ["bad_after", "unknown_do"]),
        ({"after_s": -1, "do": "raise_band"}, ["bad_after"]),
        ({"after_s": True, "do": "raise_band"}, ["bad_after"]),
        ({"after_s": float("nan"), "do": "raise_band"}, ["bad_after"]),
        ({"after_s": "30", "do": "raise_band"}, ["bad_after"]),
        ({"after_s": 1, "do": ["raise_band"]}, ["unknown_do"]),
        ({"after_s": 1, "do": "drop_skill", "skill": " "}, ["no_skill"]),
        ({"after_s": 1, "do": "drop_skill", "skill": "team:sales"}, ["no_skill"]),
        ({"after_s": 1, "do": "lower_level", "skill": "x", "level": 0}, ["bad_level"]),
        ({"after_s": 1, "do": "lower_level", "level": 2.5}, ["no_skill", "bad_level"]),
        ({"after_s": 1, "do": "also_team", "team": 3}, ["no_team"]),
    ],
)
def test_a_bad_step_is_told_by_its_problems(stored, problems):
    assert check_step(stored) == problems
    assert check_overflow([stored, stored]) == problems


def test_steps_are_a_list_in_order_and_not_too_many():
    assert check_overflow({"after_s": 1}) == ["not_a_list"]
    assert check_overflow([LOWER, DROP]) == ["not_ascending"]
    assert check_overflow([RAISE] * (MOST_STEPS + 1)) == ["too_many"]
