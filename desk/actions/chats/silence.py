"""An agent who does not answer in a chat is told of it, and soon after the supervisors are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.timers import clear_timer, set_timer
from desk.models import Chat, Timer
from desk.models.chat import ACTIVE
from desk.queries.chats.silence import SILENT_TIMER, TOLD_AGENT, TOLD_SUPERVISOR
from desk.store import Tx

SILENT_S = {TOLD_AGENT: 120, TOLD_SUPERVISOR: 240}  # how long a visitor waits before somebody is told
AGAIN = timedelta(hours=1)  # the clock runs on until somebody answers: by it the board knows


def await_agent(tx: Tx, chat: Chat) -> None:
    """The visitor waits for an answer from now on, unless they do already."""
    query = select(Timer.id).where(Timer.kind == SILENT_TIMER, Timer.key == str(chat.id), Timer.done_at.is_(None))
    if tx.session.scalar(query) is None:
        _set(tx, chat, tx.now, told=0, due=tx.now + timedelta(seconds=SILENT_S[TOLD_AGENT]))


def agent_answered(tx: Tx, chat: Chat) -> None:
    """Nobody waits for an answer any more: it was given, or the chat is over or with nobody."""
    clear_timer(tx, SILENT_TIMER, str(chat.id))


def agent_silent(tx: Tx, data: dict[str, Any]) -> None:
    """So long and no answer: the agent is told, the second time their supervisors. What a `SILENT_TIMER` does."""
    chat = tx.session.get(Chat, data["chat_id"])
    if chat is None or chat.state != ACTIVE:
        return
    since, told = datetime.fromisoformat(data["since"]), min(data["told"] + 1, TOLD_SUPERVISOR)
    due = since + timedelta(seconds=SILENT_S[TOLD_SUPERVISOR]) if told == TOLD_AGENT else tx.now + AGAIN
    _set(tx, chat, since, told=told, due=due)
    tx.emit(
        "chat.agent_silent",
        chat=chat,
        ticket=chat.ticket_id,
        item=chat.item_id,
        agent=chat.agent_id,
        data={"told": "supervisor" if told == TOLD_SUPERVISOR else "agent"},
    )


def _set(tx: Tx, chat: Chat, since: datetime, *, told: int, due: datetime) -> None:
    set_timer(tx, SILENT_TIMER, str(chat.id), due, {"chat_id": chat.id, "since": since.isoformat(), "told": told})
