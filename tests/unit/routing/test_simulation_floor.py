"""The simulated floor itself, event by event: shifts, patience, parked work, and how far a figure may be from the truth."""

from __future__ import annotations

from dataclasses import replace
from math import inf, sqrt
from random import Random

import pytest

from routing.confidence import ratio, share, t_95
from routing.floor import Floor, Job, Person
from routing.tally import WORK_S, N, Tally, figures
from routing.values import DEFERRED, LIVE, Item


class Diary:
    """Everything that is told, as lines."""

    def __init__(self):
        self.lines = []

    def served(self, job, now):
        self.lines.append(("served", job.item.id, job.agent_id, now))

    def gave_up(self, job, now):
        self.lines.append(("gave up", job.item.id, now))

    def worked(self, job, since, until):
        self.lines.append(("worked", job.item.id, since, until))

    def busy(self, person, since, until):
        self.lines.append(("busy", person.id, since, until))

    def is_over(self, now):
        return False

    def of(self, what):
        return [line[1:] for line in self.lines if line[0] == what]


def call(number, at, handle_s, patience_s=inf, *, channel="voice"):
    band = LIVE if channel in ("voice", "chat") else DEFERRED
    return Job(Item(number, channel, frozenset(), band, at + 80, at), handle_s, at + patience_s)


def play(jobs, shifts, people=1, factor=1.0):
    diary = Diary()
    floor = Floor([Person(number, {}, factor=factor) for number in range(1, people + 1)], diary)
    for agent_id, since, until in shifts:
        floor.set_duty(since, agent_id, True)
        floor.set_duty(until, agent_id, False)
    floor.run(iter(jobs))
    return diary


def test_work_waits_for_the_shift_and_is_finished_after_it():
    diary = play([call(1, 0, 50), call(2, 5, 50), call(3, 6, 50)], [(1, 10, 60)])
    assert diary.of("worked") == [(1, 10, 60)]
    assert diary.of("busy") == [(1, 10, 60)]
    diary = play([call(1, 0, 100), call(2, 5, 50)], [(1, 10, 60), (1, 200, 300)])
    assert diary.of("worked") == [(1, 10, 110), (2, 200, 250)]


def test_who_gives_up_is_not_served_and_who_was_served_does_not_give_up():
    diary = play([call(1, 0, 100, 50), call(2, 1, 10, 20), call(3, 2, 10, 200)], [(1, 0, 1000)])
    assert diary.of("gave up") == [(2, 21)]
    assert diary.of("worked") == [(1, 0, 100), (3, 100, 110)]


def test_a_slow_agent_takes_longer():
    assert play([call(1, 0, 100)], [(1, 0, 1000)], factor=1.5).of("worked") == [(1, 0, 150)]


def test_a_mail_is_parked_for_a_call_and_taken_up_again():
    diary = play([call(1, 0, 100, channel="email"), call(2, 30, 60)], [(1, 0, 1000)])
    assert diary.of("worked") == [(1, 0, 30), (2, 30, 90), (1, 90, 160)]
    assert diary.of("busy") == [(1, 0, 160)]


def test_three_chats_go_on_side_by_side_and_the_fourth_waits():
    diary = play([call(number, number, 100, channel="chat") for number in range(1, 5)], [(1, 0, 1000)])
    assert diary.of("worked") == [(1, 1, 101), (2, 2, 102), (3, 3, 103), (4, 101, 201)]
    assert diary.of("busy") == [(1, 1, 201)]


def test_what_happens_together_is_decided_together():
    first, second = call(1, 10, 5), call(2, 10, 5)
    second.item = replace(second.item, due_at=11.0)
    assert play([first, second], [(1, 0, 100)]).of("worked") == [(2, 10, 15), (1, 15, 20)]


def test_the_floor_is_at_rest_when_nothing_comes():
    assert play([], [(1, 0, 100)]).lines == []
    assert play([call(1, 5, 10)], []).lines == []


# Counting


def test_work_is_spread_over_the_batches_it_falls_in():
    tally = Tally(1, 100.0, 200.0, 4, (20.0,))
    tally.worked(0, 90.0, 160.0)
    tally.worked(0, 195.0, 500.0)
    assert [row[WORK_S] for row in tally.rows[0]] == [25.0, 25.0, 10.0, 5.0]
    assert tally.row(0, 99.9) is None
    assert tally.row(0, 200.0) is None
    assert tally.row(0, 199.9) is tally.rows[0][3]


def test_the_borders_of_batches_lose_no_work():
    tally = Tally(1, 0.1, 0.7, 7, ())
    dice = Random(4)
    total = 0.0
    for _ in range(2000):
        since = dice.uniform(0, 0.7)
        until = since + dice.choice([0.0, 1e-17, 0.1, 0.6 / 7])
        tally.worked(0, since, until)
        total += max(0.0, min(until, 0.7) - max(since, 0.1))
    assert sum(row[WORK_S] for row in tally.rows[0]) == pytest.approx(total)


def test_figures_of_a_few_calls_are_what_one_counts_by_hand():
    tally = Tally(1, 0.0, 100.0, 2, (20.0,))
    for at, wait, answered in ((1, 0, True), (2, 10, True), (60, 30, True), (61, 5, False)):
        row = tally.row(0, at)
        row[N] += 1
        tally.served(row, wait) if answered else tally.gave_up(row, wait)
    tally.worked(0, 0, 30)
    found = figures(tally.rows[0], (20.0,), 100.0)
    assert (found.n, found.p_wait, found.mean_wait_s, found.p_abandon) == (4, 0.75, 11.25, 0.25)
    assert (found.mean_wait_served_s, found.sl, found.occupancy) == (pytest.approx(40 / 3), {"20": 0.5}, 0.15)


# How far from the truth


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.706), (5, 2.571), (9, 2.262), (11, 2.201), (19, 2.093), (60, 2.000)])
def test_students_t_is_that_of_the_tables(freedom, quantile):
    assert t_95(freedom) == pytest.approx(quantile, abs=1.5e-3)


def test_the_quantile_falls_with_every_degree_of_freedom():
    quantiles = [t_95(freedom / 7) for freedom in range(7, 400)]
    assert quantiles == sorted(quantiles, reverse=True)


def test_independent_batches_hold_the_truth_95_times_in_100():
    dice, inside = Random(9), 0
    for _ in range(1000):
        value, width = ratio([dice.gauss(5, 1) for _ in range(8)], [1.0] * 8, independent=True)
        inside += abs(value - 5) <= width
    assert inside == pytest.approx(950, abs=20)


def test_batches_that_resemble_their_neighbours_are_not_taken_for_independent():
    dice, inside = Random(5), 0
    for _ in range(500):
        level, batches = 0.0, []
        for _ in range(20):
            level = 0.6 * level + dice.gauss(0, sqrt(1 - 0.36))
            batches.append(5 + level)
        value, width = ratio(batches, [1.0] * 20)
        inside += abs(value - 5) <= width
    assert inside >= 0.87 * 500  # 20 independent batches would hold it 68 times in 100


def test_what_never_happened_may_still_happen():
    value, width = share([0.0] * 20, [50.0] * 20)
    assert (value, width) == (0.0, 0.003)
    assert share([50.0] * 20, [50.0] * 20) == (1.0, 0.003)
    assert ratio([], []) == (None, None)
    assert ratio([3.0], [2.0]) == (1.5, None)
