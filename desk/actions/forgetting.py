"""What nobody needs any more is forgotten: rows that only kept something working, a bounded batch at a time.

What happened (events), what was said, and what a policy keeps is not here: of that only disposal lets go, by two people's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from desk.models import IdempotentAnswer, MailedLink, SearchLog, SignIn, StaffSession, Timer, Webhook
from desk.store import Tx

BATCH = 500


@dataclass(frozen=True)
class Kind:
    """Rows of one model: walked in the order of `by`, those forgotten of which `moment` is `days` past; no moment, not yet.

    Where rows come in the order of their moments the walk ends at the first that stays; else (`scattered`) it goes to the end.
    """

    model: type[Any]
    by: InstrumentedAttribute[Any]
    moment: InstrumentedAttribute[Any]
    days: int
    scattered: bool = False


KINDS: Mapping[str, Kind] = {
    "sign-ins that have ended": Kind(StaffSession, StaffSession.id, StaffSession.expires_at, 30),
    "attempts to sign in": Kind(SignIn, SignIn.id, SignIn.at, 400),
    "links that were mailed": Kind(MailedLink, MailedLink.id, MailedLink.expires_at, 30, scattered=True),
    "answers to programs": Kind(IdempotentAnswer, IdempotentAnswer.at, IdempotentAnswer.at, 7),
    "the carrier's messages": Kind(Webhook, Webhook.at, Webhook.at, 30),
    "timers that are done": Kind(Timer, Timer.id, Timer.done_at, 30, scattered=True),
    "searches": Kind(SearchLog, SearchLog.at, SearchLog.at, 400),
}


@dataclass(frozen=True)
class Forgotten:
    """How many rows went, and after which the walk goes on; None when it is at its end."""

    rows: int
    after: Any


def forget_some(tx: Tx, kind: Kind, after: Any = None) -> Forgotten:
    """Look at the next batch of rows and forget those that are old enough."""
    past = tx.now - timedelta(days=kind.days)
    key = kind.model.__mapper__.primary_key[0]
    seen = tx.session.execute(_next(kind, key, after).limit(BATCH)).all()
    old = [row[0] for row in seen if _is_past(row[2], past)]
    if old:
        # Asked once more, as the row may have changed since it was seen.
        gone = delete(kind.model).where(key.in_(old), kind.moment < past).execution_options(synchronize_session=False)
        tx.session.execute(gone)
    ends = len(seen) < BATCH or (not kind.scattered and len(old) < len(seen))
    return Forgotten(len(old), None if ends else (seen[-1][1], seen[-1][0]))


def _next(kind: Kind, key: Any, after: Any) -> Any:
    rows = select(key, kind.by, kind.moment).order_by(kind.by, key)
    return rows if after is None else rows.where(_later(kind.by, key, after))


def _later(by: Any, key: Any, after: tuple[Any, Any]) -> ColumnElement[bool]:
    last, last_key = after
    return and_(by >= last, (by > last) | (key > last_key))


def _is_past(moment: datetime | None, past: datetime) -> bool:
    return moment is not None and moment < past
