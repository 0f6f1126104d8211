"""Lists of tickets with filters, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true, union, union_all
from sqlalchemy.orm import Session

from desk.access import Viewer, held_tickets, lasting_sight, visible_tickets
from desk.beginnings import begins, folded
from desk.db import asked_of_each
from desk.models import Agent, ContactPoint, Customer, Queue, Tag, Ticket, TicketFollower, TicketTag
from desk.models.ticket import LIVE, SOUGHT, STATUSES
from desk.queries.customers import is_contact, is_named
from desk.queries.tags import tags_of
from desk.queries.ticket_page import next_due

PAGE = 50
VIEWS = ("mine", "unassigned", "open", "pending", "snoozed", "followed", "solved", "all")
OLDEST = "oldest"
AWAKE = ("mine", "unassigned", "open", "pending")  # what is to do; what is snoozed is in a list of its own
MOST_FOUND = 1000  # so many are sorted after they were found; of more, the list is gone through in its own order
_STATUSES = {
    "mine": LIVE,
    "unassigned": LIVE,
    "open": ("new", "open"),
    "pending": ("pending_customer", "pending_internal"),
    "snoozed": LIVE,
    "solved": ("solved", "closed"),
}


@dataclass(frozen=True)
class TicketRow:
    """One line of a ticket list."""

    ticket: Ticket
    customer_name: str
    tier: str
    owner_name: str
    queue_name: str
    queue_name_zh: str
    due_at: datetime | None
    tags: Sequence[Tag] = ()


def ticket_list(
    session: Session,
    viewer: Viewer,
    *,
    before: tuple[datetime, int] | None = None,
    sort: str = "",
    limit: int = PAGE,
    **asked: Any,
) -> list[TicketRow]:
    """A page of what the viewer may read, the latest change first, or with the sort `oldest` the earliest.

    `asked` is what `_question` takes. `before` is (updated_at, id) of the last row of the page before; one row more than `limit`
    says that another page follows.
    """
    return _rows(session, _page(session, viewer, asked, before, sort == OLDEST, limit + 1), sort == OLDEST)


def ticket_count(session: Session, viewer: Viewer, *, most: int, **asked: Any) -> int:
    """How many such tickets there are, counted to `most` and no further."""
    some = _page(session, viewer, asked, None, False, most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True)
class _Question:
    """Conditions on tickets; `few` are ids, where what is asked for fits few tickets."""

    conditions: list[ColumnElement[bool]]
    statuses: Sequence[str]
    few: ColumnElement[bool] | None = None


def _page(
    session: Session, viewer: Viewer, asked: dict[str, Any], before: tuple[datetime, int] | None, oldest: bool, most: int
) -> Select[tuple[int]]:
    question = _question(session, viewer, **asked)
    conditions = question.conditions
    if before is not None:
        at, ticket_id = before
        if oldest:
            conditions += [Ticket.updated_at >= at, or_(Ticket.updated_at > at, Ticket.id > ticket_id)]
        else:
            conditions += [Ticket.updated_at <= at, or_(Ticket.updated_at < at, Ticket.id < ticket_id)]
    if question.few is not None:
        return _sorted(viewer, question.statuses, [question.few, *conditions], oldest).limit(most)
    return _merged(viewer, question.statuses, conditions, most, oldest)


def _question(
    session: Session,
    viewer: Viewer,
    *,
    view: str = "open",
    search: str = "",
    queue_id: int | None = None,
    channel: str = "",
    type: str = "",
    tag_id: int | None = None,
    priority: int | None = None,
) -> _Question:
    wanted = (
        (Ticket.queue_id, queue_id),
        (Ticket.channel, channel or None),
        (Ticket.type, type or None),
        (Ticket.priority, priority),
    )
    conditions = [column == value for column, value in wanted if value is not None]
    if view in AWAKE:
        conditions.append(Ticket.snoozed_until.is_(None))
    if view in ("mine", "unassigned"):
        conditions.append(Ticket.owner_id == viewer.agent_id if view == "mine" else Ticket.owner_id.is_(None))
    # What fits few tickets is found first and sorted then; of several such conditions one is enough for that.
    few = [_FEW[view](viewer)] if view in _FEW else []
    if tag_id is not None:
        tag = session.get(Tag, tag_id)
        tag_id = tag_id if tag is None else tag.merged_into_id or tag.id  # who kept the old address finds the tag it became
        tagged = _tagged(session, tag_id)
        with_tag = exists().where(TicketTag.ticket_id == Ticket.id, TicketTag.tag_id == tag_id)
        (conditions if tagged is None else few).append(with_tag if tagged is None else Ticket.id.in_(tagged))
    if search.strip():
        found = _found(session, viewer, search.strip())
        (conditions if found is None else few).append(_is_like(viewer, search.strip()) if found is None else Ticket.id.in_(found))
    return _Question([*conditions, *few[1:]], _STATUSES.get(view, STATUSES), few[0] if few else None)


_FEW: dict[str, Callable[[Viewer], ColumnElement[bool]]] = {
    "snoozed": lambda _viewer: Ticket.snoozed_until.is_not(None),
    "followed": lambda viewer: Ticket.id.in_(select(TicketFollower.ticket_id).where(TicketFollower.agent_id == viewer.agent_id)),
}


def _rows(session: Session, ids: Select[tuple[int]], oldest: bool) -> list[TicketRow]:
    page = session.scalars(ids).all()
    tags = tags_of(session, page)
    query = (
        select(Ticket, Customer.name, Customer.tier, Agent.name, Queue.name, Queue.name_zh)
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
        .where(Ticket.id.in_(page))
        .order_by(*_order(Ticket.updated_at, Ticket.id, oldest))
    )
    return [
        TicketRow(ticket, name, tier, owner or "", queue, queue_zh, next_due(ticket), tags.get(ticket.id, ()))
        for ticket, name, tier, owner, queue, queue_zh in session.execute(query)
    ]


def _order(at: Any, key: Any, oldest: bool) -> tuple[Any, Any]:
    return (at, key) if oldest else (at.desc(), key.desc())


def _sorted(
    viewer: Viewer, statuses: Sequence[str], conditions: Sequence[ColumnElement[bool]], oldest: bool
) -> Select[tuple[int]]:
    """What is left of few tickets."""
    query = select(Ticket.id).where(asked_of_each(visible_tickets(viewer)), _is_none_but(statuses), *conditions)
    return query.order_by(*_order(Ticket.updated_at, Ticket.id, oldest))


def _merged(
    viewer: Viewer, statuses: Sequence[str], conditions: Sequence[ColumnElement[bool]], most: int, oldest: bool
) -> Select[tuple[int]]:
    """The first of all tickets.

    Each status and each way to see a ticket has an index in the order of the list, so that of every one only the first few are
    read, however many there are; then these are merged.
    """
    fits = asked_of_each(and_(true(), *conditions))  # who has no owner is most of the past, and few are held
    few = select(Ticket.id, Ticket.updated_at).where(_is_none_but(statuses), fits)
    lists = [few.where(held) for held in held_tickets(viewer)]
    for seen in lasting_sight(viewer) or [false()]:
        for status in statuses:
            many = select(Ticket.id, Ticket.updated_at).where(seen, Ticket.status == status, *conditions)
            first = many.order_by(*_order(Ticket.updated_at, Ticket.id, oldest)).limit(most).subquery()
            lists.append(select(first.c.id, first.c.updated_at))
    merged = union(*lists).subquery()
    return select(merged.c.id).order_by(*_order(merged.c.updated_at, merged.c.id, oldest)).limit(most)


def _tagged(session: Session, tag_id: int) -> Sequence[int] | None:
    """The tickets with this tag; None for too many."""
    found = session.scalars(select(TicketTag.ticket_id).where(TicketTag.tag_id == tag_id).limit(MOST_FOUND + 1)).all()
    return found if len(found) <= MOST_FOUND else None


def _is_none_but(statuses: Sequence[str]) -> ColumnElement[bool]:
    """The same as `in_`, said so that no database takes the index of statuses where the tickets are given already."""
    return Ticket.status.not_in([each for each in STATUSES if each not in statuses])


def _found(session: Session, viewer: Viewer, text: str) -> Sequence[int] | None:
    """The tickets with this number, or whose subject, customer's name, address or phone number begins so; None for too many."""
    number = text.lstrip("#")
    ways = [
        select(Ticket.id).where(_is_subject(text)),
        select(Ticket.id).join(Customer, Customer.id == Ticket.customer_id).where(is_named(viewer, text)),
        select(Ticket.id).join(ContactPoint, ContactPoint.customer_id == Ticket.customer_id).where(is_contact(viewer, text)),
    ]
    if number.isdecimal() and len(number) < 13:
        ways.append(select(Ticket.id).where(Ticket.number == int(number)))
    some = union_all(*(select(way.limit(MOST_FOUND + 1).subquery()) for way in ways)).subquery()
    found = session.scalars(select(some.c.id).distinct()).all()
    return found if len(found) <= MOST_FOUND else None


def _is_like(viewer: Viewer, text: str) -> ColumnElement[bool]:
    """The same as a condition that is asked of one ticket after another: quick when many are alike."""
    named = exists().where(Customer.id == Ticket.customer_id, is_named(viewer, text))
    reached = exists().where(ContactPoint.customer_id == Ticket.customer_id, is_contact(viewer, text))
    return or_(_is_subject(text), named, reached)


def _is_subject(text: str) -> ColumnElement[bool]:
    return begins(Ticket.subject_sought, folded(text, SOUGHT))
