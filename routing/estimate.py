"""What to tell somebody who waits: the expected wait, and how to say it."""

from __future__ import annotations

import math


def expected_wait_s(ahead: int, busy_servers: int, mean_handle_s: float, patience_s: float | None) -> float | None:
    """Seconds until service for somebody with `ahead` items before him, or None when nobody serves or nothing is measured.

    The queue-length estimator QLm of Ibrahim and Whitt (2009, Manufacturing & Service Operations Management 11:397-415):
    sum for j = 0..ahead of 1 / (c/h + j/p), with c servers, mean handling time h and mean patience p. Those ahead may give up;
    without patience (None) it is (ahead + 1) h / c, which overstates as soon as people abandon.
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


def spoken_minutes(seconds: float) -> int:
    """Whole minutes to announce, rounded up and at least one: a promise should err on the long side."""
    return max(1, math.ceil(seconds / 60))
