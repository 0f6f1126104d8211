"""An agent who writes an answer and is usually slow at it: they are offered no further chat until it is sent or given up."""

from __future__ import annotations

from datetime import timedelta

from desk.models import Chat
from desk.models.chat import ACTIVE
from desk.queries.work.matching import COMPOSING_S
from desk.store import Tx


def composes(tx: Tx, chat_id: int, agent_id: int) -> None:
    """There is a sign that the agent writes in this chat of theirs; it holds for `COMPOSING_S`. Told when it is the first."""
    chat = tx.session.get(Chat, chat_id, with_for_update=True)
    if chat is None or chat.state != ACTIVE or chat.agent_id != agent_id:
        return
    began = chat.composing_until is None or chat.composing_until <= tx.now
    chat.composing_until = tx.now + timedelta(seconds=COMPOSING_S)
    if began:
        tx.emit("composing.began", item=chat.item_id)  # the router's business: no screen shows it, so no ticket is named


def composed(tx: Tx, chat: Chat) -> None:
    """The answer in this chat, whose row is locked, has been sent."""
    if chat.composing_until is None:
        return
    in_force, chat.composing_until = chat.composing_until > tx.now, None
    if in_force:
        tx.emit("composing.ended", item=chat.item_id)
