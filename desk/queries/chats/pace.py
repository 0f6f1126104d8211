"""How quickly somebody answers in chats, by what they have said lately."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Chat, Message
from desk.models.message import IN, OUT

LAST_CHATS, LAST_MESSAGES, LAST_ANSWERS = 10, 300, 20
FEWEST = 3  # of fewer answers nothing can be said


def usual_reply_s(session: Session, agent_id: int) -> float | None:
    """The median of their last answers, from the visitor's first unanswered word on; None when there are too few.

    What a visitor said before somebody took the chat waited for the queue, and counts from when it was taken.
    """
    lately = select(Chat.ticket_id, Chat.answered_at).where(Chat.agent_id == agent_id, Chat.answered_at.is_not(None))
    taken: dict[int, datetime] = {}
    for ticket_id, answered_at in session.execute(lately.order_by(Chat.id.desc()).limit(LAST_CHATS)):
        taken.setdefault(ticket_id, answered_at)
    said = (
        select(Message.ticket_id, Message.direction, Message.agent_id, Message.created_at)
        .where(Message.ticket_id.in_(taken), Message.channel == "chat", Message.direction.in_((IN, OUT)))
        .order_by(Message.ticket_id.desc(), Message.id.desc())
        .limit(LAST_MESSAGES)
    )
    since: dict[int, datetime] = {}
    took: list[float] = []
    for ticket_id, direction, author_id, at in reversed(session.execute(said).all()):
        if direction == IN:
            since.setdefault(ticket_id, max(at, taken[ticket_id]))
        elif ticket_id in since:
            waited_s = (at - since.pop(ticket_id)).total_seconds()
            if author_id == agent_id and waited_s >= 0:
                took.append(waited_s)
    return median(took[-LAST_ANSWERS:]) if len(took) >= FEWEST else None
