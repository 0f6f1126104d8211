"""Visitors who have written and wait for their agent's answer, as the clocks that run for them tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Agent, Chat, Ticket, Timer
from desk.models.chat import ACTIVE
from desk.queries.board.board import visible_agents

SILENT_TIMER = "chat.agent_silent"  # pending from the visitor's first unanswered message to the agent's next
TOLD_AGENT, TOLD_SUPERVISOR = 1, 2
MOST = 200


@dataclass(frozen=True)
class SilentChat:
    """A chat whose agent has kept the visitor waiting so long that somebody else should look."""

    chat_id: int
    item_id: int | None
    number: int
    agent_name: str
    visitor_name: str
    since: datetime


def silent_since(session: Session, chat_ids: Collection[int]) -> dict[int, datetime]:
    """Since when the visitors of these chats wait, where that is so long that the agent was told."""
    if not chat_ids:
        return {}
    keys = [str(chat_id) for chat_id in chat_ids]
    pending = select(Timer).where(Timer.kind == SILENT_TIMER, Timer.key.in_(keys), Timer.done_at.is_(None))
    return {
        timer.data["chat_id"]: datetime.fromisoformat(timer.data["since"])
        for timer in session.scalars(pending)
        if timer.data["told"] >= TOLD_AGENT
    }


def silent_chats(session: Session, viewer: Viewer) -> list[SilentChat]:
    """What supervisors are told of, of the people they look after; who has waited longest first."""
    pending = select(Timer).where(Timer.kind == SILENT_TIMER, Timer.done_at.is_(None)).order_by(Timer.due_at).limit(MOST)
    since = {
        timer.data["chat_id"]: datetime.fromisoformat(timer.data["since"])
        for timer in session.scalars(pending)
        if timer.data["told"] >= TOLD_SUPERVISOR
    }
    if not since:
        return []
    query = (
        select(Chat, Ticket.number, Agent.name)
        .join(Ticket, Ticket.id == Chat.ticket_id)
        .join(Agent, Agent.id == Chat.agent_id)
        .where(Chat.id.in_(since), Chat.state == ACTIVE, visible_agents(viewer), untouched_by(viewer, Chat.ticket_id))
    )
    found = [
        SilentChat(chat.id, chat.item_id, number or 0, name, chat.visitor_name, since[chat.id])
        for chat, number, name in session.execute(query)
    ]
    return sorted(found, key=lambda each: each.since)
