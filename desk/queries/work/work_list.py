"""An agent's work list: what is offered, what is in hand, what is theirs to finish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.models import Call, Callback, CallSegment, Chat, Customer, Message, Offer, Ticket, WorkItem
from desk.models.message import IN, OUT
from desk.models.ticket import LIVE, PENDING_CUSTOMER, PENDING_INTERNAL
from desk.models.work_item import ACCEPTED, ACTIVE, OFFERED, WRAP_UP
from desk.queries.chats.silence import silent_since
from desk.queries.complaints.corrective_actions import ActionRow, due_actions
from desk.queries.complaints.notices import NoticeRow, notices_of
from desk.queries.mail.deliveries import Undelivered, undelivered_of
from desk.queries.people.contact_limits import LimitRow, limits_to_review
from desk.queries.tickets.drafts import DraftRow, drafts_of
from desk.queries.tickets.following import NewsRow, news_of
from desk.queries.tickets.mentions import MentionRow, mentions_of
from desk.queries.tickets.page import next_due
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.concerns import Concerns, concerns
from routing.values import CHAT_IDLE, load_of

MOST_OWN = 100


@dataclass(frozen=True)
class WorkRow:
    """One line.

    `since` is when it began, `until` when an offer runs out or a snoozed ticket comes back, `due_at` the next promise to the
    customer.
    """

    ticket_number: int
    subject: str
    status: str
    customer_name: str
    tier: str
    channel: str
    kind: str
    state: str
    locale: str
    item_id: int | None = None
    offer_id: int | None = None
    call_id: int | None = None
    chat_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    due_at: datetime | None = None
    unread: int = 0
    mode: str = ""  # how the viewer was chosen for it
    number: str = ""  # whom to call back
    asked_at: datetime | None = None  # when they asked for it
    silent_since: datetime | None = None  # the visitor has waited for an answer since then, too long
    idle_since: datetime | None = None  # the visitor has left ours unanswered since then, so that it is half a chat


@dataclass(frozen=True)
class ChatRoom:
    """How many chats somebody has as the router counts them, of how many at most, with `halves` of silent customers."""

    count: float
    maximum: int
    halves: int


@dataclass(frozen=True)
class WorkList:
    """`offers` ring; `active` is in hand (calls, chats, mails taken); `own` (of `own_total`) are tickets owned without any.

    `undelivered` are tickets of theirs on which somebody did not get our mail; `drafts` is what they have begun to write,
    `mentions` where they were named and have not looked, `news` what happened on tickets that they follow. `snoozed` come back.
    `notices` tell of complaints whose clocks run down, `actions` are corrective actions that they are to do or to check.
    """

    offers: list[WorkRow]
    active: list[WorkRow]
    own: list[WorkRow]
    own_total: int
    undelivered: list[Undelivered]
    drafts: list[DraftRow]
    mentions: list[MentionRow]
    news: list[NewsRow]
    snoozed: list[WorkRow]
    notices: Sequence[NoticeRow] = ()
    actions: Sequence[ActionRow] = ()
    limits: Sequence[LimitRow] = ()  # on how customers reach us, for supervisors to look at again
    chats: ChatRoom | None = None  # told where some count half


def work_list(session: Session, viewer: Viewer, now: datetime | None = None, there: Concerns | None = None) -> WorkList:
    """What concerns this agent now; `there` is what of it there is, where somebody has found that out already."""
    there = there or concerns(session, viewer)
    held = _held(session, viewer) if there.offers else []
    in_hand = {row.ticket_number for row in held}
    own, total = _own(session, viewer, in_hand)
    sleeping = sum(row.until is not None for row in own)
    return WorkList(
        chats=_chat_room(session, held),
        offers=[row for row in held if row.state == OFFERED],
        active=[row for row in held if row.state in (ACTIVE, WRAP_UP)],
        own=[row for row in own if row.until is None],
        own_total=total - sleeping,
        undelivered=undelivered_of(session, viewer.agent_id) if viewer.agent_id is not None else [],
        drafts=drafts_of(session, viewer) if there.drafts else [],
        mentions=mentions_of(session, viewer) if there.mentions else [],
        news=news_of(session, viewer) if there.follows else [],
        snoozed=[row for row in own if row.until is not None],
        notices=notices_of(session, viewer) if there.notices else [],
        limits=limits_to_review(session, viewer, now) if now is not None else (),
        actions=due_actions(session, viewer, now) if now is not None and (there.actions or there.checks) else [],
    )


def _held(session: Session, viewer: Viewer) -> list[WorkRow]:
    # A call that was passed on is another one's work; whoever had it still wraps up their part. Of several the latest.
    whose = select(func.max(Call.id)).where(Call.item_id == WorkItem.id).correlate(WorkItem).scalar_subquery()
    part = select(func.max(CallSegment.call_id)).where(CallSegment.item_id == WorkItem.id).correlate(WorkItem).scalar_subquery()
    query = (
        select(Offer, WorkItem, Ticket, Customer, Call, Chat, Callback)
        .join(WorkItem, WorkItem.id == Offer.item_id)
        .join(Ticket, Ticket.id == WorkItem.ticket_id)
        .join(Customer, Customer.id == WorkItem.customer_id)
        .outerjoin(Call, Call.id == func.coalesce(whose, part))
        .outerjoin(Chat, Chat.item_id == WorkItem.id)
        .outerjoin(Callback, (Callback.item_id == WorkItem.id) & Callback.ended_at.is_(None))
        .where(Offer.agent_id == viewer.agent_id, Offer.state.in_((OFFERED, ACCEPTED)))
        # Who is on the line waits least patiently: calls first, then chats, then the rest as they came.
        .order_by(case({"voice": 0, "chat": 1}, value=WorkItem.channel, else_=2), Offer.offered_at)
    )
    rows = session.execute(query).all()
    unread = _unanswered(session, [ticket.id for _, _, ticket, _, _, chat, _ in rows if chat is not None])
    silent = silent_since(session, [chat.id for *_, chat, _ in rows if chat is not None])
    return [
        WorkRow(
            ticket_number=ticket.number or 0,
            subject=ticket.subject,
            status=ticket.status,
            customer_name=customer.name,
            tier=customer.tier,
            channel={"ticket": ticket.channel, "complaint": "form", "follow_up": "follow_up"}.get(item.kind, item.channel),
            kind=item.kind,
            state=item.state,
            locale=ticket.locale,
            item_id=item.id,
            offer_id=offer.id,
            call_id=call.id if call else None,
            chat_id=chat.id if chat else None,
            since=item.wrap_up_at or item.answered_at or item.enqueued_at,
            until=offer.deadline if offer.state == OFFERED else None,
            due_at=item.due_at if item.kind == "hand_up" else next_due(ticket),
            unread=unread.get(ticket.id, 0),
            mode=str(offer.reason.get("mode", "")),
            number=callback.number if callback else "",
            asked_at=callback.requested_at if callback else None,
            silent_since=silent.get(chat.id) if chat else None,
            idle_since=chat.idle_since if chat else None,
        )
        for offer, item, ticket, customer, call, chat, callback in rows
    ]


def _chat_room(session: Session, held: Sequence[WorkRow]) -> ChatRoom | None:
    halves = sum(row.idle_since is not None for row in held)
    if not halves:
        return None
    rules = rules_of(session)
    chats = [CHAT_IDLE if row.idle_since else "chat" for row in held if row.kind == "chat"]
    return ChatRoom(load_of(dict(enumerate(chats)), rules).counts["chat"], rules["chat"].maximum, halves)


def _own(session: Session, viewer: Viewer, in_hand: set[int]) -> tuple[list[WorkRow], int]:
    mine = (Ticket.owner_id == viewer.agent_id, Ticket.status.in_(LIVE))
    query = (
        select(Ticket, Customer)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(*mine)
        .order_by(
            Ticket.snoozed_until.is_not(None),
            Ticket.status.in_((PENDING_CUSTOMER, PENDING_INTERNAL)),
            Ticket.resolve_due_at,
            Ticket.id,
        )
        .limit(MOST_OWN)
    )
    rows = [
        WorkRow(
            ticket_number=ticket.number or 0,
            subject=ticket.subject,
            status=ticket.status,
            customer_name=customer.name,
            tier=customer.tier,
            channel=ticket.channel,
            kind="ticket",
            state="own",
            locale=ticket.locale,
            due_at=next_due(ticket),
            until=ticket.snoozed_until,
        )
        for ticket, customer in session.execute(query)
    ]
    total = len(rows)
    if total == MOST_OWN:
        total = session.scalar(select(func.count()).select_from(Ticket).where(*mine)) or 0
    others = [row for row in rows if row.ticket_number not in in_hand]
    return others, total - (len(rows) - len(others))


def _unanswered(session: Session, ticket_ids: list[int]) -> dict[int, int]:
    """How many messages of the visitor came after our last one."""
    if not ticket_ids:
        return {}
    last = (
        select(Message.ticket_id, func.max(Message.id).label("id"))
        .where(Message.ticket_id.in_(ticket_ids), Message.direction == OUT)
        .group_by(Message.ticket_id)
        .subquery()
    )
    query = (
        select(Message.ticket_id, func.count())
        .outerjoin(last, last.c.ticket_id == Message.ticket_id)
        .where(Message.ticket_id.in_(ticket_ids), Message.direction == IN, Message.id > func.coalesce(last.c.id, 0))
        .group_by(Message.ticket_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
