"""Forecasts against histories that were made: known means, known noise, known growth."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp, sqrt
from random import Random

import pytest

from routing.forecast import backtest, forecast, poisson_error, quantile

START = date(2026, 6, 1)  # a Monday
WEEKDAYS = (1.2, 1.1, 1.0, 1.0, 0.9, 0.5, 0.3)
INTERVALS = 24


def shape(place):
    return exp(-(((place - 12) / 5) ** 2))


def poisson(dice, mean):
    """A Poisson count: arrivals until one unit of time is over."""
    count, at = -1, 0.0
    while at < mean:
        at += dice.expovariate(1.0)
        count += 1
    return count


def history(days, *, peak=40.0, day_noise=0.0, interval_noise=0.0, growth=0.0, seed=1):
    """Counts of so many days; the noises are standard deviations as a share of the mean."""
    dice, found = Random(seed), {}
    for number in range(days):
        day = START + timedelta(days=number)
        level = WEEKDAYS[day.weekday()] * (1 + growth) ** (number / 7) * noisy(dice, day_noise)
        found[day] = [poisson(dice, peak * level * shape(place) * noisy(dice, interval_noise)) for place in range(INTERVALS)]
    return found


def noisy(dice, deviation):
    return dice.gammavariate(deviation**-2, deviation**2) if deviation else 1.0


def next_day(past):
    return max(past) + timedelta(days=1)


def test_each_weekday_and_interval_has_its_own_mean():
    past = history(70, peak=200)
    for ahead in range(7):
        day = next_day(past) + timedelta(days=ahead)
        told = forecast(past, day)
        for place, interval in enumerate(told.intervals):
            mean = 200 * WEEKDAYS[day.weekday()] * shape(place)
            assert interval.mean == pytest.approx(mean, abs=4 * sqrt(mean / 8) + 1)
    assert told.weeks == 8


@pytest.mark.parametrize(
    "noise", [{}, {"day_noise": 0.15}, {"day_noise": 0.1, "interval_noise": 0.2}, {"peak": 4.0}, {"growth": 0.02}]
)
def test_eight_of_ten_counts_are_within_the_band(noise):
    past = history(120, **noise)
    tested = backtest(past, sorted(past)[-42:])
    assert tested.days == 42
    assert 0.78 <= tested.coverage <= 0.95
    assert tested.wape >= 0.9 * tested.floor  # nobody beats chance


def test_without_more_than_chance_the_error_is_near_what_chance_alone_makes():
    past = history(120, peak=100)
    tested = backtest(past, sorted(past)[-42:])
    assert tested.floor <= tested.wape <= 1.15 * tested.floor


def test_the_band_is_never_narrower_than_chance():
    for weeks in (1, 2, 8):
        past = history(weeks * 7, peak=60)
        for interval in forecast(past, next_day(past)).intervals:
            assert interval.p10 <= quantile(interval.mean, 0.0, 0.1)
            assert interval.p90 >= quantile(interval.mean, 0.0, 0.9)


def test_restless_days_and_few_weeks_widen_the_band():
    def width(days, **noise):
        past = history(days, peak=100, **noise)
        told = forecast(past, next_day(past)).intervals[12]
        return (told.p90 - told.p10) / told.mean

    assert width(70, day_noise=0.2) > 1.5 * width(70)
    assert width(7) > 1.3 * width(70)


def test_a_holiday_and_one_bad_day_leave_the_mean_alone():
    past = history(70, peak=100)
    usual = forecast(past, next_day(past)).intervals[12].mean
    holiday, outage = next_day(past) - timedelta(weeks=2), next_day(past) - timedelta(weeks=5)
    broken = {**past, holiday: [0] * INTERVALS, outage: [count * 6 for count in past[outage]]}
    assert forecast(broken, next_day(past), holidays={holiday}).intervals[12].mean == pytest.approx(usual, rel=0.08)


def test_growth_is_followed_and_chance_is_not_taken_for_growth():
    growing = history(84, peak=100, growth=0.05)
    assert forecast(growing, next_day(growing)).level == pytest.approx(1.05**4.5, rel=0.06)
    for seed in range(5):
        steady = history(84, peak=3, seed=seed)
        assert forecast(steady, next_day(steady)).level == pytest.approx(1.0, abs=0.05)


def test_a_day_that_goes_differently_is_followed_as_far_as_days_do_differ():
    restless, steady = history(84, peak=100, day_noise=0.2), history(84, peak=100)
    for past, low, high in ((restless, 1.3, 1.5), (steady, 1.0, 1.12)):
        day = next_day(past)
        expected = [interval.mean for interval in forecast(past, day).intervals[:12]]
        told = forecast(past, day, so_far=[mean * 1.5 for mean in expected])
        assert low <= told.intraday <= high
    early = forecast(restless, next_day(restless), so_far=[0, 0])
    assert early.intraday == pytest.approx(1.0, abs=0.1)  # hardly anything was to be expected by then


def test_once_the_day_has_shown_its_level_the_rest_is_surer():
    past = history(84, peak=100, day_noise=0.3)
    day = next_day(past)
    before = forecast(past, day)
    after = forecast(past, day, so_far=[interval.mean for interval in before.intervals[:12]])
    widths = [told.intervals[14].p90 - told.intervals[14].p10 for told in (before, after)]
    assert widths[1] < 0.75 * widths[0]


def test_nothing_known_gives_no_forecast():
    assert forecast({}, START) is None
    past = history(5)
    assert forecast(past, START + timedelta(days=5)) is None
    assert backtest(past, past).days == 0
    assert backtest(past, past).wape is None
    assert forecast(past, START + timedelta(days=7), holidays={START}) is None


def test_days_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="different numbers of intervals"):
        forecast({START: [1, 2], START + timedelta(days=1): [1]}, START + timedelta(days=7))
    with pytest.raises(ValueError, match="a day has 2 intervals"):
        forecast({START: [1, 2]}, START + timedelta(days=7), so_far=[1, 2, 3])


def test_an_empty_history_of_zeros_expects_nothing():
    past = {START + timedelta(days=number): [0] * 4 for number in range(60)}
    told = forecast(past, next_day(past))
    assert {(one.p10, one.mean, one.p90) for one in told.intervals} == {(0, 0.0, 0)}


@pytest.mark.parametrize(("mean", "relative"), [(20, 0.178), (50, 0.113), (100, 0.080)])
def test_the_floor_of_the_error_is_that_of_a_poisson_count(mean, relative):
    assert poisson_error(mean) / mean == pytest.approx(relative, abs=6e-4)


@pytest.mark.parametrize(("mean", "variance"), [(0.3, 0.0), (5.0, 0.0), (30.0, 0.04), (900.0, 0.01), (1999.0, 0.0)])
def test_the_quantiles_are_those_of_counts_that_are_drawn(mean, variance):
    dice = Random(2)
    drawn = sorted(poisson(dice, mean * (dice.gammavariate(1 / variance, variance) if variance else 1.0)) for _ in range(1500))
    for part in (0.1, 0.9):
        found = quantile(mean, variance, part)
        below = sum(count < found for count in drawn) / len(drawn)
        upto = sum(count <= found for count in drawn) / len(drawn)
        assert below - 0.03 <= part <= upto + 0.03


def test_quantiles_of_large_means_go_on_smoothly():
    for part in (0.1, 0.9):
        assert quantile(2001.0, 0.01, part) == pytest.approx(quantile(1999.0, 0.01, part), rel=0.02)
    assert quantile(0.0, 0.5, 0.9) == 0
