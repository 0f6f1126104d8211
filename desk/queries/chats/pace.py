"""How quickly somebody answers in chats, by what they have said lately."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Chat, Message
from desk.models.message import BY_PEOPLE, IN, OUT
from desk.queries.chats.gaps import Said, reply_gaps

LAST_CHATS, LAST_MESSAGES, LAST_ANSWERS = 10, 300, 20
FEWEST = 3  # of fewer answers nothing can be said


def usual_reply_s(session: Session, agent_id: int) -> float | None:
    """The median of their last answers, from the visitor's first unanswered word on; None when there are too few."""
    lately = select(Chat.ticket_id, Chat.answered_at).where(Chat.agent_id == agent_id, Chat.answered_at.is_not(None))
    taken: dict[int, datetime] = {}
    for ticket_id, answered_at in session.execute(lately.order_by(Chat.id.desc()).limit(LAST_CHATS)):
        taken.setdefault(ticket_id, answered_at)
    query = (
        select(Message.ticket_id, Message.direction, Message.agent_id, Message.created_at)
        .where(Message.ticket_id.in_(taken), Message.channel == "chat", Message.direction.in_((IN, OUT)), BY_PEOPLE)
        .order_by(Message.ticket_id.desc(), Message.id.desc())
        .limit(LAST_MESSAGES)
    )
    said = [Said(talk, direction == IN, author, at) for talk, direction, author, at in reversed(session.execute(query).all())]
    took = [gap.seconds for gap in reply_gaps(said, taken) if gap.agent_id == agent_id]
    return median(took[-LAST_ANSWERS:]) if len(took) >= FEWEST else None
