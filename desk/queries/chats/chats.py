"""What visitors and agents see of chats. A visitor is shown only what was said in the chat itself, never a colleague's note."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from channels.chat.secret import digest, is_token, prefix
from desk.errors import NotFound
from desk.events import Event
from desk.models import Agent, AgentSkill, Attachment, Chat, Message, Ticket, Timer, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.chat import ACTIVE, ENDED, QUEUED
from desk.models.message import IN, OUT
from desk.models.work_item import OFFERED, WAITING
from desk.queries.board.waits import Lines, minutes_to_tell
from desk.queries.chats.rules import chat_rules
from desk.queries.people.skills import in_force

GONE_TIMER = "chat.visitor_gone"  # pending while the visitor has no window open
IDLE_TIMER = "chat.visitor_idle"  # pending from the agent's message to the visitor's next
AT_ONCE = 300
LINES = {
    "chat.accepted": "joined",
    "chat.handed_back": "waiting",
    "chat.idle_warned": "idle",
    "chat.ended": "ended",
    "chat.reopened": "reopened",
}


@dataclass(frozen=True)
class ChatPanel:
    """A ticket's chat as its page shows it."""

    id: int
    state: str
    visitor_name: str
    visitor_online: bool
    topic: str
    page_url: str
    opened_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    rating: int | None
    item_id: int | None
    identity: str
    read_first: list[dict[str, Any]]


def chat_of_ticket(session: Session, ticket_id: int) -> ChatPanel | None:
    """The ticket's latest chat, or None when it never had one."""
    chat = session.scalar(select(Chat).where(Chat.ticket_id == ticket_id).order_by(Chat.id.desc()).limit(1))
    if chat is None:
        return None
    return ChatPanel(
        id=chat.id,
        state=chat.state,
        visitor_name=chat.visitor_name,
        visitor_online=chat.state != ENDED and is_online(session, chat.id),
        topic=chat.topic,
        page_url=chat.page_url,
        opened_at=chat.opened_at,
        answered_at=chat.answered_at,
        ended_at=chat.ended_at,
        ended_by=chat.ended_by,
        rating=chat.rating,
        item_id=chat.item_id,
        identity=chat.identity,
        read_first=chat.read_first,
    )


def is_online(session: Session, chat_id: int) -> bool:
    """Whether the visitor has the chat open somewhere: the clock of their absence is not running."""
    gone = select(Timer.id).where(Timer.kind == GONE_TIMER, Timer.key == str(chat_id), Timer.done_at.is_(None))
    return session.scalar(gone) is None


def by_token(session: Session, token: object) -> Chat:
    """The visitor's chat; raises `NotFound` for a token that is nobody's."""
    chat = session.scalar(select(Chat).where(Chat.token_hash == digest(str(token)))) if is_token(token) else None
    if chat is None:
        raise NotFound("This chat is no longer here. Please start a new one.")
    return chat


def chat_of_message(session: Session, message: Message) -> Chat | None:
    """The chat whose visitor may see this message; None for everything not said in a chat."""
    if message.channel != "chat":
        return None
    chats = session.scalars(select(Chat).where(Chat.ticket_id == message.ticket_id).order_by(Chat.id.desc()))
    return next(
        (chat for chat in chats if session.scalar(select(Message.id).where(_said_in(chat), Message.id == message.id))), None
    )


def messages_of(session: Session, message_ids: Collection[int], chat_ids: Collection[int]) -> list[Message]:
    """Those of these messages, in order, that are on a ticket of one of these chats."""
    query = select(Message, Chat.id).join(Chat, Chat.ticket_id == Message.ticket_id).where(Message.id.in_(message_ids))
    rows = session.execute(query.order_by(Message.id))
    return list({message.id: message for message, chat_id in rows if chat_id in chat_ids}.values())


def said_in(session: Session, chat: Chat, after: int = 0) -> list[dict[str, Any]]:
    """What was said, oldest first, as the visitor's window reads it; `after` is the last message id it has.

    At most `AT_ONCE` at a time. Ids grow within a chat in the order of saying, so a window that asks for what came after its
    last id misses nothing; `previous` is the id before, by which a window sees that it did.
    """
    messages = list(
        session.scalars(select(Message).where(_said_in(chat), Message.id > after).order_by(Message.id).limit(AT_ONCE))
    )
    files = _files(session, [message.id for message in messages])
    before = session.scalar(select(func.max(Message.id)).where(_said_in(chat), Message.id <= after)) or 0
    rows = []
    for message in messages:
        rows.append({**_as_said(chat, message), "files": files.get(message.id, []), "previous": before})
        before = message.id
    return rows


def unseen_in(session: Session, chat: Chat) -> bool:
    """Whether we have said something that no window of the visitor's has shown."""
    ours = select(Message.id).where(_said_in(chat), Message.direction == OUT, Message.delivery != "delivered")
    return session.scalar(ours.limit(1)) is not None


def lines_of(session: Session, chats: Collection[Chat]) -> dict[int, list[dict[str, Any]]]:
    """What happened in each of the chats, for the lines between the bubbles: who joined, who ended it."""
    lines: dict[int, list[dict[str, Any]]] = {chat.id: [] for chat in chats}
    query = select(Event).where(Event.ticket_id.in_({chat.ticket_id for chat in chats}), Event.kind.in_(LINES))
    for event in session.scalars(query.where(Event.chat_id.in_(lines)).order_by(Event.id)):
        lines[event.chat_id or 0].append(
            {
                "id": event.id,
                "kind": LINES[event.kind],
                "at": event.at.isoformat(),
                "name": event.data.get("name", ""),
                "by": event.data.get("by", ""),
            }
        )
    return lines


def state_of(session: Session, chat: Chat, now: datetime) -> dict[str, Any]:
    """Where the chat stands, for the visitor: queued with place and minutes, active with the agent's first name, or ended."""
    state: dict[str, Any] = {"state": chat.state, "rating": chat.rating, "lines": lines_of(session, [chat])[chat.id]}
    if chat.state == QUEUED:
        state |= _place(Lines(session, now), chat)
    elif chat.state == ACTIVE:
        state["agent"] = first_name(session.get_one(Agent, chat.agent_id).name) if chat.agent_id else ""
    else:
        until = until_reopened(session, chat)
        state |= {"by": chat.ended_by, "can_reopen": until is not None and now < until}
    return state


def until_reopened(session: Session, chat: Chat) -> datetime | None:
    """Until when the visitor may take the chat up again that has ended; None for one that the desk itself has ended."""
    if chat.ended_at is None or chat.ended_by == "system":
        return None
    return chat.ended_at + timedelta(hours=chat_rules(session).reopen_h)


def waiting_in(session: Session, queue_id: int) -> int:
    """How many chats wait in the queue."""
    waiting = WorkItem.ended_at.is_(None), WorkItem.state.in_((WAITING, OFFERED))
    return session.scalar(select(func.count()).where(WorkItem.queue_id == queue_id, WorkItem.channel == "chat", *waiting)) or 0


def states_of_waiting(
    session: Session, queue_ids: Collection[int], chat_ids: Collection[int], now: datetime
) -> list[tuple[int, dict[str, Any]]]:
    """Of these chats the ids of those that wait in these queues, each with its state: its place may have changed."""
    query = select(Chat, WorkItem).join(WorkItem, WorkItem.id == Chat.item_id).where(WorkItem.queue_id.in_(queue_ids))
    query = query.where(WorkItem.channel == "chat", WorkItem.ended_at.is_(None), WorkItem.state.in_((WAITING, OFFERED)))
    found = session.execute(query.where(Chat.state == QUEUED, Chat.id.in_(chat_ids)).order_by(Chat.id)).all() if chat_ids else ()
    if not found:
        return []
    lines, happened = Lines(session, now, whole="chat"), lines_of(session, [chat for chat, _ in found])
    return [
        (chat.id, {"state": chat.state, "rating": chat.rating, "lines": happened[chat.id], **_told(lines, item)})
        for chat, item in found
    ]


def able_agents(session: Session, requires: Iterable[Sequence[Any]], now: datetime) -> int:
    """How many agents are available who have every one of these [skill, level] at `now`."""
    query = select(func.count()).select_from(Agent).where(Agent.active, Agent.presence == AVAILABLE)
    for skill, level in requires:
        has = select(AgentSkill.agent_id).where(AgentSkill.skill == skill, AgentSkill.level >= level, in_force(now))
        query = query.where(Agent.id.in_(has))
    return session.scalar(query) or 0


def first_name(name: str) -> str:
    """How a visitor is told the agent's name; a Chinese name stays whole."""
    return name.split(maxsplit=1)[0] if name.split() else ""


def _place(lines: Lines, chat: Chat) -> dict[str, Any]:
    item = lines.session.get(WorkItem, chat.item_id)
    if item is None or item.state not in (WAITING, OFFERED):
        return {"position": None, "minutes": None}
    return _told(lines, item)


def _told(lines: Lines, item: WorkItem) -> dict[str, Any]:
    place, minutes = minutes_to_tell(lines, item)
    return {"position": place.position, "minutes": minutes}


def _said_in(chat: Chat) -> ColumnElement[bool]:
    """What a visitor may see: what they said in this very chat, and what was said to them. Everything shown goes through here."""
    theirs = (Message.direction == IN) & Message.external_id.startswith(prefix(chat.token_hash), autoescape=True)
    ours = (Message.direction == OUT) & (Message.customer_id == chat.customer_id) & (Message.created_at >= chat.opened_at)
    return (Message.ticket_id == chat.ticket_id) & (Message.channel == "chat") & (Message.kind == "message") & (theirs | ours)


def _as_said(chat: Chat, message: Message) -> dict[str, Any]:
    ours = message.direction == OUT
    delivered = message.delivery == "delivered" if ours else chat.answered_at is not None
    return {
        "id": message.id,
        "client_id": (message.external_id or "").rpartition(":")[2],
        "from": "agent" if ours else "visitor",
        "name": first_name(message.author_name) if ours else message.author_name,
        "text": message.text,
        "system": "system" in message.meta,
        "at": message.created_at.isoformat(),
        "delivery": "delivered" if delivered else "sent",
    }


def _files(session: Session, message_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    files: dict[int, list[dict[str, Any]]] = {}
    if message_ids:
        for file in session.scalars(select(Attachment).where(Attachment.message_id.in_(message_ids)).order_by(Attachment.id)):
            files.setdefault(file.message_id or 0, []).append({"id": file.id, "name": file.name, "size": file.size})
    return files


def file_of(session: Session, chat: Chat, attachment_id: int) -> Attachment:
    """A file that was sent in this chat; raises `NotFound` for every other."""
    query = select(Attachment).join(Message, Message.id == Attachment.message_id)
    file = session.scalar(query.where(Attachment.id == attachment_id, _said_in(chat)))
    if file is None:
        raise NotFound("This file is not there.")
    return file


def ticket_number(session: Session, chat: Chat) -> int:
    """The number of the chat's ticket."""
    return session.scalar(select(Ticket.number).where(Ticket.id == chat.ticket_id)) or 0


def chat_held(session: Session, number: int, agent_id: int) -> Chat | None:
    """The latest chat on this ticket that this agent had or has."""
    query = select(Chat).join(Ticket, Ticket.id == Chat.ticket_id).where(Ticket.number == number, Chat.agent_id == agent_id)
    return session.scalar(query.order_by(Chat.id.desc()).limit(1))


def active_chat_of(session: Session, number: int) -> Chat | None:
    """The running chat of the ticket with this number."""
    query = select(Chat).join(Ticket, Ticket.id == Chat.ticket_id).where(Ticket.number == number, Chat.state == ACTIVE)
    return session.scalar(query.order_by(Chat.id.desc()).limit(1))
