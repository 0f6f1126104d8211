"""What an article can be begun from: the words of a ticket or of a gap, without what belongs to people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import Customer, KnowledgeGap, Message, Ticket
from desk.models.message import IN, OUT
from knowledge.language import guess
from knowledge.private import without_personal

MOST_QUESTION, MOST_ANSWER, MOST_TITLE = 900, 8_000, 200
MOST_SHOWN = 5


def from_ticket(session: Session, ticket: Ticket) -> dict[str, str]:
    """The fields of the editor: the question in the customer's words, the answer that was given, the area."""
    customer = session.get_one(Customer, ticket.customer_id)
    names = [customer.name] if "@" not in customer.name else []
    asked = _message(session, ticket, IN, first=True)
    given = ticket.resolution or _message(session, ticket, OUT, first=False)
    question = without_personal(asked, names)
    return {
        "title": without_personal(ticket.subject, names)[:MOST_TITLE],
        "question": " ".join(question.split())[:MOST_QUESTION],
        "text": without_personal(given, names)[:MOST_ANSWER],
        "category": ticket.category,
        "lang": guess(f"{ticket.subject} {asked}"),
        "ticket": str(ticket.number),
    }


def from_gap(session: Session, gap_id: int) -> dict[str, str]:
    """The fields of the editor for an open gap: what people call it. Raises `NotFound`."""
    gap = session.get(KnowledgeGap, gap_id)
    if gap is None or gap.closed_at is not None:
        raise NotFound("This gap is closed already.")
    asked = subjects_of(session, [gap])[gap.id]
    return {
        "title": asked[0][:MOST_TITLE] if asked else gap.topic,
        "question": " ".join([gap.topic, *asked])[:MOST_QUESTION],
        "category": gap.category,
        "lang": gap.lang if gap.lang in ("en", "zh") else "en",
        "gap": str(gap.id),
    }


def subjects_of(session: Session, gaps: Sequence[KnowledgeGap]) -> dict[int, list[str]]:
    """How the latest customers of each gap asked for it, without their names and numbers."""
    ids = {ticket_id for gap in gaps for ticket_id in gap.ticket_ids[:MOST_SHOWN]}
    query = select(Ticket.id, Ticket.subject, Customer.name).join(Customer, Customer.id == Ticket.customer_id)
    rows = session.execute(query.where(Ticket.id.in_(ids))) if ids else ()
    subjects = {ticket_id: without_personal(subject, [name]) for ticket_id, subject, name in rows}
    shown = ([subjects.get(ticket_id, "") for ticket_id in gap.ticket_ids[:MOST_SHOWN]] for gap in gaps)
    return {gap.id: list(dict.fromkeys(filter(None, asked))) for gap, asked in zip(gaps, shown, strict=True)}


def _message(session: Session, ticket: Ticket, direction: str, *, first: bool) -> str:
    query = select(Message.reply_text, Message.text).where(Message.ticket_id == ticket.id, Message.direction == direction)
    row = session.execute(query.order_by(Message.id if first else Message.id.desc()).limit(1)).first()
    return (row[0] or row[1] or "") if row else ""
