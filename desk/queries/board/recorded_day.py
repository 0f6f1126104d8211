"""A day of the desk as it was, for playing it again: what came, who was there, and the rules that held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.errors import Conflict
from desk.models import Agent, Queue, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.work_item import ABANDONED
from desk.queries.board.presence_spells import LOOK_BACK, presence_spells
from desk.queries.calendars import calendar_of
from desk.queries.people.skills import skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.matching import team_skills
from routing.order import LIVE_CHANNELS
from routing.recorded import HALF_HOUR_S, Arrival, Day, QueueRule, Rules, Shift, Worker
from routing.values import ESCALATED, Choice

MOST_ARRIVALS = 20_000
WITHIN_S = (20.0, 60.0)


@dataclass(frozen=True)
class RecordedDay:
    """The day, its rules, who is who, and what had come of it by channel: (answered, gave up, mean seconds to the answer)."""

    date: date
    day: Day
    rules: Rules
    names: dict[int, str]
    was: dict[str, tuple[int, int, float | None]]


def recorded_day(session: Session, on: date, zone: str, now: datetime) -> RecordedDay:
    """The record of one local day, of today as far as it has come.

    Who took work is read from their presence; of whom no presence is noted, from the first to the last work they had in hand.
    Raises `Conflict` when nothing came on that day, or more than can be played.
    """
    since, until = _span(on, zone, now)
    rows = _rows(session, since, until)
    if not rows or until <= since:
        raise Conflict("Nothing is recorded of this day.")
    if len(rows) > MOST_ARRIVALS:
        raise Conflict("More came on this day than can be played again: %(count)s.", count=len(rows))
    queues = list(session.scalars(select(Queue)))
    keys = {queue.id: queue.key for queue in queues}
    agents = {agent.id: agent for agent in session.scalars(select(Agent))}
    shifts = _shifts(session, rows, since, until)
    skills, of_team = skills_at(session, since + (until - since) / 2), team_skills(session)
    return RecordedDay(
        date=on,
        day=Day(
            since=since.timestamp(),
            until=until.timestamp(),
            arrivals=tuple(_arrival(row, keys, until) for row in rows),
            workers=tuple(
                Worker(each, {**skills.get(each, {}), **of_team.get(agents[each].team_id, {})}, agents[each].capacity)
                for each in sorted({shift.agent_id for shift in shifts})
            ),
            shifts=tuple(shifts),
        ),
        rules=Rules(
            queues={queue.key: rule_of(session, queue) for queue in queues},
            channels=dict(rules_of(session)),
            answer_s=_answer_s(rows),
            within_s=WITHIN_S,
        ),
        names={agent.id: agent.name for agent in agents.values()},
        was=_was(rows, since),
    )


def latest_day(session: Session, zone: str, now: datetime) -> date:
    """The last local day before today on which anything came; yesterday when there is none."""
    today = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone))
    last = session.scalar(select(func.max(WorkItem.enqueued_at)).where(WorkItem.enqueued_at < today))
    return last.astimezone(ZoneInfo(zone)).date() if last else today.date() - timedelta(days=1)


def _span(on: date, zone: str, now: datetime) -> tuple[datetime, datetime]:
    begins = datetime.combine(on, time(), ZoneInfo(zone))
    ends = datetime.combine(on + timedelta(days=1), time(), ZoneInfo(zone))
    halves = int((min(ends, now).timestamp() - begins.timestamp()) // HALF_HOUR_S)
    since = begins.astimezone(now.tzinfo)
    return since, since + timedelta(seconds=max(0, halves) * HALF_HOUR_S)


def _rows(session: Session, since: datetime, until: datetime) -> Sequence[WorkItem]:
    """What came on the day, and what had come in the two days before and still waited when it began."""
    came = WorkItem.enqueued_at >= since
    waited = or_(
        WorkItem.answered_at >= since,
        WorkItem.answered_at.is_(None) & or_(WorkItem.ended_at.is_(None), WorkItem.ended_at >= since),
    )
    query = select(WorkItem).where(WorkItem.enqueued_at >= since - LOOK_BACK, WorkItem.enqueued_at < until, or_(came, waited))
    return session.scalars(query.order_by(WorkItem.enqueued_at, WorkItem.id).limit(MOST_ARRIVALS + 1)).all()


def _arrival(row: WorkItem, keys: dict[int, str], until: datetime) -> Arrival:
    gave_up = row.state == ABANDONED and row.answered_at is None
    waited_until = row.answered_at or row.ended_at or until
    return Arrival(
        id=row.id,
        at=row.enqueued_at.timestamp(),
        channel=row.channel,
        queue=keys[row.queue_id],
        requires=frozenset((name, level) for name, level in row.requires),
        waited_s=max(0.0, (waited_until - row.enqueued_at).total_seconds()),
        gave_up=gave_up,
        handle_s=max(0.0, (row.ended_at - row.answered_at).total_seconds()) if row.answered_at and row.ended_at else None,
        tier=row.tier,
        escalated=row.band == ESCALATED,
        sticky_agent=row.sticky_agent_id,
    )


def rule_of(session: Session, queue: Queue) -> QueueRule:
    """The policy of a queue as it is now."""
    return QueueRule(
        targets=queue.targets,
        choice=cast(Choice, queue.choice),
        overflow=tuple(queue.overflow),
        sticky_s=queue.sticky_s,
        calendar=calendar_of(session, queue),
    )


def _shifts(session: Session, rows: Iterable[WorkItem], since: datetime, until: datetime) -> list[Shift]:
    told = _spells_of_presence(session, since, until)
    worked: dict[int, tuple[datetime, datetime]] = {}
    for row in rows:
        if row.agent_id is not None and row.agent_id not in told and row.answered_at is not None and row.answered_at < until:
            first, last = worked.get(row.agent_id, (until, since))
            worked[row.agent_id] = min(first, max(row.offered_at or row.answered_at, since)), max(last, row.ended_at or until)
    inferred = [Shift(each, first.timestamp(), min(last, until).timestamp()) for each, (first, last) in worked.items()]
    return [*(shift for spells in told.values() for shift in spells), *(shift for shift in inferred if shift.until > shift.since)]


def _spells_of_presence(session: Session, since: datetime, until: datetime) -> dict[int, list[Shift]]:
    """When each agent of whom a presence is noted was available."""
    told = presence_spells(session, since, until, lambda presence: presence == AVAILABLE)
    return {each: [Shift(each, began.timestamp(), ended.timestamp()) for began, ended in spells] for each, spells in told.items()}


def _answer_s(rows: Iterable[WorkItem]) -> dict[str, float]:
    """How long an offer took to be answered, by live channel; other work is not waited for with a clock."""
    taken: dict[str, list[float]] = {}
    for row in rows:
        if row.channel in LIVE_CHANNELS and row.offered_at and row.answered_at:
            taken.setdefault(row.channel, []).append(max(0.0, (row.answered_at - row.offered_at).total_seconds()))
    return {channel: sum(spans) / len(spans) for channel, spans in taken.items()}


def _was(rows: Iterable[WorkItem], since: datetime) -> dict[str, tuple[int, int, float | None]]:
    found: dict[str, tuple[int, int, float | None]] = {}
    by_channel: dict[str, list[WorkItem]] = {}
    for row in rows:
        if row.enqueued_at >= since:
            by_channel.setdefault(row.channel, []).append(row)
    for channel, those in by_channel.items():
        waits = [(row.answered_at - row.enqueued_at).total_seconds() for row in those if row.answered_at]
        lost = sum(row.state == ABANDONED and row.answered_at is None for row in those)
        found[channel] = len(waits), lost, sum(waits) / len(waits) if waits else None
    return found
