"""One ticket as its page needs it: the head with who has the work and why, the ways to answer, the choices of its menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer
from desk.models import (
    Agent,
    Article,
    ArticleLink,
    Chat,
    ContactPoint,
    Customer,
    HandUp,
    Message,
    Offer,
    Queue,
    Ticket,
    WorkItem,
)
from desk.models.chat import ACTIVE as CHAT_RUNS
from desk.models.hand_up import OPEN as ASKED
from desk.models.message import IN
from desk.models.ticket import LIVE, SOLVED, next_due
from desk.models.work_item import ACTIVE, IS_HOLDING, OFFERED, WAITING, WRAP_UP
from desk.queries.chats.chats import ChatPanel, chat_of_ticket
from desk.queries.tickets.belongings import Belongings

OPEN_WORK = (WAITING, OFFERED, ACTIVE, WRAP_UP)


@dataclass(frozen=True)
class Head:
    """The top of a ticket.

    `item` is its open work, `offer` what is offered to the viewer, `reason` why it came to them; `is_asked`: the next support
    level has been asked and has not answered.
    """

    ticket: Ticket
    customer: Customer
    queue: Queue
    owner_name: str
    due_at: datetime | None
    chat: ChatPanel | None
    item: WorkItem | None
    holder_name: str
    offer: Offer | None
    reason: dict[str, Any]
    is_asked: bool
    articles: Sequence[Article]


@dataclass(frozen=True)
class Channels:
    """How the customer can be answered now. `best` is what is chosen when nobody chooses; empty when only a note is possible."""

    chat: bool
    email: str
    best: str


@dataclass(frozen=True)
class Choices:
    """What the menus of a ticket offer."""

    agents: list[tuple[int, str]]
    queues: Sequence[Queue]


def head(session: Session, viewer: Viewer, ticket: Ticket, has: Belongings) -> Head:
    """Everything above the timeline. Of two open pieces of work (the ticket's and a follow-up) the viewer's own counts."""
    item = session.scalar(
        select(WorkItem)
        .where(WorkItem.ticket_id == ticket.id, WorkItem.state.in_(OPEN_WORK))
        .order_by(WorkItem.agent_id.is_distinct_from(viewer.agent_id), WorkItem.agent_id.is_(None), WorkItem.id.desc())
        .limit(1)
    )
    mine = (
        session.scalar(select(Offer).where(Offer.item_id == item.id, Offer.agent_id == viewer.agent_id, IS_HOLDING))
        if item
        else None
    )
    names = _names(session, {ticket.owner_id, item.agent_id if item else None})
    linked = select(Article).join(ArticleLink, ArticleLink.article_id == Article.id).where(ArticleLink.ticket_id == ticket.id)
    asked = select(HandUp.id).where(HandUp.ticket_id == ticket.id, HandUp.state == ASKED)
    return Head(
        ticket=ticket,
        customer=session.get_one(Customer, ticket.customer_id),
        queue=session.get_one(Queue, ticket.queue_id),
        owner_name=names.get(ticket.owner_id or 0, ""),
        due_at=next_due(ticket),
        chat=chat_of_ticket(session, ticket.id) if has.chats else None,
        item=item,
        holder_name=names.get(item.agent_id or 0, "") if item else "",
        offer=mine if mine is not None and mine.state == OFFERED else None,
        reason=mine.reason if mine is not None else {},
        is_asked=has.hand_ups and session.scalar(asked.limit(1)) is not None,
        articles=session.scalars(linked.order_by(ArticleLink.at)).all() if has.articles else [],
    )


def channels(session: Session, ticket: Ticket) -> Channels:
    """Chat while the chat runs, else mail where we know an address."""
    running = select(Chat.id).where(Chat.ticket_id == ticket.id, Chat.state == CHAT_RUNS).limit(1)
    last = (
        select(Message.from_address)
        .where(Message.ticket_id == ticket.id, Message.channel == "email", Message.direction == IN, Message.held.is_(False))
        .order_by(Message.id.desc())
        .limit(1)
    )
    known = select(ContactPoint.value).where(ContactPoint.customer_id == ticket.customer_id, ContactPoint.kind == "email")
    first = known.order_by(ContactPoint.verified.desc(), ContactPoint.id).limit(1)
    chat_id, wrote, address = session.execute(select(*(each.scalar_subquery() for each in (running, last, first)))).one()
    open_to_answers = ticket.status in (*LIVE, SOLVED)
    chat, email = chat_id is not None and open_to_answers, (wrote or address or "") if open_to_answers else ""
    return Channels(chat, email, "chat" if chat else "email" if email else "")


def choices(session: Session, ticket: Ticket) -> Choices:
    """Colleagues who could own the ticket, and queues it could go to."""
    wanted = Right.HANDLE_COMPLAINT if ticket.type == "complaint" else Right.REPLY
    agents = session.scalars(select(Agent).where(Agent.active).order_by(Agent.name)).all()
    able = [(each.id, each.name) for each in agents if any(wanted in ROLE_RIGHTS.get(role, ()) for role in each.roles)]
    queues = select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)
    return Choices(able, session.scalars(queues).all())


def _names(session: Session, ids: set[int | None]) -> dict[int, str]:
    wanted = {each for each in ids if each is not None}
    query = select(Agent.id, Agent.name).where(Agent.id.in_(wanted))
    return {each.id: each.name for each in session.execute(query)} if wanted else {}
