"""What was found as a page shows it: the rows beside the ids, in the same order, with the words marked where they stand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.models import Agent, Customer, Message, Queue, Ticket
from desk.queries.people.customer_page import ListRow, list_rows
from desk.queries.search.question import Question, Term
from desk.queries.search.search import TEXT, Place
from desk.queries.search.tokens import words_of
from knowledge.fold import fold
from knowledge.snippet import snippet
from knowledge.tokens import telling_tokens

LOOKED_AT = 20  # messages of one ticket, the newest, for the one to show
MOST_TEXT = 8_000  # characters of each
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Said:
    """The message in which it was found, or the best there is."""

    kind: str
    author: str
    at: datetime
    snippet_html: str


@dataclass(frozen=True)
class TicketHit:
    """One ticket; `said` only for those that were found by what was written."""

    ticket: Ticket
    title_html: str
    customer_name: str
    tier: str
    queue_name: str
    queue_name_zh: str
    owner_name: str
    said: Said | None


def ticket_hits(session: Session, question: Question, places: Sequence[Place]) -> list[TicketHit]:
    """The tickets that were found, in two queries however many."""
    ids = [ticket_id for _, ticket_id in places]
    query = (
        select(Ticket, Customer.name, Customer.tier, Queue.name, Queue.name_zh, func.coalesce(Agent.name, ""))
        .join(Customer, Customer.id == Ticket.customer_id)
        .join(Queue, Queue.id == Ticket.queue_id)
        .outerjoin(Agent, Agent.id == Ticket.owner_id)
        .where(Ticket.id.in_(ids))
    )
    rows = {row[0].id: row for row in session.execute(query)} if ids else {}
    said = _said(session, question, [ticket_id for place, ticket_id in places if place == TEXT])
    return [
        TicketHit(ticket, marked(ticket.subject, question, 400), *more, said=said.get(ticket_id))
        for ticket_id in ids
        if ticket_id in rows
        for ticket, *more in [rows[ticket_id]]
    ]


def customer_hits(session: Session, viewer: Viewer, ids: Sequence[int]) -> list[ListRow]:
    """The customers that were found, with a way to reach them as the viewer may see it."""
    if not ids:
        return []
    rows = {row.id: row for row in session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    return list_rows(session, viewer, [rows[each] for each in ids if each in rows])


def marked(text: str, question: Question, length: int = 180) -> str:
    """The stretch of a text that shows best why it was found, as HTML."""
    return snippet(text, _wanted(text, question), length)


def _wanted(text: str, question: Question) -> Collection[str]:
    typed = " ".join(question.typed)
    wanted = set(telling_tokens(typed))
    last = fold(typed.split()[-1]) if typed.split() else ""
    if len(last) > 2 and last.isascii():
        wanted.update(word for word in _WORD.findall(fold(text)) if word.startswith(last))
    return wanted


def _said(session: Session, question: Question, ids: Sequence[int]) -> dict[int, Said]:
    """Of each ticket the message with the most of what was asked, the newest of equals."""
    if not ids:
        return {}
    text = func.coalesce(func.nullif(Message.reply_text, ""), Message.text)
    place = func.row_number().over(partition_by=Message.ticket_id, order_by=Message.id.desc())
    each = (
        select(
            Message.ticket_id,
            Message.id,
            Message.kind,
            Message.author_name,
            Message.created_at,
            func.substr(text, 1, MOST_TEXT).label("text"),
            place.label("place"),
        )
        .where(Message.ticket_id.in_(ids))
        .subquery()
    )
    of_ticket = defaultdict(list)
    for row in session.execute(select(each).where(each.c.place <= LOOKED_AT).order_by(each.c.id.desc())):
        of_ticket[row.ticket_id].append(row)
    found = {}
    for ticket_id, rows in of_ticket.items():
        best = max(rows, key=lambda row: _fits(row.text, question.must))
        found[ticket_id] = Said(best.kind, best.author_name, best.created_at, marked(best.text, question))
    return found


def _fits(text: str, terms: Sequence[Term]) -> int:
    """How many of the terms are in a text."""
    words = f" {' '.join(words_of(text))} "
    return sum(any(f" {' '.join(phrase)}" in words for phrase in term.phrases) for term in terms)
