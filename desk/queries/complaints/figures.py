"""The measures of complaint handling, each with the rows that it is made of: one condition gives both, so that they add up.

Shares are from 0 to 1; a rate is for 1,000; None means that there was nothing to measure. Which moment puts a row into the period
is part of each definition: a promise belongs to the day it was due, a decision to the day it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, untouched_by, visible_tickets
from desk.events import Event
from desk.models import (
    Complaint,
    ComplaintClock,
    ComplaintPolicy,
    CorrectiveAction,
    FollowUp,
    HandUp,
    Ticket,
    WorkItem,
)
from desk.models.complaint import OPEN_STAGES, RETYPED
from desk.models.hand_up import WITHDRAWN
from desk.models.survey import REACHED
from desk.queries.complaints.trends import product_key
from desk.queries.figures import at_share

SHARE, RATE, COUNT, DAYS = "share", "rate", "count", "days"
JUDGED = ("upheld", "partly_upheld", "not_upheld")
AT_FAULT = ("upheld", "partly_upheld")
FROM_CUSTOMERS = ("call", "chat", "ticket", "complaint")  # kinds of work that a customer's contact makes
FEW = 30  # with fewer rows a share says little
DAY_S = 86_400


@dataclass(frozen=True)
class Scope:
    """What is looked at: a time (from, until before), and what of it; empty is all."""

    since: datetime
    until: datetime
    policy: str = ""
    queue_id: int | None = None
    product: str = ""

    def before(self) -> Scope:
        """The time of the same length that went before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


@dataclass(frozen=True)
class Figure:
    """One measure. `part` of `whole` rows count; `value` is what that comes to, `high` the 90th percentile of days."""

    key: str
    kind: str
    part: int
    whole: int
    value: float | None
    high: float | None = None

    @property
    def is_few(self) -> bool:
        return self.kind == SHARE and 0 < self.whole < FEW


@dataclass(frozen=True)
class FigureRow:
    """One row of a measure: a ticket, or an action by its id. `days` where the measure is of days."""

    id: int
    number: int | None
    name: str
    at: datetime
    counts: bool
    days: float | None = None


@dataclass(frozen=True)
class _Source:
    """Where a measure comes from: the statement without columns, the id and moment of a row, and which rows count."""

    kind: str
    of: Any
    at: Any
    counts: ColumnElement[bool]
    where: Sequence[ColumnElement[bool]]
    began: Any = None  # from when days are counted


def figures(session: Session, viewer: Viewer, scope: Scope, now: datetime) -> dict[str, Figure]:
    """Every measure of this time."""
    return {key: figure(session, viewer, scope, now, key) for key in FIGURES}


def figure(session: Session, viewer: Viewer, scope: Scope, now: datetime, key: str) -> Figure:
    """One measure."""
    source = FIGURES[key](scope, now)
    counted = select(func.count(), func.coalesce(func.sum(case((source.counts, 1), else_=0)), 0))
    whole, part = session.execute(_from(counted, source, viewer, scope)).one()
    if source.kind == DAYS:
        days = sorted(_days(session, viewer, scope, source))
        return Figure(key, DAYS, part, whole, median(days) if days else None, at_share(days, 0.9))
    if source.kind == RATE:
        others = _contacts(session, scope) if key == "per_contacts" else _customers(session, scope)
        return Figure(key, RATE, part, others, 1000 * part / others if others else None)
    return Figure(key, source.kind, part, whole, part if source.kind == COUNT else part / whole if whole else None)


def figure_rows(
    session: Session,
    viewer: Viewer,
    scope: Scope,
    now: datetime,
    key: str,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int,
) -> list[FigureRow]:
    """The rows of a measure, the oldest first, from after the one named by its moment and id."""
    source = FIGURES[key](scope, now)
    is_action = source.of is CorrectiveAction
    named = (CorrectiveAction.title, CorrectiveAction.id) if is_action else (Ticket.subject, Ticket.number)
    ends = source.began if source.kind == DAYS else source.at
    query = _from(select(source.of.id, *named, source.at, ends, source.counts.label("counts")), source, viewer, scope)
    if after is not None:
        query = query.where(or_(source.at > after[0], and_(source.at == after[0], source.of.id > after[1])))
    rows = session.execute(query.order_by(source.at, source.of.id).limit(limit)).all()
    return [
        FigureRow(
            id=row_id,
            number=None if is_action else number,
            name=name,
            at=at,
            counts=bool(counts),
            days=(at - began).total_seconds() / DAY_S if source.kind == DAYS else None,
        )
        for row_id, name, number, at, began, counts in rows
    ]


def contacts_by_channel(session: Session, scope: Scope) -> dict[str, int]:
    """What came in from customers in this time, by channel: what a rate is for 1,000 of."""
    query = select(WorkItem.channel, func.count()).where(*_came_in(scope)).group_by(WorkItem.channel)
    return dict(sorted(map(tuple, session.execute(query))))


def products(session: Session, viewer: Viewer, since: datetime, most: int = 200) -> list[str]:
    """The products that complaints named since then, for choosing."""
    query = select(Complaint.product).where(Complaint.received_at >= since, Complaint.product != "", *_seen(viewer))
    return list(session.scalars(query.distinct().order_by(Complaint.product).limit(most)))


def _received(scope: Scope, _now: datetime) -> _Source:
    return _Source(COUNT, Complaint, Complaint.received_at, Complaint.id > 0, _within(Complaint.received_at, scope))


def _rate(scope: Scope, now: datetime) -> _Source:
    return replace(_received(scope, now), kind=RATE)


def _acknowledged(scope: Scope, now: datetime) -> _Source:
    due = _due(scope, ComplaintClock.acknowledge_due_at, Complaint.acknowledge_due_at)
    return _promise(scope, now, due, Complaint.acknowledged_at)


def _on_time(scope: Scope, now: datetime) -> _Source:
    due = _due(scope, ComplaintClock.decide_due_at, Complaint.decide_due_at)
    return _promise(scope, now, due, func.coalesce(Complaint.decided_at, Complaint.closed_at))


def _promise(scope: Scope, now: datetime, due: Any, done: Any) -> _Source:
    """A promise counts once its day has come, or it has been kept before: what is open and overdue is broken already."""
    counted = [*_within(due, scope), or_(due <= now, done.is_not(None)), Complaint.outcome != RETYPED]  # that had no clock
    return _Source(SHARE, Complaint, due, and_(done.is_not(None), done <= due), counted)


def _upheld(scope: Scope, _now: datetime) -> _Source:
    judged = [*_within(Complaint.decided_at, scope), Complaint.outcome.in_(JUDGED)]
    return _Source(SHARE, Complaint, Complaint.decided_at, Complaint.outcome.in_(AT_FAULT), judged)


def _reopened(scope: Scope, _now: datetime) -> _Source:
    again, ended = _happened("complaint.reopened"), _happened("complaint.closed")
    return _Source(SHARE, Complaint, Complaint.decided_at, again, [*_within(Complaint.decided_at, scope), or_(ended, again)])


def _days_to_decide(scope: Scope, _now: datetime) -> _Source:
    decided = _within(Complaint.decided_at, scope)
    return _Source(DAYS, Complaint, Complaint.decided_at, Complaint.id > 0, decided, Complaint.received_at)


def _open_late(_scope: Scope, now: datetime) -> _Source:
    """Not of the period but of this moment: of all that are open, those beyond their day."""
    late = and_(Complaint.decided_at.is_(None), Complaint.decide_due_at < now)
    return _Source(COUNT, Complaint, Complaint.decide_due_at, late, [Complaint.stage.in_(OPEN_STAGES)])


def _retyped(scope: Scope, _now: datetime) -> _Source:
    return _Source(SHARE, Complaint, Complaint.received_at, Complaint.outcome == RETYPED, _within(Complaint.received_at, scope))


def _loop_closed(scope: Scope, now: datetime) -> _Source:
    done_in_time = and_(FollowUp.done_at.is_not(None), FollowUp.done_at <= FollowUp.due_at)
    due = [*_within(FollowUp.due_at, scope), or_(FollowUp.due_at <= now, FollowUp.done_at.is_not(None))]
    return _Source(SHARE, FollowUp, FollowUp.due_at, done_in_time, due)


def _recovered(scope: Scope, _now: datetime) -> _Source:
    reached = [*_within(FollowUp.done_at, scope), FollowUp.outcome.in_(REACHED)]
    return _Source(SHARE, FollowUp, FollowUp.done_at, FollowUp.outcome == "satisfied", reached)


def _days_to_close(scope: Scope, _now: datetime) -> _Source:
    """From the answer, or the first try, until the customer had ours."""
    ended = [*_within(FollowUp.done_at, scope), FollowUp.outcome.in_((*REACHED, "no_action"))]
    began = func.coalesce(FollowUp.begun_at, FollowUp.created_at)
    return _Source(DAYS, FollowUp, FollowUp.done_at, FollowUp.id > 0, ended, began)


def _next_level(scope: Scope, now: datetime) -> _Source:
    in_time = and_(HandUp.answered_at.is_not(None), HandUp.answered_at <= HandUp.needed_by)
    due = [*_within(HandUp.needed_by, scope), or_(HandUp.needed_by <= now, HandUp.answered_at.is_not(None))]
    return _Source(SHARE, HandUp, HandUp.needed_by, in_time, [*due, HandUp.state != WITHDRAWN])


def _again_after_fix(scope: Scope, _now: datetime) -> _Source:
    checked = [*_within(CorrectiveAction.checked_at, scope), CorrectiveAction.like_after.is_not(None)]
    if scope.product:
        checked.append(CorrectiveAction.product == product_key(scope.product))
    return _Source(SHARE, CorrectiveAction, CorrectiveAction.checked_at, CorrectiveAction.like_after > 0, checked)


FIGURES: dict[str, Callable[[Scope, datetime], _Source]] = {
    "received": _received,
    "per_contacts": _rate,
    "per_customers": _rate,
    "acknowledged_on_time": _acknowledged,
    "on_time": _on_time,
    "days_to_decide": _days_to_decide,
    "upheld": _upheld,
    "reopened": _reopened,
    "open_late": _open_late,
    "retyped": _retyped,
    "loop_closed": _loop_closed,
    "recovered": _recovered,
    "days_to_close": _days_to_close,
    "next_level_on_time": _next_level,
    "again_after_fix": _again_after_fix,
}


def _from(query: Select[Any], source: _Source, viewer: Viewer, scope: Scope) -> Select[Any]:
    """The rows of a measure that the viewer may know of, narrowed to what was chosen."""
    query = query.select_from(source.of).where(*source.where)
    if source.of is CorrectiveAction:
        return query
    if source.of is Complaint:
        query = query.join(Ticket, Ticket.id == Complaint.ticket_id)
    else:
        query = query.join(Ticket, Ticket.id == source.of.ticket_id)
        narrowed = scope.policy or scope.product or source.of is HandUp
        query = query.join(Complaint, Complaint.ticket_id == Ticket.id, isouter=not narrowed)
        if not viewer.can(Right.READ_ALL_TICKETS):
            query = query.where(visible_tickets(viewer))
    query = query.where(untouched_by(viewer, Ticket.id))
    if scope.policy:
        query = query.where(or_(Complaint.policy == scope.policy, exists(_clock(scope.policy))))
    if scope.queue_id is not None:
        query = query.where(Ticket.queue_id == scope.queue_id)
    if scope.product:
        query = query.where(func.replace(func.lower(func.trim(Complaint.product)), "  ", " ") == product_key(scope.product))
    return query


def _due(scope: Scope, of_clock: Any, of_case: Any) -> Any:
    """The day that was promised; under one policy, that of its own clock."""
    if not scope.policy:
        return of_case
    return func.coalesce(_clock(scope.policy, of_clock).limit(1).scalar_subquery(), of_case)


def _clock(policy: str, *columns: Any) -> Select[Any]:
    query = select(*(columns or (ComplaintClock.id,))).join(ComplaintPolicy, ComplaintPolicy.id == ComplaintClock.policy_id)
    return query.where(
        ComplaintClock.complaint_id == Complaint.id, ComplaintPolicy.code == policy, ComplaintClock.ended_at.is_(None)
    ).correlate(Complaint)


def _within(moment: Any, scope: Scope) -> list[ColumnElement[bool]]:
    return [moment >= scope.since, moment < scope.until]


def _happened(kind: str) -> ColumnElement[bool]:
    return exists(select(Event.id).where(Event.ticket_id == Complaint.ticket_id, Event.kind == kind)).correlate(Complaint)


def _days(session: Session, viewer: Viewer, scope: Scope, source: _Source) -> list[float]:
    query = _from(select(source.began, source.at), source, viewer, scope)
    return [(ended - began).total_seconds() / DAY_S for began, ended in session.execute(query)]


def _came_in(scope: Scope) -> list[ColumnElement[bool]]:
    return [*_within(WorkItem.enqueued_at, scope), WorkItem.kind.in_(FROM_CUSTOMERS)]


def _contacts(session: Session, scope: Scope) -> int:
    return session.scalar(select(func.count()).select_from(WorkItem).where(*_came_in(scope))) or 0


def _customers(session: Session, scope: Scope) -> int:
    return session.scalar(select(func.count(WorkItem.customer_id.distinct())).where(*_came_in(scope))) or 0


def _seen(viewer: Viewer) -> list[ColumnElement[bool]]:
    return [untouched_by(viewer, Complaint.ticket_id)]
