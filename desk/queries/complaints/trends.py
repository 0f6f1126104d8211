"""What complaints have in common: clusters against their own history, weeks, the few causes of most, and risk."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Complaint
from desk.models.complaint_alert import BY_CATEGORY, BY_CAUSE

PERIOD = timedelta(days=7)
PERIODS = 8  # so many before the one that is looked at
FEWEST = 3
CHANCE = 0.01  # so rarely a cluster that is as it always was goes beyond its limit
LIKELIHOODS = (1, 2, 4, 8)  # in eight weeks: once, now and then, often, all the time
HIGH, MIDDLE = 12, 6
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cluster:
    """Like complaints: how many came in the last period, the mean of those before, and the most that chance explains."""

    dimension: str
    about: str
    product: str
    seen: int
    expected: float
    most: int
    complaint_ids: list[int]

    @property
    def stands_out(self) -> bool:
        return self.seen >= FEWEST and self.seen > self.most


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: `share` is of all bars, `running` of this and those before it, both from 0 to 1."""

    key: str
    count: int
    share: float
    running: float


@dataclass(frozen=True)
class Week:
    """One week of complaints; `most` is the upper limit by the eight weeks before it."""

    first: date
    count: int
    most: int


@dataclass(frozen=True)
class Risk:
    """A cluster of eight weeks: `severity` and `likelihood` from 1 to 4, `score` is their product."""

    cause: str
    product: str
    count: int
    severity: int
    likelihood: int

    @property
    def score(self) -> int:
        return self.severity * self.likelihood

    @property
    def word(self) -> str:
        return "high" if self.score >= HIGH else "middle" if self.score >= MIDDLE else "low"


def upper_limit(mean: float, chance: float = CHANCE) -> int:
    """The smallest number that a Poisson count of this mean exceeds no more often than `chance`."""
    below, term, number = math.exp(-mean), math.exp(-mean), 0
    while 1 - below > chance and number < 100_000:
        number += 1
        term *= mean / number
        below += term
    return number


def product_key(product: str) -> str:
    """Products that differ only in case or spaces are the same."""
    return " ".join(product.split()).lower()[:80]


def like(cause: str, product: str) -> list[ColumnElement[bool]]:
    """The condition on `Complaint` for the same cause and product."""
    return [Complaint.cause == cause, func.replace(func.lower(func.trim(Complaint.product)), "  ", " ") == product_key(product)]


def clusters(session: Session, now: datetime) -> list[Cluster]:
    """Every cluster of the last period, by root cause and, for complaints whose cause is not known yet, by category."""
    since = now - PERIOD * (PERIODS + 1)
    by_cause = select(Complaint.cause, Complaint.product, Complaint.cause_found_at, Complaint.id)
    by_cause = by_cause.where(
        Complaint.cause_found_at >= since, Complaint.cause_found_at <= now, Complaint.cause.not_in(("", UNKNOWN))
    )
    by_category = select(Complaint.category, Complaint.product, Complaint.received_at, Complaint.id)
    by_category = by_category.where(Complaint.received_at.between(since, now), Complaint.category != "")
    found: list[Cluster] = []
    for dimension, query in ((BY_CAUSE, by_cause), (BY_CATEGORY, by_category)):
        groups: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
        for about, product, at, complaint_id in session.execute(query):
            groups[about, product_key(product)].append((at, complaint_id))
        found += [cluster_of(dimension, about, product, told, now) for (about, product), told in sorted(groups.items())]
    return [each for each in found if each.seen]


def cluster_of(dimension: str, about: str, product: str, told: Sequence[tuple[datetime, int]], now: datetime) -> Cluster:
    """The last period of these complaints against the eight before it."""
    latest = [(at, number) for at, number in told if at > now - PERIOD]
    mean = (len(told) - len(latest)) / PERIODS
    return Cluster(dimension, about, product, len(latest), mean, upper_limit(mean), [number for _, number in sorted(latest)])


def pareto(session: Session, viewer: Viewer, since: datetime, until: datetime, by: str) -> list[Bar]:
    """How many complaints received in this time have each cause (or category, or product), the most frequent first."""
    column = {"category": Complaint.category, "product": Complaint.product}.get(by, Complaint.cause)
    query = select(column, func.count()).where(*_seen(viewer), Complaint.received_at >= since, Complaint.received_at < until)
    counted: Counter[str] = Counter()
    for key, count in session.execute(query.group_by(column)):
        counted[key.strip()] += count
    return bars(counted.items())


def bars(counted: Iterable[tuple[str, int]]) -> list[Bar]:
    """Counts as bars, the largest first; what is not known comes last, however much it is."""
    ordered = sorted(counted, key=lambda each: (each[0] in ("", UNKNOWN), -each[1], each[0]))
    total, before, found = sum(count for _, count in ordered), 0, []
    for key, count in ordered:
        before += count
        found.append(Bar(key, count, count / total, before / total))
    return found


def weeks(session: Session, viewer: Viewer, now: datetime, zone: str, count: int = 26) -> list[Week]:
    """The complaints of each week that is over or runs, with the limit that the eight weeks before it set."""
    today = now.astimezone(ZoneInfo(zone)).date()
    this_week = today - timedelta(days=today.weekday())
    firsts = [this_week - timedelta(weeks=back) for back in range(count + PERIODS - 1, -1, -1)]
    since = datetime.combine(firsts[0], datetime.min.time(), ZoneInfo(zone))
    counted: Counter[date] = Counter()
    for at in session.scalars(select(Complaint.received_at).where(*_seen(viewer), Complaint.received_at >= since)):
        day = at.astimezone(ZoneInfo(zone)).date()
        counted[day - timedelta(days=day.weekday())] += 1
    numbers = [counted[first] for first in firsts]
    return [
        Week(firsts[at], numbers[at], upper_limit(sum(numbers[at - PERIODS : at]) / PERIODS))
        for at in range(PERIODS, len(firsts))
    ]


def risks(session: Session, viewer: Viewer, now: datetime) -> list[Risk]:
    """The clusters of the last eight weeks by how bad and how frequent they are, the greatest risk first."""
    query = select(Complaint.cause, Complaint.product, func.count(), func.min(Complaint.severity))
    query = query.where(*_seen(viewer), Complaint.cause_found_at >= now - PERIOD * PERIODS, Complaint.cause.not_in(("", UNKNOWN)))
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for cause, product, count, worst in session.execute(query.group_by(Complaint.cause, Complaint.product)):
        groups[cause, product_key(product)].append((count, worst))
    found = [
        Risk(cause, product, sum(count for count, _ in told), 5 - min(worst for _, worst in told), _likelihood(told))
        for (cause, product), told in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.score, -each.count, each.cause, each.product))


def _likelihood(told: Iterable[tuple[int, int]]) -> int:
    return sum(sum(count for count, _ in told) >= least for least in LIKELIHOODS)


def _seen(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Whoever reads complaints reads all but those that they are kept out of."""
    return [untouched_by(viewer, Complaint.ticket_id)]
