"""What is changed when a day is played again, and that the record itself stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.recorded import Arrival, Day, QueueRule, Rules, Shift, Worker
from routing.replay import replay
from routing.what_if import MOST_ADDED, Changes, changed_day, changed_rules

NINE = 1_800_000.0
EVERY_MINUTE = tuple(
    Arrival(number, NINE + number * 60, "voice", "general", frozenset({("en", 1)}), waited_s=10, handle_s=170)
    for number in range(60)
)
WORKERS = (Worker(1, {"en": 5}), Worker(2, {"en": 5}), Worker(3, {"zh": 5}))
DAY = Day(NINE, NINE + 3600, EVERY_MINUTE, WORKERS, tuple(Shift(each.id, NINE, NINE + 3600) for each in WORKERS))
RULES = Rules({"general": QueueRule(overflow=({"after_s": 30, "do": "drop_skill", "skill": "en"},))})


def wait(changes: Changes) -> float:
    found = replay(changed_day(DAY, changes), changed_rules(RULES, changes), runs=2).overall.mean_wait_s
    assert found is not None
    return found


def test_no_changes_play_the_same_day():
    assert changed_day(DAY, Changes()) == DAY
    assert changed_rules(RULES, Changes()) == RULES
    assert Changes().are_none
    assert wait(Changes()) == wait(Changes())


def test_more_people_wait_less_and_work_the_hours_of_the_one_they_are_like():
    day = changed_day(DAY, Changes(more={1: 2}))
    assert [worker.id for worker in day.workers] == [1, 2, 3, 4, 5]
    assert {(shift.since, shift.until) for shift in day.shifts} == {(NINE, NINE + 3600)}
    assert wait(Changes(more={1: 2})) < wait(Changes())


def test_people_who_stay_at_home_are_missed():
    day = changed_day(DAY, Changes(without=frozenset({2})))
    assert {shift.agent_id for shift in day.shifts} == {1, 3}
    assert wait(Changes(without=frozenset({2}))) > wait(Changes())


def test_a_skill_that_is_given_helps_and_a_skill_that_is_taken_away_is_gone():
    given, taken = Changes(skills={(3, "en"): 5}), Changes(skills={(1, "en"): 0}, no_overflow=True)
    assert changed_day(DAY, given).workers[2].skills == {"zh": 5, "en": 5}
    assert changed_day(DAY, taken).workers[0].skills == {}
    assert wait(given) < wait(Changes(no_overflow=True)) < wait(taken)


def test_rules_change_for_every_queue_and_what_is_not_named_stays():
    rules = changed_rules(
        replace(RULES, queues={"general": QueueRule(targets={"voice": {"vip": 10}})}),
        Changes(order="strict", choice="longest_idle", targets={"voice": {"gold": 30}}, no_overflow=True),
    )
    assert rules.order == "strict"
    assert rules.queues["general"] == QueueRule(targets={"voice": {"vip": 10, "gold": 30}}, choice="longest_idle")


@pytest.mark.parametrize(
    "changes",
    [Changes(more={9: 1}), Changes(without=frozenset({9})), Changes(skills={(9, "en"): 1}), Changes(more={1: MOST_ADDED + 1})],
)
def test_people_who_were_not_there_and_crowds_are_refused(changes):
    with pytest.raises(ValueError, match=r"agent 9|people can be added"):
        changed_day(DAY, changes)
