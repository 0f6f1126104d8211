"""Visitors who are kept out of the chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import Chat, ChatBlock, ContactPoint, Ticket
from desk.models.chat import BROWSER, EMAIL, NETWORK

PAGE = 100


@dataclass(frozen=True)
class KeptOut:
    """A line of the list. `number` is the ticket of the chat that led to it, None where the reader may not see it."""

    block: ChatBlock
    visitor_name: str
    number: int | None


def is_kept_out(session: Session, now: datetime, *, visitor: str, email: str = "", network: str = "") -> bool:
    """Whether one of these marks is that of somebody who may not chat at `now`."""
    for kind, value in ((BROWSER, visitor), (EMAIL, email), (NETWORK, network)):
        query = select(ChatBlock.id).where(ChatBlock.kind == kind, ChatBlock.value == value, ChatBlock.until > now)
        if value and session.scalar(query.where(ChatBlock.lifted_at.is_(None)).limit(1)) is not None:
            return True
    return False


def kept_out(session: Session, viewer: Viewer, now: datetime) -> list[KeptOut]:
    """Who may not chat now, whose time ends last first."""
    query = (
        select(ChatBlock, Chat.visitor_name, Chat.ticket_id)
        .join(Chat, Chat.id == ChatBlock.chat_id)
        .where(ChatBlock.until > now, ChatBlock.lifted_at.is_(None))
        .order_by(ChatBlock.until.desc(), ChatBlock.id.desc())
        .limit(PAGE)
    )
    rows = session.execute(query).all()
    seen = select(Ticket.id, Ticket.number).where(Ticket.id.in_({row.ticket_id for row in rows}), visible_tickets(viewer))
    numbers = dict(map(tuple, session.execute(seen)))
    return [KeptOut(block, name, numbers.get(ticket_id)) for block, name, ticket_id in rows]


def marks_of(session: Session, chat: Chat) -> dict[str, str]:
    """By what this visitor would be known again."""
    query = select(ContactPoint.value).where(ContactPoint.customer_id == chat.customer_id, ContactPoint.kind == "email")
    email = session.scalar(query.order_by(ContactPoint.id).limit(1))
    return {kind: value for kind, value in ((BROWSER, chat.visitor), (EMAIL, email), (NETWORK, chat.network)) if value}


def one_block(session: Session, block_id: int) -> ChatBlock:
    """Raises `NotFound`."""
    found = session.get(ChatBlock, block_id)
    if found is None:
        raise NotFound("There is no such block.")
    return found
