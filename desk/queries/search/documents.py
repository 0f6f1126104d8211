"""What of a ticket or a customer is kept for searching, as rows of words.

`scope` says who has it and where it stands. It only makes a search quick: what a result shows is asked of the rows themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.access import is_known
from desk.models import Complaint, ContactPoint, Customer, Message, Ticket
from desk.queries.search.tokens import bare, contact_words, number_words, words_of

MOST_MESSAGES = 300  # of one ticket, the newest
MOST_TEXT = 20_000  # characters of one message
MOST_WORDS = 30_000
EVERY = "every"  # stands in each scope
SCOPES = (EVERY, "xtype", "xteam", "xowner", "xqueue", "xstatus")  # how the words of a scope begin


@dataclass(frozen=True)
class Document:
    """The words of one row by the place where they stand: `high` counts for more than `low`."""

    id: int
    high: tuple[str, ...]
    low: tuple[str, ...]
    scope: tuple[str, ...] = ()


def is_contact_name(name: str) -> bool:
    """Whether a customer is called by an address or a number because we know no name; then it is hidden like one."""
    return "@" in name or (name.startswith("+") and name[1:].isdigit())


def ticket_documents(session: Session, ids: Sequence[int]) -> list[Document]:
    """The tickets of these ids that are there."""
    query = (
        select(Ticket, Customer.name, Complaint.order_number)
        .join(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(Complaint, Complaint.ticket_id == Ticket.id)
        .where(Ticket.id.in_(ids))
    )
    rows = session.execute(query).all()
    texts = _texts(session, ids)
    return [_ticket(ticket, name, order or "", texts[ticket.id]) for ticket, name, order in rows]


def customer_documents(session: Session, ids: Sequence[int]) -> list[Document]:
    """The customers of these ids that are there."""
    contacts: dict[int, list[str]] = defaultdict(list)
    points = select(ContactPoint).where(ContactPoint.customer_id.in_(ids), ContactPoint.kind.in_(("phone", "email")))
    for point in session.scalars(points):
        contacts[point.customer_id] += contact_words(point.kind, point.value)
    named = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(ids), is_known())).all()
    return [
        Document(id, () if is_contact_name(name) else tuple(words_of(name)), tuple(dict.fromkeys(contacts[id])))
        for id, name in named
    ]


def scope_word(kind: str, value: object) -> str:
    """How a fact about a ticket is kept: team 7 is `xteam7`."""
    return bare(f"x{kind}{value}")


def _texts(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    """The newest messages of each ticket, oldest first; of a mail what is new in it."""
    text = func.coalesce(func.nullif(Message.reply_text, ""), Message.text)
    place = func.row_number().over(partition_by=Message.ticket_id, order_by=Message.id.desc())
    numbered = select(
        Message.ticket_id, Message.id, Message.subject, func.substr(text, 1, MOST_TEXT).label("text"), place.label("place")
    )
    each = numbered.where(Message.ticket_id.in_(ids)).subquery()
    query = select(each.c.ticket_id, each.c.subject, each.c.text).where(each.c.place <= MOST_MESSAGES)
    found: dict[int, list[str]] = defaultdict(list)
    for ticket_id, subject, written in session.execute(query.order_by(each.c.ticket_id, each.c.id)):
        found[ticket_id] += [subject, written] if subject else [written]
    return found


def _ticket(ticket: Ticket, name: str, order_number: str, texts: list[str]) -> Document:
    head = [*words_of(ticket.subject), *([] if is_contact_name(name) else words_of(name))]
    head += [*number_words(str(ticket.number or "")), *words_of(order_number)]
    body = [word for text in dict.fromkeys(texts) for word in words_of(text)]
    facts = {"team": ticket.team_id, "owner": ticket.owner_id or 0, "queue": ticket.queue_id, "status": ticket.status}
    scope = (EVERY, scope_word("type", ticket.type), *(scope_word(kind, value) for kind, value in facts.items()))
    return Document(ticket.id, tuple(head), tuple(body[-MOST_WORDS:]), scope)
