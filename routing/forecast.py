"""How much work will come: interval by interval from what came before, with a band that says how sure that is.

The mean of an interval is that of the same interval on the same weekday in the last weeks, without the best and the worst and
without holidays; times how the last days compare with what such a mean had said of them; times, once the day has begun, how it
goes so far. Both ratios are shrunk to 1 as far as chance alone explains them. Counts vary at least as a Poisson count does; what
they vary more than that, from day to day and from interval to interval, is measured and widens the band.

Days are plain dates and counts plain numbers: cutting time into days and intervals is for whoever knows the time zone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, lgamma, log, log1p, sqrt

WEEKS = 8
TRIMMED_FROM = 5
TRIMMED_MEAN = 5.0
"""Weeks, and work in an interval, from which the best and the worst are left out: small counts are too lopsided for it."""

RECENT_DAYS = 10
PRIOR = 10.0
"""So much work, as expected, is added to what came, so that a handful cannot double the level."""

UNKNOWN_SPREAD = 0.1
"""Day to day and interval to interval, as a share of the mean, while the history is too short to measure it."""

ENOUGH_DAYS = 3
EXACT_UP_TO = 2000.0
Z_90 = 1.2815515655446004

Counts = Sequence[float]
History = Mapping[date, Counts]


@dataclass(frozen=True)
class Interval:
    """What to expect of one interval: the mean, and the counts that it stays below in 10 and in 90 of 100 cases, or reaches."""

    p10: int
    mean: float
    p90: int


@dataclass(frozen=True)
class Forecast:
    """The intervals of a day. `weeks` is from how many like days; `level` and `intraday` are the two ratios applied."""

    day: date
    intervals: tuple[Interval, ...]
    weeks: int
    level: float
    intraday: float


@dataclass(frozen=True)
class Backtest:
    """How forecasts of past days, made the evening before, compare with what came.

    `wape` is the sum of absolute errors over the sum of counts; `floor` is what it would be with the means perfectly right and
    counts as random as a Poisson count, which nobody can beat; `coverage` is the share of intervals within their band, to be
    compared with .8 (more where counts are small, because the band ends at whole numbers).
    """

    days: int
    wape: float | None
    floor: float | None
    coverage: float | None


@dataclass(frozen=True)
class Spread:
    """Variation beyond Poisson, as squared shares of the mean: of whole days, and of intervals within their day."""

    days: float
    intervals: float


def forecast(
    history: History, day: date, *, holidays: Collection[date] = (), so_far: Counts = (), weeks: int = WEEKS
) -> Forecast | None:
    """The forecast for `day` from the days before it; `so_far` has the counts of its intervals that are over.

    None if no like day is known in the last `weeks`. Raises ValueError if days have different numbers of intervals.
    """
    _check(history, so_far)
    like = _like_days(history, day, holidays, weeks)
    if not like:
        return None
    base = _trimmed(like)
    spread = _spread(history, day, holidays, weeks)
    level = _level(history, day, holidays, weeks, spread)
    means = [level * mean for mean in base]
    intraday, days_left = _intraday(means, so_far, spread.days)
    # How wrong the mean itself may be: like days are few, and the day-level ratio carries its own error.
    own = spread.intervals + days_left + (spread.days + spread.intervals) / len(like)
    return Forecast(
        day=day,
        intervals=tuple(_interval(intraday * mean, own, len(like)) for mean in means),
        weeks=len(like),
        level=level,
        intraday=intraday,
    )


def backtest(history: History, days: Collection[date], *, holidays: Collection[date] = (), weeks: int = WEEKS) -> Backtest:
    """Forecast each of these days from the days before it and compare. Holidays, and days without history, are left out."""
    tested = error = came = floor = inside = intervals = 0.0
    for day in days:
        told = None if day in holidays or day not in history else forecast(history, day, holidays=holidays, weeks=weeks)
        if told is None:
            continue
        tested += 1
        for count, interval in zip(history[day], told.intervals, strict=True):
            error += abs(count - interval.mean)
            came += count
            floor += poisson_error(interval.mean)
            inside += interval.p10 <= count <= interval.p90
            intervals += 1
    return Backtest(
        days=int(tested),
        wape=error / came if came else None,
        floor=floor / came if came else None,
        coverage=inside / intervals if intervals else None,
    )


def poisson_error(mean: float) -> float:
    """The mean absolute deviation of a Poisson count: 2 e^-m m^(k+1)/k! with k the whole part of m."""
    if mean <= 0:
        return 0.0
    whole = int(mean)
    return 2 * exp(-mean + (whole + 1) * log(mean) - lgamma(whole + 1))


def quantile(mean: float, relative_variance: float, share: float) -> int:
    """The smallest count that is not exceeded with this probability.

    Negative binomial, with the variance of a Poisson count plus `relative_variance` times the squared mean.
    """
    if mean <= 0:
        return 0
    if mean > EXACT_UP_TO:
        z = -Z_90 if share < 0.5 else Z_90
        return max(0, round(mean + z * sqrt(mean + relative_variance * mean**2)))
    reached, count = 0.0, -1
    for chance in _chances(mean, relative_variance):
        reached += chance
        count += 1
        if reached >= share or count > 50 * (mean + 10):
            break
    return count


def _chances(mean: float, relative_variance: float) -> Iterator[float]:
    """The probabilities of 0, 1, 2, ... in the logarithm, because the first may be too small for a float."""
    if relative_variance < 1e-9:
        at = -mean
        count = 0
        while True:
            yield exp(at)
            count += 1
            at += log(mean / count)
    shape = 1 / relative_variance
    at = -shape * log1p(mean / shape)
    ratio, count = mean / (shape + mean), 0
    while True:
        yield exp(at)
        count += 1
        at += log(ratio * (shape + count - 1) / count)


def _interval(mean: float, relative_variance: float, weeks: int) -> Interval:
    variance = relative_variance + (1 / (weeks * mean) if mean > 0 else 0.0)  # the mean is that of so many Poisson counts
    return Interval(quantile(mean, variance, 0.1), mean, quantile(mean, variance, 0.9))


def _like_days(history: History, day: date, holidays: Collection[date], weeks: int) -> list[Counts]:
    days = [day - timedelta(weeks=back) for back in range(1, weeks + 1)]
    return [history[one] for one in days if one in history and one not in holidays]


def _trimmed(days: Sequence[Counts]) -> list[float]:
    """The mean of each interval over the days, without the smallest and the largest where that makes sense."""
    means = []
    for counts in zip(*days, strict=True):
        mean = sum(counts) / len(counts)
        if len(counts) >= TRIMMED_FROM and mean >= TRIMMED_MEAN:
            mean = sum(sorted(counts)[1:-1]) / (len(counts) - 2)
        means.append(mean)
    return means


def _level(history: History, day: date, holidays: Collection[date], weeks: int, spread: Spread) -> float:
    """How the last days compare with what the weeks before them had let expect, shrunk by how much chance there is in it."""
    came = expected = 0.0
    seen = 0
    for back in range(1, RECENT_DAYS + 1):
        recent = day - timedelta(days=back)
        if recent not in history or recent in holidays:
            continue
        like = _like_days(history, recent, holidays, weeks)
        if not like:
            continue
        came += sum(history[recent])
        expected += sum(_trimmed(like))
        seen += 1
    if not expected:
        return 1.0
    chance = 1 / (PRIOR + expected) + spread.days / seen  # the variance of the ratio if nothing had changed
    change = (PRIOR + came) / (PRIOR + expected) - 1
    return 1 + change * change**2 / (change**2 + chance)


def _intraday(means: Sequence[float], so_far: Counts, days: float) -> tuple[float, float]:
    """How the day goes, and how uncertain its level still is: a gamma prior around 1, met by Poisson counts."""
    expected = sum(means[: len(so_far)])
    if not so_far or expected == 0 or days < 1e-9:
        return 1.0, days
    return (1 / days + sum(so_far)) / (1 / days + expected), 1 / (1 / days + expected)


def _spread(history: History, day: date, holidays: Collection[date], weeks: int) -> Spread:
    """Each day of the last weeks against the other days like it: what is left of the variation when Poisson's is taken away."""
    over_days = over_intervals = squares = 0.0
    seen = 0
    for back in range(1, weeks * 7 + 1):
        one = day - timedelta(days=back)
        if one not in history or one in holidays:
            continue
        others = [
            history[other]
            for week in range(-weeks, weeks + 1)
            if week
            and (other := one + timedelta(weeks=week)) < day
            and other >= day - timedelta(weeks=weeks)
            and other in history
            and other not in holidays
        ]
        base = [sum(counts) / len(others) for counts in zip(*others, strict=True)] if others else []
        expected = sum(base)
        if not expected:
            continue
        seen += 1
        few = 1 + 1 / len(others)  # the others' mean is itself uncertain
        ratio = sum(history[one]) / expected
        over_days += ((ratio - 1) ** 2 - few / expected) / few
        for count, mean in zip(history[one], base, strict=True):
            over_intervals += (count - ratio * mean) ** 2 - few * mean * ratio
            squares += few * mean**2
    if seen < ENOUGH_DAYS:
        return Spread(UNKNOWN_SPREAD**2, UNKNOWN_SPREAD**2)
    return Spread(max(0.0, over_days / seen), max(0.0, over_intervals / squares))


def _check(history: History, so_far: Counts) -> None:
    sizes = {len(counts) for counts in history.values()}
    if len(sizes) > 1:
        raise ValueError(f"days cannot have different numbers of intervals: {sorted(sizes)}")
    if sizes and len(so_far) > max(sizes):
        raise ValueError(f"a day has {max(sizes)} intervals, not {len(so_far)}")
