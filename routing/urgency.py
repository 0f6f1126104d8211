"""How urgent a ticket is: whom it touches and how soon it hurts make its priority, by one table that has no exceptions."""

from __future__ import annotations

IMPACTS = ("one", "team", "many")  # how many people cannot go on, the fewest first
URGENCIES = ("low", "normal", "high")  # how soon it hurts, the latest first
ONE, NORMAL = IMPACTS[0], URGENCIES[1]  # what is taken for granted until somebody says otherwise
FIRST, LAST = 1, 4


def priority_of(impact: str, urgency: str, *, raised: bool = False) -> int:
    """From 1, the most urgent, to 4: each step up of either is one step of priority, and so is `raised`, a customer's tier.

    Raises ValueError for an impact or an urgency that there is not.
    """
    steps = IMPACTS.index(impact) + URGENCIES.index(urgency) + raised
    return max(FIRST, LAST - steps)
