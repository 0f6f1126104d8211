"""Estimates of the wait: each way to make them, what is said of them, and how good they are on a simulated floor."""

from __future__ import annotations

import heapq
from dataclasses import replace
from math import sqrt
from statistics import fmean

import pytest

from routing.estimate import Estimate, Line, Overtakers, abandonment_rate, announce, estimate, expected_wait_s
from routing.floor import Floor
from routing.simulation import Group, Plan, WorkType, calls_of, people_of

BUSY = Line(ahead=10, agents=20, completions=60, busy_s=60 * 300.0)  # 20 agents, 300 s each


def test_by_queue_length_it_is_the_formula():
    assert estimate(BUSY).method == "QLm"
    assert estimate(BUSY).mean_s == pytest.approx(expected_wait_s(10, 20, 300.0, None))
    human = replace(BUSY, theta=1 / 240)
    assert estimate(human).mean_s == pytest.approx(expected_wait_s(10, 20, 300.0, 240.0))


def test_who_shares_their_time_with_other_work_counts_by_the_share():
    shared = replace(BUSY, completions=30)  # the other half of the busy time went elsewhere
    assert estimate(shared).mean_s == pytest.approx(2 * estimate(BUSY).mean_s)


def test_agents_who_leave_make_it_longer_at_once():
    assert estimate(replace(BUSY, agents=10)).mean_s == pytest.approx(2 * estimate(BUSY).mean_s)


def test_a_quiet_window_does_not_make_agents_slow():
    quiet = replace(BUSY, completions=30, busy_s=30 * 300.0)  # half of them idle, as fast as ever
    assert estimate(quiet).mean_s == pytest.approx(estimate(BUSY).mean_s)


def test_with_few_completions_the_head_of_the_line_tells_then_the_last_served_then_the_usual():
    few = replace(BUSY, completions=19, oldest_wait_s=90.0, last_wait_s=70.0, handle_s=300.0)
    assert (estimate(few).method, estimate(few).mean_s) == ("HOL", 90.0)
    headless = replace(few, oldest_wait_s=None)
    assert (estimate(headless).method, estimate(headless).mean_s) == ("LES", 70.0)
    first = replace(headless, last_wait_s=None)
    assert (estimate(first).method, estimate(first).mean_s) == ("handling", pytest.approx(165.0))
    assert estimate(replace(first, handle_s=None)) is None


def test_what_was_waited_already_is_not_waited_again():
    few = Line(ahead=3, agents=5, oldest_wait_s=90.0, handle_s=300.0)
    assert estimate(replace(few, waited_s=20.0)).mean_s == 70.0
    assert estimate(replace(few, waited_s=90.0)).mean_s == 60.0  # the next agent who is free


def test_nobody_on_duty_is_no_estimate_and_somebody_free_is_no_wait():
    assert estimate(replace(BUSY, agents=0)) is None
    free = estimate(Line(ahead=0, agents=3, free=True))
    assert (free.method, free.mean_s, free.minutes) == ("free", 0.0, (0, 0))
    assert estimate(replace(BUSY, free=True)).method == "QLm"  # free for others, for ten are before


def test_those_who_may_still_pass_make_it_longer_but_only_within_their_head_start():
    rate = 20 / 300
    without = estimate(BUSY).mean_s
    assert estimate(replace(BUSY, overtakers=(Overtakers(rate / 5, 1e9),))).mean_s == pytest.approx(
        without / (1 - 1 / 5), rel=0.01
    )
    assert estimate(replace(BUSY, overtakers=(Overtakers(rate / 5, 60.0),))).mean_s == pytest.approx(without + 12.0, rel=0.01)
    late = replace(BUSY, overtakers=(Overtakers(rate / 5, 60.0),), waited_s=60.0)
    assert estimate(late).mean_s == pytest.approx(without)
    flooded = replace(BUSY, overtakers=(Overtakers(rate * 3, 600.0),))
    assert estimate(flooded).mean_s == pytest.approx(without + 1800.0, rel=0.01)


def test_the_range_is_rounded_up_and_its_ends_are_in_order():
    told = Estimate(100.0, 90.0, 181.0, "QLm")
    assert told.minutes == (2, 4)
    for ahead in (0, 1, 5, 50, 500):
        for line in (BUSY, replace(BUSY, theta=0.01), replace(BUSY, completions=0, oldest_wait_s=3.0 * ahead)):
            found = estimate(replace(line, ahead=ahead))
            assert 0 <= found.p50_s <= found.p80_s
            assert found.minutes[0] <= found.minutes[1]


def test_nothing_longer_is_announced_later_without_a_cause():
    fresh = Estimate(500.0, 480.0, 600.0, "QLm")
    assert announce(fresh) == (8, 10)
    assert announce(fresh, told=(6, 9), since_s=60.0) == (5, 8)
    assert announce(fresh, told=(6, 9), since_s=60.0, cause=True) == (8, 10)
    assert announce(fresh, told=(20, 30), since_s=60.0) == (8, 10)
    assert announce(fresh, told=(2, 3), since_s=3600.0) == (1, 1)
    assert announce(Estimate(0, 0, 0, "free"), told=(6, 9), since_s=60.0) == (0, 0)


def test_patience_is_counted_over_all_who_waited():
    assert abandonment_rate(5, 1500.0) == pytest.approx(1 / 300)
    assert abandonment_rate(0, 1500.0) == 0.0
    assert abandonment_rate(0, 0.0) == 0.0


def test_senseless_figures_are_refused():
    for wrong in ({"ahead": -1}, {"theta": -0.1}, {"waited_s": float("nan")}, {"oldest_wait_s": float("inf")}):
        with pytest.raises(ValueError, match="negative figures"):
            estimate(replace(BUSY, **wrong))


# On a simulated floor


class Log:
    """When each call came, how long it waited and whether it was served."""

    def __init__(self):
        self.calls = []

    def served(self, job, now):
        self.calls.append((job.item.enqueued_at, now, True))

    def gave_up(self, job, now):
        self.calls.append((job.item.enqueued_at, now, False))

    def worked(self, job, since, until):
        pass

    def busy(self, person, since, until):
        pass

    def is_over(self, now):
        return False


def played(load, agents, patience_s, calls=25_000):
    """A floor of calls of 100 s, from which those who found a queue and were served are kept: (ahead, oldest, last, wait)."""
    rate_per_h = 36.0 * agents * load
    horizon = calls / rate_per_h * 3600
    work = WorkType("calls", rate_per_h, 100.0, patience_s, frozenset(), "all")
    plan = Plan(horizon, 0.0, {"all": 20.0}, (work,), (Group(agents, {}),), "fcfs")
    log = Log()
    floor = Floor(people_of(plan), log)
    for agent_id in floor.people:
        floor.set_duty(0.0, agent_id, True)
    floor.run(job for job in calls_of(plan, "5") if job.item.enqueued_at < horizon)
    calls = sorted(log.calls)
    kept, waiting, served = [], [], sorted((ended, ended - at) for at, ended, answered in calls if answered)
    head = last = 0
    for at, ended, answered in calls:
        while waiting and waiting[0] <= at:
            heapq.heappop(waiting)
        while calls[head][1] <= at and calls[head][0] < at:
            head += 1
        while last + 1 < len(served) and served[last + 1][0] <= at:
            last += 1
        if waiting and answered:
            kept.append((len(waiting), at - calls[head][0], served[last][1], ended - at))
        heapq.heappush(waiting, ended)
    theta = abandonment_rate(sum(not answered for *_, answered in calls), sum(ended - at for at, ended, _ in calls))
    return kept, theta


def errors(pairs):
    """Root mean square and bias, as shares of the mean wait."""
    pairs = list(pairs)
    mean = fmean(wait for _, wait in pairs)
    return sqrt(fmean((told - wait) ** 2 for told, wait in pairs)) / mean, fmean(told - wait for told, wait in pairs) / mean


def told(ahead, agents, theta=0.0):
    return estimate(Line(ahead, agents, completions=100, busy_s=100 * 100.0, theta=theta))


def test_without_abandonment_queue_length_is_unbiased_and_beats_the_head_of_the_line():
    kept, theta = played(0.95, 20, None)
    by_length = errors((told(ahead, 20, theta).mean_s, wait) for ahead, _, _, wait in kept)
    by_head = errors((oldest, wait) for _, oldest, _, wait in kept)
    by_last = errors((last, wait) for _, _, last, wait in kept)
    assert abs(by_length[1]) < 0.02
    assert by_head[0] / by_length[0] == pytest.approx(1.41, abs=0.12)
    assert by_last[0] >= by_head[0] * 0.98


@pytest.mark.parametrize(("patience_s", "overstated"), [(100.0, 0.1), (400.0, 0.08)])
def test_with_abandonment_plain_queue_length_overstates_and_the_one_in_use_does_not(patience_s, overstated):
    kept, theta = played(1.2, 50, patience_s)
    assert 1 / theta == pytest.approx(patience_s, rel=0.05)
    plain = errors((told(ahead, 50).mean_s, wait) for ahead, _, _, wait in kept)
    used = errors((told(ahead, 50, theta).mean_s, wait) for ahead, _, _, wait in kept)
    head = errors((oldest, wait) for _, oldest, _, wait in kept)
    assert plain[1] > overstated
    assert abs(used[1]) < 0.03
    assert used[0] < min(plain[0], head[0])


def test_half_and_four_fifths_of_the_waits_stay_below_the_ends_of_the_range():
    kept, theta = played(1.1, 20, 300.0)
    ranges = [(told(ahead, 20, theta), wait) for ahead, _, _, wait in kept]
    assert fmean(wait <= found.p50_s for found, wait in ranges) == pytest.approx(0.5, abs=0.04)
    assert fmean(wait <= found.p80_s for found, wait in ranges) == pytest.approx(0.8, abs=0.05)
