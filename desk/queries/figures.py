"""The measures of a contact centre as pure functions: each takes what was counted and says what it comes to.

The names carry many meanings in the trade, so that every figure on a page is printed with its formula. Shares are from 0 to 1;
None means that there was nothing to measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answered", "abandoned", "waiting", "left_otherwise"]
Variant = Literal["SL-1", "SL-2", "SL-3", "SL-4", "SL-5", "SL-6"]

SHORT_S = 5.0  # who hangs up so soon had mis-dialled
DEFAULT_VARIANT: Variant = "SL-2"


@dataclass(frozen=True)
class Contact:
    """One entry into a queue. `wait_s` runs from there to the answer, or to the moment the customer left, or until now."""

    wait_s: float
    outcome: Outcome


@dataclass(frozen=True)
class Counts:
    """What entered the queue, and the five numbers that service level is made of."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    answered_in_time: int = 0
    abandoned_in_time: int = 0
    short_abandons: int = 0
    answer_wait_s: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.offered + other.offered,
            self.answered + other.answered,
            self.abandoned + other.abandoned,
            self.answered_in_time + other.answered_in_time,
            self.abandoned_in_time + other.abandoned_in_time,
            self.short_abandons + other.short_abandons,
            self.answer_wait_s + other.answer_wait_s,
        )


def count(contacts: Iterable[Contact], threshold_s: float, short_s: float = SHORT_S) -> Counts:
    """Fold contacts into counts. Exactly `threshold_s` is in time, exactly `short_s` is short."""
    total = Counts()
    for contact in contacts:
        answered, abandoned = contact.outcome == "answered", contact.outcome == "abandoned"
        in_time = contact.wait_s <= threshold_s
        total += Counts(
            offered=1,
            answered=int(answered),
            abandoned=int(abandoned),
            answered_in_time=int(answered and in_time),
            abandoned_in_time=int(abandoned and in_time),
            short_abandons=int(abandoned and contact.wait_s <= short_s),
            answer_wait_s=contact.wait_s if answered else 0.0,
        )
    return total


def service_level(counts: Counts, variant: Variant = DEFAULT_VARIANT) -> float | None:
    """The share answered within the threshold. The six variants differ in how they take those who gave up."""
    met, all_ = counts.answered_in_time, counts.answered + counts.abandoned
    match variant:
        case "SL-1":
            return _share(met, all_)
        case "SL-2":
            return _share(met, all_ - counts.short_abandons)
        case "SL-3":
            return _share(met, all_ - counts.abandoned_in_time)
        case "SL-4":
            return _share(met + counts.abandoned_in_time, all_)
        case "SL-5":
            return _share(met + counts.short_abandons, all_)
        case "SL-6":
            return _share(met, counts.answered)


def abandonment(counts: Counts) -> float | None:
    """The share that gave up in the queue, short calls left out of both parts."""
    return _share(counts.abandoned - counts.short_abandons, counts.answered + counts.abandoned - counts.short_abandons)


def answer_rate(counts: Counts) -> float | None:
    """The share that reached a person (接通率)."""
    return _share(counts.answered, counts.answered + counts.abandoned)


def speed_of_answer_s(counts: Counts) -> float | None:
    """Mean seconds until the answer, of those answered: seconds are added up first, then divided."""
    return _share(counts.answer_wait_s, counts.answered)


def handle_time_s(seconds: Sequence[float]) -> float | None:
    """Mean of talk, hold and wrap-up together, over the contacts handled."""
    return _share(sum(seconds), len(seconds))


def satisfaction(scores: Sequence[int]) -> float | None:
    """The share of answers 4 and 5 on the scale from 1 to 5. Print the number of answers beside it."""
    return _share(sum(score >= 4 for score in scores), len(scores))


def at_share(ordered: Sequence[float], share: float) -> float | None:
    """The value below which so great a share of them lies, of values of which the smallest comes first."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
