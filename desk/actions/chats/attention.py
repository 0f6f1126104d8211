"""How long an agent had a chat before their eyes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from desk.models import ChatAttention
from desk.queries.chats.chats import chat_held
from desk.store import Tx


def note_spell(tx: Tx, number: int, agent_id: int, began: datetime, ended: datetime) -> ChatAttention | None:
    """The agent looked at this ticket from when to when: counted as far as its chat was running and theirs.

    What another window of theirs had on the screen at the same time is counted once. None when nothing is to be counted.
    """
    chat = chat_held(tx.session, number, agent_id)
    if chat is None or chat.answered_at is None:
        return None
    mine = select(func.max(ChatAttention.ended_at)).where(ChatAttention.chat_id == chat.id, ChatAttention.agent_id == agent_id)
    began = max(began, chat.answered_at, tx.session.scalar(mine) or began)
    ended = min(ended, chat.ended_at or ended)
    if ended <= began:
        return None
    spell = ChatAttention(chat_id=chat.id, agent_id=agent_id, began_at=began, ended_at=ended)
    tx.session.add(spell)
    return spell
