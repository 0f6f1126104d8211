"""The order of waiting work: a reply target per channel and tier gives a due time, fixed at entry, and that is the rank.

Earliest due first gives a tier a bounded head start instead of strict precedence, so nobody starves: an item waits behind one
that came later only if that one came less than the difference of their targets later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from routing.hours import Calendar
from routing.values import DEFERRED, ESCALATED, LIVE

HOUR_S = 3600.0

TIERS = ("vip", "gold", "silver", "standard")
"""Customer value classes, the highest first."""

TARGETS_S: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "voice": {"vip": 20.0, "gold": 40.0, "silver": 60.0, "standard": 80.0},
        "chat": {"vip": 30.0, "gold": 45.0, "silver": 60.0, "standard": 90.0},
        "email": {"vip": HOUR_S, "gold": 2 * HOUR_S, "silver": 3 * HOUR_S, "standard": 4 * HOUR_S},
        # A complaint ignores the customer's value: one target for everybody.
        "complaint": dict.fromkeys(TIERS, 2 * HOUR_S),
        "followup": {"vip": 2 * HOUR_S, "gold": 4 * HOUR_S, "silver": 6 * HOUR_S, "standard": 8 * HOUR_S},
        "ticket": {"vip": HOUR_S, "gold": 4 * HOUR_S, "silver": 6 * HOUR_S, "standard": 8 * HOUR_S},
    }
)
"""Seconds until an answer is due, open seconds for deferred channels, by channel and tier."""

LIVE_CHANNELS = frozenset({"voice", "chat"})

HANDLING_S: Mapping[str, float] = MappingProxyType(
    {"voice": 300.0, "chat": 600.0, "email": 600.0, "complaint": 1800.0, "followup": 300.0, "ticket": 900.0}
)
"""Expected seconds of work on one item, until the desk has measured its own."""


def target_s(channel: str, tier: str = "standard", targets: Mapping[str, Mapping[str, float]] = TARGETS_S) -> float:
    """The reply target in seconds. Raises ValueError for a channel or tier without one."""
    try:
        return targets[channel][tier]
    except KeyError:
        raise ValueError(f"no target for channel {channel!r} and tier {tier!r}") from None


def head_start_s(channel: str, tier: str, targets: Mapping[str, Mapping[str, float]] = TARGETS_S) -> float:
    """How many seconds earlier the tier is treated as having come, against the slowest tier of the channel."""
    return max(targets[channel].values()) - target_s(channel, tier, targets)


def due_at(enqueued_at: float, target_s: float, calendar: Calendar | None = None) -> float:
    """When the answer is due, epoch seconds; with a calendar only its open time counts."""
    if calendar is None:
        return enqueued_at + target_s
    return calendar.add_business(datetime.fromtimestamp(enqueued_at, UTC), target_s).timestamp()


def band(channel: str, escalated: bool = False) -> int:
    """0 escalated by a person, 1 live, 2 deferred."""
    if escalated:
        return ESCALATED
    return LIVE if channel in LIVE_CHANNELS else DEFERRED


def promote_at(due_at: float, handling_s: float) -> float:
    """When deferred work joins the live work: so much before it is due as handling it is expected to take."""
    return due_at - handling_s
