"""What customers answered: each question by its own formula, with how many answered and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Survey, Ticket
from desk.models.survey import CES, INDEX, KINDS, NPS

FEW = 30
SURE = 1.96  # 95 of 100
CONTENT, EASY = 4, 5  # from this mark on
PROMOTER, DETRACTOR = 9, 6


@dataclass(frozen=True)
class Result:
    """The answers to one question. `value` is a share, -100 to 100 for NPS, b/a for the index; `give` is half its interval."""

    kind: str
    sent: int
    answers: int
    value: float | None
    give: float | None

    @property
    def response(self) -> float | None:
        return self.answers / self.sent if self.sent else None

    @property
    def is_few(self) -> bool:
        return 0 < self.answers < FEW


@dataclass(frozen=True)
class Answer:
    """One answered sheet."""

    survey: Survey
    number: int
    subject: str


def result_of(kind: str, marks: Sequence[tuple[int, int | None]], sent: int) -> Result:
    """The measure of a question from its marks, each with what was expected where that was asked."""
    n = len(marks)
    if kind == INDEX:
        told = [(score, expected) for score, expected in marks if expected]  # without what was expected there is no index
        each = [score / expected for score, expected in told]
        n = len(told)
        value = sum(score for score, _ in told) / sum(expected for _, expected in told) if told else None
        spread = sqrt(sum((one - sum(each) / n) ** 2 for one in each) / (n - 1)) if n > 1 else None
        return Result(kind, sent, n, value, SURE * spread / sqrt(n) if spread is not None else None)
    if not n:
        return Result(kind, sent, 0, None, None)
    if kind == NPS:
        up = sum(score >= PROMOTER for score, _ in marks) / n
        down = sum(score <= DETRACTOR for score, _ in marks) / n
        return Result(kind, sent, n, 100 * (up - down), 100 * SURE * sqrt(max(up + down - (up - down) ** 2, 0) / n))
    share = sum(score >= (EASY if kind == CES else CONTENT) for score, _ in marks) / n
    return Result(kind, sent, n, share, SURE * sqrt(share * (1 - share) / n))


def index_of(got: int | None, expected: int | None) -> float | None:
    """C = b/a; none where either is missing."""
    return got / expected if got is not None and expected else None


def results(
    session: Session, viewer: Viewer, since: datetime, until: datetime, *, channel: str = "", queue_id: int | None = None
) -> list[Result]:
    """Every question that was sent in this time, with what was answered to it."""
    where = [*_within(since, until), *_chosen(viewer, channel, queue_id)]
    counted = select(Survey.kind, func.count()).where(*where).group_by(Survey.kind)
    sent = dict(map(tuple, session.execute(counted)))
    marks: dict[str, list[tuple[int, int | None]]] = {}
    answered = select(Survey.kind, Survey.score, Survey.expected).where(*where, Survey.answered_at.is_not(None))
    for kind, score, expected in session.execute(answered.where(Survey.score.is_not(None))):
        marks.setdefault(kind, []).append((score, expected))
    return [result_of(kind, marks.get(kind, []), sent[kind]) for kind in KINDS if kind in sent]


def by_channel(session: Session, viewer: Viewer, since: datetime, until: datetime) -> dict[str, list[Result]]:
    """The same for each channel."""
    found = select(Survey.channel).where(*_within(since, until)).distinct().order_by(Survey.channel)
    return {each: results(session, viewer, since, until, channel=each) for each in session.scalars(found)}


def answers(
    session: Session, viewer: Viewer, since: datetime, until: datetime, *, before: int | None = None, limit: int = 50
) -> list[Answer]:
    """The sheets that were answered, the latest sent first."""
    query = select(Survey, Ticket.number, Ticket.subject).join(Ticket, Ticket.id == Survey.ticket_id)
    query = query.where(*_within(since, until), Survey.answered_at.is_not(None), *_chosen(viewer, "", None))
    if before is not None:
        query = query.where(Survey.id < before)
    rows = session.execute(query.order_by(Survey.id.desc()).limit(limit))
    return [Answer(survey, number, subject) for survey, number, subject in rows]


def _within(since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [Survey.sent_at >= since, Survey.sent_at < until]


def _chosen(viewer: Viewer, channel: str, queue_id: int | None) -> list[ColumnElement[bool]]:
    chosen = [untouched_by(viewer, Survey.ticket_id)]
    if channel:
        chosen.append(Survey.channel == channel)
    if queue_id is not None:
        chosen.append(Survey.queue_id == queue_id)
    return chosen
