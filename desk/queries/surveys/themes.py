"""What customers were not content with in a month, by what it was about; and what they read of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import CorrectiveAction, Survey, Ticket
from desk.models.survey import INDEX, LOW, LOW_INDEX

MOST_WORDS = 3


@dataclass(frozen=True)
class Theme:
    """The answers about one category: `low` of `answers` were bad; `words` are the last comments of those."""

    category: str
    low: int
    answers: int
    words: Sequence[str]


def themes(session: Session, viewer: Viewer, since: datetime, until: datetime) -> list[Theme]:
    """The categories with bad answers, the most of them first."""
    where = [Survey.answered_at >= since, Survey.answered_at < until, untouched_by(viewer, Survey.ticket_id)]
    low = func.coalesce(func.sum(case((_is_bad(), 1), else_=0)), 0)
    counted = select(Ticket.category, low, func.count()).join(Ticket, Ticket.id == Survey.ticket_id)
    rows = session.execute(counted.where(*where).group_by(Ticket.category)).all()
    said = select(Survey.comment).join(Ticket, Ticket.id == Survey.ticket_id).where(*where, _is_bad(), Survey.comment != "")
    said = said.order_by(Survey.answered_at.desc(), Survey.id.desc()).limit(MOST_WORDS)
    found = [
        Theme(category, bad, answers, session.scalars(said.where(Ticket.category == category)).all())
        for category, bad, answers in rows
        if bad
    ]
    return sorted(found, key=lambda each: (-each.low, each.category))


def told_lately(session: Session, lang: str, most: int = 3) -> list[tuple[str, str]]:
    """What customers said and what we did, as they read it, the latest first."""
    told = select(CorrectiveAction.told).where(CorrectiveAction.told_at.is_not(None))
    rows = session.scalars(told.order_by(CorrectiveAction.told_at.desc(), CorrectiveAction.id.desc()).limit(most))
    return [(each[lang]["said"], each[lang]["did"]) for each in rows]


def _is_bad() -> ColumnElement[bool]:
    by_kind = [and_(Survey.kind == kind, Survey.score <= most) for kind, most in LOW.items()]
    index = and_(Survey.kind == INDEX, Survey.expected > 0, Survey.score < LOW_INDEX * Survey.expected)
    return or_(Survey.solved.is_(False), index, *by_kind)
