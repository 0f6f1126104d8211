"""What to tell somebody who waits: the expected wait, a range for it, and how to say it. Times are seconds.

Estimators as in Ibrahim and Whitt (2009, Manufacturing & Service Operations Management 11:397-415): QLm looks at how many are
ahead and how fast they are served or give up; HOL takes the age of whoever is next, LES the wait of whoever was served last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Method = Literal["free", "QLm", "HOL", "LES", "handling"]

ENOUGH = 20
"""Completions in the window from which a service rate can be measured; with fewer, HOL and LES are used instead."""

NORMAL_80 = 0.8416212335729143
"""The 80 % quantile of the normal distribution."""

MOST_ROUNDS = 30


@dataclass(frozen=True)
class Overtakers:
    """A tier with a shorter target: how many of it come per second, and for how long after an item they still pass it."""

    rate_per_s: float
    head_start_s: float


@dataclass(frozen=True)
class Line:
    """What is known of a line of waiting work, seen from one place in it.

    `ahead` items have a smaller key and want the same agents. `agents` are on duty and able, as places: a person who may hold
    three chats is three. In the last window these places worked `busy_s` seconds altogether, on whatever they had, and completed
    `completions` items of this line: so a place shared with other work counts by its share. `theta` is how many of the waiting
    give up per second and head (see `abandonment_rate`). `oldest_wait_s` is how long the first in line waits by now,
    `last_wait_s` how long the last one served had waited; None if there is none. `waited_s` is what this item has waited so far.
    `free` says that a place is free for it now. `handle_s` is the usual handling time, for when nothing at all was measured.
    """

    ahead: int
    agents: float
    completions: int = 0
    busy_s: float = 0.0
    theta: float = 0.0
    oldest_wait_s: float | None = None
    last_wait_s: float | None = None
    overtakers: tuple[Overtakers, ...] = ()
    waited_s: float = 0.0
    free: bool = False
    handle_s: float | None = None


@dataclass(frozen=True)
class Estimate:
    """How much longer the wait will be: the mean, and the waits that half and four fifths of such items stay below."""

    mean_s: float
    p50_s: float
    p80_s: float
    method: Method

    @property
    def minutes(self) -> tuple[int, int]:
        """The range to announce in whole minutes, both ends rounded up; (0, 0) when somebody is free."""
        if self.method == "free":
            return 0, 0
        return spoken_minutes(self.p50_s), spoken_minutes(self.p80_s)


def estimate(line: Line) -> Estimate | None:
    """The expected rest of the wait; None when nobody serves the line and when nothing at all is known of it.

    Raises ValueError for negative figures.
    """
    _refuse_negative(line)
    if line.agents <= 0:
        return None
    if line.free and line.ahead == 0:
        return Estimate(0.0, 0.0, 0.0, "free")
    if line.completions >= ENOUGH and line.busy_s > 0:
        return _by_length(line, line.agents * line.completions / line.busy_s, "QLm", 1.0 / line.completions)
    for method, wait in (("HOL", line.oldest_wait_s), ("LES", line.last_wait_s)):
        if wait is not None:
            return _by_delay(line, wait, method)
    if line.handle_s is not None and line.handle_s > 0:
        return _by_length(line, line.agents / line.handle_s, "handling", 0.1)
    return None


def expected_wait_s(ahead: int, busy_servers: int, mean_handle_s: float, patience_s: float | None) -> float | None:
    """Seconds until service for somebody with `ahead` items before him, or None when nobody serves or nothing is measured.

    QLm: the sum for j = 0..ahead of 1 / (c/h + j/p), with c servers, mean handling time h and mean patience p. Those ahead may
    give up; without patience (None) it is (ahead + 1) h / c, which overstates as soon as people abandon.
    Raises ValueError for a negative number ahead or a patience that is not positive.
    """
    if ahead < 0:
        raise ValueError(f"nobody can have {ahead} items ahead")
    if patience_s is not None and patience_s <= 0:
        raise ValueError(f"patience must be positive, not {patience_s}")
    if busy_servers <= 0 or mean_handle_s <= 0:
        return None
    rate = busy_servers / mean_handle_s
    if patience_s is None:
        return (ahead + 1) / rate
    return math.fsum(1 / (rate + place / patience_s) for place in range(ahead + 1))


def abandonment_rate(abandoned: int, waited_s: float) -> float:
    """How many give up per second of waiting and head: the maximum likelihood of exponential patience, censored by service.

    `waited_s` is the waiting of everybody, served or not. The mean wait of those who gave up would be far too short a patience,
    because it leaves out all who were served before theirs ran out.
    """
    return abandoned / waited_s if waited_s > 0 else 0.0


def spoken_minutes(seconds: float) -> int:
    """Whole minutes to announce, rounded up and at least one: a promise should err on the long side."""
    return max(1, math.ceil(seconds / 60))


def announce(fresh: Estimate, told: tuple[int, int] | None = None, since_s: float = 0.0, cause: bool = False) -> tuple[int, int]:
    """The range of minutes to tell now, given the range told `since_s` seconds ago.

    What was promised is only taken back for a `cause` that can be named, such as agents who left: without one neither end of the
    range lies later than it was told.
    """
    low, high = fresh.minutes
    if told is None or cause or fresh.method == "free":
        return low, high
    return tuple(min(new, spoken_minutes(old * 60 - since_s)) for new, old in zip((low, high), told, strict=True))


def _by_length(line: Line, rate: float, method: Method, uncertainty: float) -> Estimate:
    """QLm with those who will overtake: they come during the wait, which they make longer, so go round until it holds still."""
    ahead = float(line.ahead)
    mean, variance = _drain(ahead, rate, line.theta)
    for _ in range(MOST_ROUNDS):
        passing = math.fsum(tier.rate_per_s * min(max(0.0, tier.head_start_s - line.waited_s), mean) for tier in line.overtakers)
        before, ahead = ahead, line.ahead + passing
        mean, variance = _drain(ahead, rate, line.theta)
        if abs(ahead - before) < 0.01:
            break
    variance += (ahead - line.ahead) / rate**2 + uncertainty * mean**2
    return _spread(mean, variance, method)


def _drain(ahead: float, rate: float, theta: float) -> tuple[float, float]:
    """Mean and variance of the time until `ahead` items and then this one are served: a sum of exponential times."""
    whole = int(ahead)
    if theta == 0.0:
        return (ahead + 1) / rate, (ahead + 1) / rate**2
    steps = [1 / (rate + place * theta) for place in range(whole + 1)]
    part = (ahead - whole) / (rate + (whole + 1) * theta)
    return math.fsum(steps) + part, math.fsum(step**2 for step in steps) + part / (rate + (whole + 1) * theta)


def _by_delay(line: Line, delay_s: float, method: Method) -> Estimate:
    """HOL or LES: what others have waited, less what this one has, but no less than the next place to become free takes."""
    next_free = line.handle_s / line.agents if line.handle_s else 0.0
    mean = max(delay_s - line.waited_s, next_free)
    # Twice the variance of the queue-length estimator (the paper's limit for Poisson arrivals), or a guess without its rate.
    variance = 2 * mean * next_free if next_free else mean**2 / 4
    return _spread(mean, variance, method)


def _spread(mean: float, variance: float, method: Method) -> Estimate:
    """Quantiles of the gamma distribution with this mean and variance, by Wilson and Hilferty's cube root."""
    if mean <= 0:
        return Estimate(0.0, 0.0, 0.0, method)
    shape = mean**2 / variance
    middle = max(0.0, 1 - 1 / (9 * shape))
    p50, p80 = (mean * (middle + z / (3 * math.sqrt(shape))) ** 3 for z in (0.0, NORMAL_80))
    return Estimate(mean, p50, p80, method)


def _refuse_negative(line: Line) -> None:
    figures = (line.ahead, line.completions, line.busy_s, line.theta, line.waited_s, line.oldest_wait_s, line.last_wait_s)
    if any(figure is not None and (figure < 0 or not math.isfinite(figure)) for figure in figures):
        raise ValueError(f"a line cannot have negative figures: {line}")
