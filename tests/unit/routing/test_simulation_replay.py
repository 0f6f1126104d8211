"""A recorded day played again: as it was, and with one thing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from routing.hours import Calendar
from routing.recorded import Arrival, Day, QueueRule, Rules, Shift, Worker, duty_s, merged
from routing.replay import replay
from routing.values import ChannelRule

HOUR = 3600.0
MORNING = 1_790_000_000.0 - 1_790_000_000.0 % 86_400 + 9 * HOUR
BILLING = frozenset({("billing", 3)})
RULES = Rules({"general": QueueRule()})


def arrival(number, after, *, waited=0.0, handle=300.0, **more):
    given = {"channel": "voice", "queue": "general", "requires": frozenset(), "waited_s": waited, "handle_s": handle} | more
    return Arrival(id=number, at=MORNING + after, **given)


def day_of(arrivals: Iterable[Arrival], people=1, *, hours=1, skills=None, shifts=None):
    workers = tuple(Worker(number, skills or {}) for number in range(1, people + 1))
    until = MORNING + hours * HOUR
    spells = shifts or [(worker.id, 0, hours * HOUR) for worker in workers]
    return Day(
        MORNING,
        until,
        tuple(arrivals),
        workers,
        tuple(Shift(agent, MORNING + since, MORNING + ends) for agent, since, ends in spells),
    )


def busy_day(seed=3, hours=8, people=12, load=0.95):
    """A day of calls, as it might have been recorded: who waited long may have given up."""
    dice, at, found = Random(seed), 0.0, []
    while at < hours * HOUR:
        at += dice.expovariate(people * load / 300)
        waited = max(0.0, dice.expovariate(1 / 20) - 5)
        patience = dice.expovariate(1 / 200)
        gave_up = patience < waited
        found.append(
            arrival(
                len(found) + 1,
                at,
                waited=min(waited, patience),
                handle=None if gave_up else dice.expovariate(1 / 300),
                gave_up=gave_up,
                tier="vip" if dice.random() < 0.2 else "standard",
            )
        )
    return day_of(found, people, hours=hours)


def test_calls_one_after_the_other_are_told_as_one_counts_by_hand():
    day = day_of([arrival(1, 0), arrival(2, 100), arrival(3, 2000, handle=60.0)])
    found = replay(day, replace(RULES, within_s=(20.0, 250.0)))
    assert (found.overall.n, found.overall.p_wait, found.overall.mean_wait_s) == (3, pytest.approx(1 / 3), pytest.approx(200 / 3))
    assert found.overall.sl == {"20": pytest.approx(2 / 3), "250": 1.0}
    assert found.overall.occupancy == pytest.approx(660 / 3600)
    first, second = found.half_hours
    assert (first.at, first.n, first.served, first.mean_wait_s, first.on_duty) == (MORNING, 2, 2, 100.0, 1.0)
    assert (second.n, second.sl, second.occupancy) == (1, 1.0, pytest.approx(60 / 1800))
    assert found.left_waiting == 0


def test_the_same_day_and_rules_give_the_same_outcome():
    day = busy_day()
    assert replay(day, RULES) == replay(day, RULES)
    assert replay(day, RULES, seed=2) != replay(day, RULES)


def test_one_more_agent_makes_the_waits_shorter_for_the_same_callers():
    day = busy_day()
    more = replace(day, workers=(*day.workers, Worker(99, {})), shifts=(*day.shifts, Shift(99, day.since, day.until)))
    was, would_be = replay(day, RULES).overall, replay(more, RULES).overall
    assert would_be.n == was.n == sum(day.since <= one.at < day.until for one in day.arrivals)
    assert would_be.mean_wait_s < 0.8 * was.mean_wait_s
    assert would_be.p_abandon < was.p_abandon
    assert would_be.occupancy < was.occupancy


def test_a_shorter_target_puts_a_tier_before_the_others():
    day = busy_day(people=8, load=1.1)
    flat = QueueRule(targets={"voice": {"vip": 80, "standard": 80}})
    steep = QueueRule(targets={"voice": {"vip": 20, "standard": 300}})
    plain, favoured = (replay(day, Rules({"general": rule})).tiers for rule in (flat, steep))
    assert favoured["vip"].mean_wait_s < 0.7 * plain["vip"].mean_wait_s
    assert favoured["standard"].mean_wait_s > plain["standard"].mean_wait_s
    strict = replay(day, replace(RULES, order="strict")).tiers
    assert strict["vip"].mean_wait_s < plain["vip"].mean_wait_s


def test_without_the_skill_work_is_left_until_a_step_lets_others_take_it():
    day = day_of([arrival(1, 0, requires=BILLING), arrival(2, 60)], 2)
    alone = replay(day, RULES)
    assert (alone.left_waiting, alone.overall.mean_wait_s, alone.overall.n) == (1, HOUR / 2, 2)
    steps = QueueRule(overflow=({"after_s": 90, "do": "drop_skill", "skill": "billing"},))
    helped = replay(day, Rules({"general": steps}))
    assert (helped.left_waiting, helped.overall.mean_wait_s) == (0, 45.0)


def test_steps_and_targets_of_deferred_work_count_open_time():
    at_ten = (("10:00", "18:00"),)
    late = Calendar("UTC", (at_ten,) * 7)
    steps = ({"after_s": 60, "do": "drop_skill", "skill": "billing"},)
    day = day_of([arrival(1, 0, channel="email", requires=BILLING, handle=60.0)], hours=2)
    found = replay(day, Rules({"general": QueueRule(overflow=steps, calendar=late)}))
    assert found.overall.mean_wait_s == HOUR + 60
    closed = replace(late, holidays=frozenset({datetime.fromtimestamp(MORNING, UTC).date()}))
    assert replay(day, Rules({"general": QueueRule(overflow=steps, calendar=closed)})).left_waiting == 1


def test_work_is_kept_for_the_agent_who_knows_it_and_not_longer_than_the_rule_says():
    day = day_of([arrival(1, 0, handle=100.0), arrival(2, 20, sticky_agent=1)], 2)
    assert replay(day, RULES).overall.mean_wait_s == 0
    kept = Rules({"general": QueueRule(sticky_s={"voice": 60})})
    assert replay(day, kept).overall.mean_wait_s in (0.0, 30.0)  # 0 if agent 2 had the first call
    assert replay(replace(day, workers=day.workers[::-1]), kept) == replay(day, kept)


def test_the_time_until_an_offer_is_answered_is_waited_and_takes_the_agent():
    day = day_of([arrival(1, 0, handle=95.0), arrival(2, 10, handle=95.0)])
    found = replay(day, replace(RULES, answer_s={"voice": 5.0})).overall
    assert (found.p_wait, found.mean_wait_s) == (0.5, (5 + 95) / 2)
    assert found.occupancy == pytest.approx(200 / 3600)


def test_chats_go_side_by_side_as_the_channel_rules_say():
    day = day_of([arrival(number, number, channel="chat", handle=600.0) for number in range(1, 4)])
    assert replay(day, RULES).overall.p_wait == 0
    single = {"chat": ChannelRule(100, 1)}
    assert replay(day, replace(RULES, channels=single)).overall.p_wait == pytest.approx(2 / 3)
    found = replay(day, RULES)
    assert found.overall.occupancy == pytest.approx(602 / 3600)  # side by side
    assert found.channels["chat"].occupancy == pytest.approx(1800 / 3600)


def test_what_waited_in_the_morning_is_played_but_not_counted():
    day = day_of([arrival(1, -100, handle=200.0), arrival(2, 10)])
    found = replay(day, RULES).overall
    assert (found.n, found.mean_wait_s) == (1, 190.0)


def test_who_gave_up_after_a_time_does_so_again_if_nobody_comes():
    day = day_of([arrival(1, 0), arrival(2, 10, waited=40.0, gave_up=True, handle=None)])
    found = replay(day, RULES).overall
    assert (found.p_abandon, found.mean_wait_s) == (0.5, 20.0)
    two = day_of(day.arrivals, 2)
    assert replay(two, RULES).overall.p_abandon == 0


def test_shifts_that_touch_or_overlap_are_one_and_the_time_on_duty_is_counted_once():
    day = day_of([arrival(1, 1000, handle=1000.0)], shifts=[(1, 0, 1200), (1, 1200, 1800), (1, 600, 1500), (1, 2400, 2400)])
    assert merged(day.shifts) == {1: [Shift(1, MORNING, MORNING + 1800)]}
    assert duty_s(merged(day.shifts), day.since, day.until) == 1800
    found = replay(day, RULES)
    assert found.overall.occupancy == pytest.approx(800 / 1800)  # what is finished after the shift is not counted
    assert [half.on_duty for half in found.half_hours] == [1.0, 0.0]
    assert found.half_hours[1].occupancy is None


def test_an_empty_day_has_no_figures():
    found = replay(day_of([]), RULES)
    assert (found.overall.n, found.overall.mean_wait_s, found.queues, found.overall.occupancy) == (0, None, {}, 0)


def test_a_day_that_does_not_fit_is_refused():
    day = day_of([arrival(1, 0)])
    for wrong, sentence in (
        (replace(day, until=day.until + 60), "whole half hours"),
        (replace(day, until=day.since), "whole half hours"),
        (replace(day, arrivals=(arrival(1, 0, queue="x"),)), "no rule for queue 'x'"),
        (replace(day, arrivals=(arrival(1, 0, channel="fax"),)), "no rule for channel 'fax'"),
        (replace(day, shifts=(Shift(9, day.since, day.until),)), "the shift of agent 9"),
    ):
        with pytest.raises(ValueError, match=sentence):
            replay(wrong, RULES)
