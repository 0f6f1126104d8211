"""What was asked in the last four weeks, and whether an article helped: the ground of the gap report and its figures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from desk.models import ArticleLink, Customer, KnowledgeGap, Message, SearchLog, Ticket
from desk.models.knowledge import CONTACTS
from desk.models.message import IN
from desk.models.ticket import MERGED, SPAM
from knowledge.gaps import Asked
from knowledge.language import guess
from knowledge.private import without_personal

WINDOW = timedelta(days=28)
MOST_TICKETS, MOST_SEARCHES = 5_000, 100
LEAST_SEARCHES = 10
WITHOUT_QUESTION = ("wrong_number", "dropped", "no_action")
_TEXT = 300  # characters of the first message: there the question stands


def first_since(session: Session, since: datetime) -> int:
    """The id of the first ticket opened since; they are opened in the order of their ids, so that halving finds it."""
    low, high = 1, (session.scalar(select(func.max(Ticket.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = session.execute(select(Ticket.created_at).where(Ticket.id >= middle).order_by(Ticket.id).limit(1)).first()
        if row is not None and row[0] < since:
            low = middle + 1
        else:
            high = middle
    return low


def with_a_question(first: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions on `Ticket`: opened since, and somebody wanted to know something."""
    return (Ticket.id >= first, Ticket.status.not_in((SPAM, MERGED)), Ticket.wrap_up_code.not_in(WITHOUT_QUESTION))


def asked_lately(session: Session, now: datetime) -> list[Asked]:
    """The latest tickets with their words, without those that a published article was written for: the topic starts anew."""
    first = first_since(session, now - WINDOW)
    rows = session.execute(
        select(Ticket.id, Ticket.category, Ticket.subject, Customer.name)
        .join(Customer, Customer.id == Ticket.customer_id)
        .where(*with_a_question(first))
        .order_by(Ticket.id.desc())
        .limit(MOST_TICKETS)
    ).all()
    ids = [row.id for row in rows]
    words, answered = _first_words(session, ids), _answered(session, ids)
    settled = _written_for(session, now - WINDOW)
    found = []
    for ticket_id, category, subject, name in rows:
        if ticket_id in settled:
            continue
        # What a topic is called is read by many; that a customer has written often must not make a topic of their name.
        text = without_personal(f"{subject}\n{words.get(ticket_id, '')}", [name])
        found.append(Asked(ticket_id, category, text, guess(text), ticket_id in answered))
    return found


def searched_in_vain(session: Session, now: datetime) -> list[tuple[str, str, int]]:
    """(words, language, how often) of searches after which nobody opened anything, the most frequent first."""
    words, times = func.lower(SearchLog.query), func.count()
    query = (
        select(words, func.max(SearchLog.lang), times)
        .where(SearchLog.at >= now - WINDOW, SearchLog.opened_id.is_(None), SearchLog.helped.is_(False))
        .group_by(words)
        .having(times >= LEAST_SEARCHES)
        .order_by(times.desc(), words)
        .limit(MOST_SEARCHES)
    )
    return [(each, lang, count) for each, lang, count in session.execute(query)]


def opened_after(session: Session, words: Collection[str], now: datetime) -> set[str]:
    """Those of these searches after which, more often than not, an article was opened: they are answered."""
    lowered, opened = func.lower(SearchLog.query), func.count(SearchLog.opened_id)
    query = (
        select(lowered)
        .where(SearchLog.at >= now - WINDOW, lowered.in_(words))
        .group_by(lowered)
        .having(opened * 2 > func.count())
    )
    return set(session.scalars(query))


def _first_words(session: Session, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for some in _some(ids):
        first = select(func.min(Message.id)).where(Message.ticket_id.in_(some), Message.direction == IN)
        rows = session.execute(
            select(Message.ticket_id, func.substr(Message.text, 1, _TEXT)).where(
                Message.id.in_(first.group_by(Message.ticket_id))
            )
        )
        found.update((ticket_id, text) for ticket_id, text in rows)
    return found


def _answered(session: Session, ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in _some(ids):
        found.update(session.scalars(select(ArticleLink.ticket_id).where(ArticleLink.ticket_id.in_(some))))
    return found


def _written_for(session: Session, since: datetime) -> set[int]:
    closed = (KnowledgeGap.closed_at >= since, KnowledgeGap.kind == CONTACTS, KnowledgeGap.article_id.is_not(None))
    return {ticket_id for ids in session.scalars(select(KnowledgeGap.ticket_ids).where(*closed)) for ticket_id in ids}


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + 400] for start in range(0, len(ids), 400))
