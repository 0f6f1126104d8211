"""What we promise to whoever complains: by when they hear that we have it, and by when they have our answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from desk.actions.calendars import calendar_of
from desk.models import Queue
from routing.clocks import Unit, deadline


@dataclass(frozen=True)
class Policy:
    """An acknowledgement and a decision, each so many units after receipt; the day of receipt is not counted.

    `longer` is by how many units of the decision it may be put off, once.
    """

    acknowledge: tuple[int, Unit]
    decide: tuple[int, Unit]
    longer: int


POLICIES = {"DEFAULT": Policy(acknowledge=(1, "business_days"), decide=(15, "business_days"), longer=15)}
FOLLOW_UP_AFTER_DAYS = 3  # business days from the decision to asking whether the customer is content


@dataclass(frozen=True)
class Promise:
    """The dates given to a complaint, and the zone in which they are days."""

    acknowledge_by: datetime
    decide_by: datetime
    zone: str


def promise(session: Session, queue: Queue, received_at: datetime, policy: str = "DEFAULT") -> Promise:
    """What is promised to a complaint that this queue receives at this moment."""
    rule, calendar = POLICIES[policy], calendar_of(session, queue)
    acknowledge_by = deadline(received_at, *rule.acknowledge, calendar)
    return Promise(acknowledge_by, deadline(received_at, *rule.decide, calendar), calendar.zone)


def ask_again_at(session: Session, queue: Queue, decided_at: datetime) -> datetime:
    """When somebody asks the customer whether the decision has settled the matter."""
    return deadline(decided_at, FOLLOW_UP_AFTER_DAYS, "business_days", calendar_of(session, queue))
