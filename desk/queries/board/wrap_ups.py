"""How people ended their last work: the word they chose when they wrapped a call up or solved a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.events import Event
from desk.queries.board.presence_spells import first_event_at

KINDS = ("call.wrapped_up", "ticket.solved")


@dataclass(frozen=True)
class WrapUp:
    """`code` is how it ended (`models.ticket.CALL_OUTCOMES`), `reason` what it was about (`CATEGORIES`, or empty)."""

    code: str
    reason: str
    at: datetime


def last_wrap_ups(session: Session, since: datetime) -> dict[int, WrapUp]:
    """Each agent's last one since then."""
    latest = (
        select(func.max(Event.id))
        .where(Event.kind.in_(KINDS), Event.id >= first_event_at(since), Event.agent_id.is_not(None))
        .group_by(Event.agent_id)
    )
    rows = session.execute(select(Event.agent_id, Event.at, Event.data).where(Event.id.in_(latest)))
    return {
        agent_id: WrapUp(data.get("code") or data.get("wrap_up_code", ""), data.get("reason") or data.get("category", ""), at)
        for agent_id, at, data in rows
    }
