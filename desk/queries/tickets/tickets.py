"""Lists of tickets with filters, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.functions import FunctionElement

from desk.access import Viewer, held_tickets, lasting_sight, visible_tickets
from desk.beginnings import begins, folded
from desk.db import asked_of_each
from desk.models import Agent, ContactPoint, Customer, Queue, Tag, Ticket, TicketFollower, TicketTag
from desk.models.complaint import number_in
from desk.models.ticket import IS_LIVE, LIVE, SOUGHT, STATUSES
from desk.queries.people.customers import is_contact, is_named
from desk.queries.tickets.page import next_due
from desk.queries.tickets.tags import tags_of

PAGE = 50
VIEWS = ("mine", "unassigned", "open", "pending", "snoozed", "followed", "solved", "all")
AWAKE = ("mine", "unassigned", "open", "pending")  # what is to do; what is snoozed is in a list of its own
MOST_FOUND = 1000  # so many are sorted after they were found; of more, the list is gone through in its own order
LATEST, OLDEST = "", "oldest"
TO_DO = ("due", "priority", "opened", "newest")  # orders of what is to do, which is little; of all the past there is no index
_STATUSES = {
    "mine": LIVE,
    "unassigned": LIVE,
    "open": ("new", "open"),
    "pending": ("pending_customer", "pending_internal"),
    "snoozed": LIVE,
    "solved": ("solved", "closed"),
}


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: `columns`, each of which rises, or with `falls` each falls. The last is the ticket's id."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    falls: bool = False

    def by(self, columns: Sequence[ColumnElement[Any]] = ()) -> list[ColumnElement[Any]]:
        """The same of columns of that name in another query."""
        return [each.desc() if self.falls else each.asc() for each in columns or self.columns]

    def after(self, last: Sequence[Any]) -> ColumnElement[bool]:
        """What follows on the row with these values; said so that the first column's index is gone on with."""
        column, value = self.columns[-len(last)], last[0]
        beyond = column < value if self.falls else column > value
        if len(last) == 1:
            return beyond
        return and_(column <= value if self.falls else column >= value, or_(beyond, self.after(last[1:])))


ORDERS = {
    LATEST: Order((Ticket.updated_at, Ticket.id), falls=True),
    OLDEST: Order((Ticket.updated_at, Ticket.id)),
    "due": Order((Ticket.due_order, Ticket.id)),
    "priority": Order((Ticket.priority, Ticket.due_order, Ticket.id)),
    "opened": Order((Ticket.id,)),
    "newest": Order((Ticket.id,), falls=True),
}


def orders_of(view: str) -> tuple[str, ...]:
    """The orders in which this view can be had."""
    is_little = view in _FEW or set(_STATUSES.get(view, STATUSES)) <= set(LIVE)
    return (LATEST, OLDEST, *(TO_DO if is_little else ()))


def place_of(ticket: Ticket, sort: str) -> tuple[Any, ...]:
    """Where the ticket stands in that order: what `ticket_list` takes as `before` for the page that follows."""
    return tuple(getattr(ticket, column.key) for column in ORDERS[sort].columns)


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
    before: tuple[Any, ...] | None = None,
    sort: str = LATEST,
    limit: int = PAGE,
    **asked: Any,
) -> list[TicketRow]:
    """A page of what the viewer may read, in one of the `ORDERS`, where the view has it.

    `asked` is what `_question` takes. `before` is the place of the last row of the page before; one row more than `limit` says
    that another page follows.
    """
    order = ORDERS[sort]
    return _rows(session, _page(session, viewer, asked, before, order, limit + 1), order)


def ticket_count(session: Session, viewer: Viewer, *, most: int, **asked: Any) -> int:
    """How many such tickets there are, counted to `most` and no further."""
    some = _page(session, viewer, asked, None, ORDERS[LATEST], most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True)
class _Question:
    """Conditions on tickets; `few` are ids, where what is asked for fits few tickets. `of_one`: they are one person's."""

    conditions: list[ColumnElement[bool]]
    statuses: Sequence[str]
    few: ColumnElement[bool] | None = None
    of_one: bool = False


def _page(
    session: Session, viewer: Viewer, asked: dict[str, Any], before: tuple[Any, ...] | None, order: Order, most: int
) -> Select[tuple[int]]:
    question = _question(session, viewer, **asked)
    if before is not None:
        question.conditions.append(order.after(before))
    if question.few is not None:
        return _sorted(viewer, question, order).limit(most)
    return _merged(viewer, question, order, most)


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
    impact: str = "",
    urgency: str = "",
    owner: str = "",
) -> _Question:
    """`owner` is the id of a colleague, `me`, or `none`."""
    wanted = (
        (Ticket.queue_id, queue_id),
        (Ticket.channel, channel or None),
        (Ticket.type, type or None),
        (Ticket.priority, priority),
        (Ticket.impact, impact or None),
        (Ticket.urgency, urgency or None),
    )
    conditions = [column == value for column, value in wanted if value is not None]
    if view in AWAKE:
        conditions.append(Ticket.snoozed_until.is_(None))
    if view in ("mine", "unassigned"):
        conditions.append(Ticket.owner_id == viewer.agent_id if view == "mine" else Ticket.owner_id.is_(None))
    if owner == "none":
        conditions.append(Ticket.owner_id.is_(None))
    elif owner:
        conditions.append(Ticket.owner_id == (viewer.agent_id if owner == "me" else int(owner)))
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
    of_one = owner not in ("", "none") or view == "mine"
    return _Question([*conditions, *few[1:]], _STATUSES.get(view, STATUSES), few[0] if few else None, of_one)


_FEW: dict[str, Callable[[Viewer], ColumnElement[bool]]] = {
    "snoozed": lambda _viewer: Ticket.snoozed_until.is_not(None),
    "followed": lambda viewer: Ticket.id.in_(select(TicketFollower.ticket_id).where(TicketFollower.agent_id == viewer.agent_id)),
}


def _rows(session: Session, ids: Select[tuple[int]], order: Order) -> list[TicketRow]:
    page = session.scalars(ids).all()
    tags = tags_of(session, page)
    query = (
        select(Ticket, Customer.name, Customer.tier, Agent.name, Queue.name, Queue.name_zh)
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
        .where(Ticket.id.in_(bindparam("page", page, expanding=True)))  # of a plain list each id would be looked at first
        .order_by(*order.by())
    )
    return [
        TicketRow(ticket, name, tier, owner or "", queue, queue_zh, next_due(ticket), tags.get(ticket.id, ()))
        for ticket, name, tier, owner, queue, queue_zh in session.execute(query)
    ]


def _sorted(viewer: Viewer, question: _Question, order: Order) -> Select[tuple[int]]:
    """What is left of few tickets."""
    seen = asked_of_each(visible_tickets(viewer))
    query = select(Ticket.id).where(question.few, seen, _is_none_but(question.statuses), *question.conditions)
    return query.order_by(*order.by())


def _merged(viewer: Viewer, question: _Question, order: Order, most: int) -> Select[tuple[int]]:
    """The first of all tickets.

    Each status and each way to see a ticket has an index in the order of the list, so that of every one only the first few are
    read, however many there are; then these are merged.
    """
    fits = asked_of_each(and_(true(), *question.conditions))  # who has no owner is most of the past, and few are held
    few = select(*order.columns).where(_is_none_but(question.statuses), fits)
    lists = [few.where(held) for held in held_tickets(viewer)]
    sight = lasting_sight(viewer) or [false()]
    if question.of_one:
        sight = [asked_of_each(or_(*sight))]  # theirs have an index of their own
    for seen in sight:
        for status in question.statuses:
            many = select(*order.columns).where(seen, _is(status), *question.conditions)
            first = many.order_by(*order.by()).limit(most).subquery()
            lists.append(select(*first.c))
    merged = union(*lists).subquery()
    return select(merged.c.id).order_by(*order.by(list(merged.c))).limit(most)


def _is(status: str) -> ColumnElement[bool]:
    """Of what is to do there are indexes of its own, which both databases take only where it is written out what is sought."""
    if status not in LIVE:
        return Ticket.status == status
    return and_(Ticket.status == literal_column(f"'{status}'"), _IsToDo())


class _IsToDo(FunctionElement[bool]):  # of the kinds of one's own the one whose statements are compiled once
    """What SQLite wants to read besides; PostgreSQL would take it for a condition of its own, and expect far fewer rows."""

    inherit_cache = True
    type = Boolean()
    _is_implicitly_boolean = True  # else SQLite reads “… = 1”, which is not in the words of its indexes


@compiles(_IsToDo)
def _told_by_status(*_of: Any, **_more: Any) -> str:
    return "true"


@compiles(_IsToDo, "sqlite")
def _told_in_words(*_of: Any, **_more: Any) -> str:
    return f"ticket.{IS_LIVE}"


def _tagged(session: Session, tag_id: int) -> Sequence[int] | None:
    """The tickets with this tag; None for too many."""
    found = session.scalars(select(TicketTag.ticket_id).where(TicketTag.tag_id == tag_id).limit(MOST_FOUND + 1)).all()
    return found if len(found) <= MOST_FOUND else None


def _is_none_but(statuses: Sequence[str]) -> ColumnElement[bool]:
    """The same as `in_`, said so that no database takes the index of statuses where the tickets are given already."""
    return Ticket.status.not_in([each for each in STATUSES if each not in statuses])


def _found(session: Session, viewer: Viewer, text: str) -> Sequence[int] | None:
    """The tickets with this number, or whose subject, customer's name, address or phone number begins so; None for too many."""
    number = number_in(text)
    ways = [
        select(Ticket.id).where(_is_subject(text)),
        select(Ticket.id).join(Customer, Customer.id == Ticket.customer_id).where(is_named(viewer, text)),
        select(Ticket.id).join(ContactPoint, ContactPoint.customer_id == Ticket.customer_id).where(is_contact(viewer, text)),
    ]
    if number is not None:
        ways.append(select(Ticket.id).where(Ticket.number == number))
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
