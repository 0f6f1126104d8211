"""What can be made to go wrong on the way between the simulated carrier and the application."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """A bad network. Chances go from 0 to 1.

    `latency_s` passes before each request leaves. `loss` is the chance that a report (a status callback) is never delivered;
    requests for instructions are not lost, since the real carrier would end the call for it. `duplicate` delivers twice under one
    idempotency token, `reorder` lets the next report of the same call or room overtake. In an `outage` every REST call fails,
    reports are lost, and instructions are asked for when it is over.
    """

    latency_s: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    outage: bool = False

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a chance from 0 to 1.")
        if not 0 <= self.latency_s <= 60:
            raise ValueError("latency_s is from 0 to 60 seconds.")

    @property
    def any(self) -> bool:
        return self != Faults()
