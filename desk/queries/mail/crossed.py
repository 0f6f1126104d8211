"""Answers that colleagues gave while somebody was still writing theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import Agent, Message, Ticket, UnsentReply
from desk.models.message import OUT
from desk.models.unsent import WAITING

MOST_SHOWN = 5
_SEEN = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Crossed:
    """A colleague's answer; `leaving` when it has been sent off and can still be taken back."""

    author: str
    text: str
    channel: str
    at: datetime
    leaving: bool = False


def seen_now(session: Session, ticket: Ticket) -> str:
    """How far somebody knows the answers on this ticket who looks at it now: the last message and the last one leaving."""
    latest = [select(func.max(noun.id)).where(noun.ticket_id == ticket.id).scalar_subquery() for noun in (Message, UnsentReply)]
    last, leaving = session.execute(select(*latest)).one()
    return f"{last or 0}.{leaving or 0}"


def is_seen(text: str) -> bool:
    """Whether this is a word of `seen_now`."""
    return _SEEN.fullmatch(text) is not None


def crossed(session: Session, ticket: Ticket, agent_id: int, seen: str) -> list[Crossed]:
    """What colleagues have answered since `seen`, oldest first; nothing when `seen` says nothing."""
    found = _SEEN.fullmatch(seen)
    if found is None:
        return []
    last, last_leaving = int(found[1]), int(found[2])
    written = (
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.id > last, Message.direction == OUT, Message.kind == "message")
        .where(Message.agent_id.is_not(None), Message.agent_id != agent_id)
        .order_by(Message.id.desc())
        .limit(MOST_SHOWN)
    )
    leaving = (
        select(UnsentReply, Agent.name)
        .join(Agent, Agent.id == UnsentReply.agent_id)
        .where(UnsentReply.ticket_id == ticket.id, UnsentReply.id > last_leaving)
        .where(UnsentReply.state == WAITING, UnsentReply.agent_id != agent_id)
        .order_by(UnsentReply.id.desc())
        .limit(MOST_SHOWN)
    )
    answers = [Crossed(each.author_name, each.text, each.channel, each.created_at) for each in session.scalars(written)]
    answers += [Crossed(name, each.text, "email", each.created_at, leaving=True) for each, name in session.execute(leaving)]
    return sorted(answers, key=lambda answer: answer.at)
