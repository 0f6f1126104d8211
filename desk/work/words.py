"""Keeps the words that are searched in step with the rows, and fills in what was there before.

It follows the event table with a mark of its own, moved after the words are written: nothing is missed when a process dies, and
nothing is done by whoever takes a mail in. Old rows are filled in between, from the newest back, a few at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from desk.actions import search_words
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.models import Customer, Ticket
from desk.models.search import CUSTOMERS, TICKETS
from desk.queries.search import progress as search
from desk.queries.search.documents import Document, customer_documents, ticket_documents
from desk.queries.search.progress import HowFar
from desk.store import Store, Tx

TELLING = (
    "ticket.",
    "message.",
    "complaint.",
    "voicemail.",
    "customer.",
    "follow_up.",
    "macro.",
)  # kinds of events that change words
BATCH = 40  # rows of words that are written at once
EVENTS = 500  # looked at at once
REST_S = 0.05  # between two batches, for whoever takes mail in or answers a call in this process
TOGETHER_S = 1.0  # between two looks while one thing follows another: a call or a mail tells several things of one ticket
PACE_S = 2.0  # between looks for what other processes have committed
MOST_OF_ONE = 200  # tickets of one customer that are written again when they get another name
_LOCK = 7_305_015  # PostgreSQL's advisory lock of whoever writes words


class Words:
    """One turn follows what has happened since, or else fills in some of the past."""

    def __init__(self, desk: Installation) -> None:
        self._store = desk.store
        self._looks_soon = False

    def follow(self, events: Sequence[Event]) -> bool:
        """Whether there is something to do before the next look."""
        return not self._looks_soon and any(event.kind.startswith(TELLING) for event in events)

    def turn(self) -> float:
        """Do a little; returns the seconds until the next look."""
        self._looks_soon = False
        rest_s = advance(self._store)
        self._looks_soon = rest_s is not None
        return PACE_S if rest_s is None else rest_s


def catch_up(store: Store) -> None:
    """Do all that there is to do."""
    while advance(store) is not None:
        pass


def advance(store: Store) -> float | None:
    """Follow the next events or fill in the next rows. Returns after how many seconds to go on, or None if all is done."""
    with store.read() as reading:
        mark = search.how_far(reading)
        if mark is None:
            tables = (Event, Ticket, Customer)
            begun = tuple(reading.scalar(select(func.max(table.id))) or 0 for table in tables)
        elif (events := _next_events(reading, mark.followed)) is not None:
            until, more, tickets, customers = events
        else:
            return REST_S if _fill(store, mark) else None
    if mark is None:
        with store.tx(SYSTEM) as tx:
            if _alone(tx, None):
                search_words.begin(tx, *begun)
        return REST_S
    for start in range(0, max(len(tickets), len(customers)), BATCH):
        with store.read() as reading:
            some, others = tickets[start : start + BATCH], customers[start : start + BATCH]
            written, known = ticket_documents(reading, some), customer_documents(reading, others)
        with store.tx(SYSTEM) as tx:
            if not _alone(tx, mark):
                return REST_S
            search_words.put(tx, TICKETS, some, written)
            search_words.put(tx, CUSTOMERS, others, known)
    with store.tx(SYSTEM) as tx:
        if _alone(tx, mark):
            search_words.come_to(tx, followed=until)
    return REST_S if more else TOGETHER_S


def _next_events(reading: Session, followed: int) -> tuple[int, bool, list[int], list[int]] | None:
    """Up to which event is looked, whether there are more, and whose words may have changed until there."""
    query = select(Event.id, Event.kind, Event.ticket_id, Event.customer_id).where(Event.id > followed)
    rows = reading.execute(query.order_by(Event.id).limit(EVENTS)).all()
    if not rows:
        return None
    telling = [row for row in rows if row.kind.startswith(TELLING)]
    tickets = {row.ticket_id for row in telling if row.ticket_id is not None}
    customers = {row.customer_id for row in telling if row.customer_id is not None}
    customers.update(reading.scalars(select(Ticket.customer_id).where(Ticket.id.in_(tickets))))
    for renamed in {row.customer_id for row in telling if row.kind == "customer.named"}:
        theirs = select(Ticket.id).where(Ticket.customer_id == renamed).order_by(Ticket.id.desc())
        tickets.update(reading.scalars(theirs.limit(MOST_OF_ONE)))
    return rows[-1].id, len(rows) == EVENTS, sorted(tickets), sorted(customers)


def _fill(store: Store, mark: HowFar) -> bool:
    """The next rows of the past, customers first: they are few."""
    table, model, name = (CUSTOMERS, Customer, "customers_left") if mark.customers_left else (TICKETS, Ticket, "tickets_left")
    left = getattr(mark, name)
    if not left:
        return False
    with store.read() as reading:
        ids = list(reading.scalars(select(model.id).where(model.id <= left).order_by(model.id.desc()).limit(BATCH)))
        documents: list[Document] = (customer_documents if model is Customer else ticket_documents)(reading, ids)
    with store.tx(SYSTEM) as tx:
        if _alone(tx, mark):
            search_words.put(tx, table, ids, documents)
            search_words.come_to(tx, **{name: ids[-1] - 1 if len(ids) == BATCH else 0})
    return True


def _alone(tx: Tx, mark: HowFar | None) -> bool:
    """Whether nobody has come farther since we read: what we have read would be older than what they have written."""
    if tx.session.get_bind().dialect.name == "postgresql":
        tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    return search.how_far(tx.session) == mark
