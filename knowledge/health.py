"""How well an article is kept, 0 to 100: 30 for freshness, 25 for readers it helped, 20 for use, 15 for no fault, 10 for form."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOW = 50
_DAY_S = 86_400
_FULL_USE = 50  # tickets in 90 days, from which on more of them say no more
_OVERDUE_DAYS, _UNPLANNED_DAYS = 90, 365  # after which nothing of freshness is left
_Z = 1.645  # of the lower bound: one side, 95 %


@dataclass(frozen=True)
class Signs:
    """What is known of an article. `review_in_s`: seconds until its review, negative when late, None when there is no date."""

    age_s: float
    review_in_s: float | None
    helpful: int
    unhelpful: int
    used_90_days: int
    open_flags: int
    is_complete: bool


def health(signs: Signs) -> int:
    """The sum of its parts, rounded."""
    parts = (
        30 * _freshness(signs),
        25 * _helped(signs.helpful, signs.unhelpful),
        20 * min(1.0, math.log1p(signs.used_90_days) / math.log1p(_FULL_USE)),
        0 if signs.open_flags else 15,
        10 if signs.is_complete else 0,
    )
    return round(sum(parts))


def _freshness(signs: Signs) -> float:
    if signs.review_in_s is None:
        return max(0.0, 1 - signs.age_s / (_UNPLANNED_DAYS * _DAY_S))
    return max(0.0, 1 + min(0.0, signs.review_in_s) / (_OVERDUE_DAYS * _DAY_S))


def _helped(yes: int, no: int) -> float:
    """Wilson's lower bound of the share of readers whom it helped: three of three say less than thirty of thirty.

    Nobody has said anything: half, neither praise nor blame.
    """
    count = yes + no
    if not count:
        return 0.5
    share, square = yes / count, _Z * _Z / count
    margin = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, (share + square / 2 - margin) / (1 + square))
