"""How far a simulated figure may be from the true one: 95 % half-widths from batch means.

A run is cut into batches of equal length. What is counted in one batch resembles the next, the more so the busier the agents
are, so plain batch means promise too much. Two answers are computed and the wider is taken: 20 batches with their measured
correlation allowed for, and 10 batches, between which little of it is left. The distribution of a mean wait leans to the right: a
short run mostly shows less than the truth, and varies less as well. So for waits the width is stretched by its own share of the
value. Measured against exact values: see the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

FINE, COARSE = 20, 10
"""Batches of the two answers; the fine ones are counted, the coarse ones are pairs of them."""

MOST_CORRELATION = 0.9
MOST_WIDENING = 2.0

T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom."""

Z_95 = 1.959964

NEVER_SEEN = 3.0
"""What is not seen once among n may be as frequent as 3/n: 1 - exp(-3) is 95 %."""


def t_95(freedom: float) -> float:
    """The two-sided 95 % quantile of Student's t, for fractions of degrees of freedom as well (at least 1)."""
    if freedom <= len(T_95):
        below = max(1, int(freedom))
        if below == len(T_95):
            return T_95[-1]
        return T_95[below - 1] + (T_95[below] - T_95[below - 1]) * max(0.0, freedom - below)
    z = Z_95
    corrections = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + sum(correction / freedom**power for power, correction in enumerate(corrections, 1))


def ratio(
    parts: Sequence[float], wholes: Sequence[float], *, skewed: bool = False, independent: bool = False
) -> tuple[float | None, float | None]:
    """The sum of the parts over the sum of the wholes, and its half-width; one pair for each batch, batches in order of time.

    None for a figure of nothing, and for the half-width of a single batch. `skewed` is for means that can be large but not
    negative; `independent` for batches that have nothing to do with each other.
    """
    whole = sum(wholes)
    if whole == 0:
        return None, None
    value = sum(parts) / whole
    if len(parts) < 2:
        return value, None
    rests = [part - value * one for part, one in zip(parts, wholes, strict=True)]
    width = (_plain(rests) if independent else max(_correlated(rests), _paired(rests))) / whole
    if skewed and value > 0:
        width *= 1 + min(width / value, MOST_WIDENING)
    return value, width


def share(parts: Sequence[float], wholes: Sequence[float], *, independent: bool = False) -> tuple[float | None, float | None]:
    """`ratio` for parts that are counted among the wholes. Its width is not nothing for what never happened, or always."""
    value, width = ratio(parts, wholes, independent=independent)
    if value in (0.0, 1.0) and width is not None:
        width = max(width, NEVER_SEEN / sum(wholes))
    return value, width


def _correlated(rests: Sequence[float]) -> float:
    """The half-width of their sum with correlation between neighbours as in an autoregressive process of first order."""
    count, squares = len(rests), sum(rest * rest for rest in rests)
    if squares == 0:
        return 0.0
    measured = sum(one * following for one, following in pairwise(rests)) / squares
    correlation = min(max(measured + (1 + 4 * max(measured, 0.0)) / count, 0.0), MOST_CORRELATION)  # measured is too small
    inflation = (1 + correlation) / (1 - correlation)
    return t_95(max(2.0, count / inflation - 1)) * sqrt(squares / (count - 1) * count * inflation)


def _paired(rests: Sequence[float]) -> float:
    if len(rests) < FINE:
        return _plain(rests)
    return _plain([rests[place] + rests[place + 1] for place in range(0, len(rests) - 1, 2)])


def _plain(rests: Sequence[float]) -> float:
    """The half-width of their sum if they are independent."""
    count = len(rests)
    return t_95(count - 1) * sqrt(sum(rest * rest for rest in rests) / (count - 1) * count)
