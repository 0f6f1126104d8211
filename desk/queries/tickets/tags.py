"""Tags: those of tickets, those that can be chosen, and all of them for whoever looks after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.access import Viewer, untouched_by
from desk.models import Tag, TicketTag

MOST_OFFERED = 1000
MOST_COUNTED = 1000


@dataclass(frozen=True)
class TagRow:
    """A tag on the page of all. `count` is of tickets, at most `MOST_COUNTED`; `became` is what it was merged into."""

    tag: Tag
    count: int
    became: str


def tags_of(session: Session, ticket_ids: Sequence[int]) -> dict[int, list[Tag]]:
    """The tags of each of these tickets, by word."""
    found: dict[int, list[Tag]] = {}
    query = select(TicketTag.ticket_id, Tag).join(Tag, Tag.id == TicketTag.tag_id).where(TicketTag.ticket_id.in_(ticket_ids))
    for ticket_id, tag in session.execute(query.order_by(Tag.folded)) if ticket_ids else ():
        found.setdefault(ticket_id, []).append(tag)
    return found


def tags_to_choose(session: Session) -> Sequence[Tag]:
    """Those in use, by word."""
    return session.scalars(select(Tag).where(Tag.retired_at.is_(None)).order_by(Tag.folded).limit(MOST_OFFERED)).all()


def all_tags(session: Session, viewer: Viewer) -> list[TagRow]:
    """All with how many tickets have them; a case that the viewer is kept out of is not counted."""
    some = (
        select(TicketTag.id)
        .where(TicketTag.tag_id == Tag.id, untouched_by(viewer, TicketTag.ticket_id))
        .limit(MOST_COUNTED)
        .correlate(Tag)
        .subquery()
    )
    count = select(func.count()).select_from(some).scalar_subquery()
    query = select(Tag, count).order_by(Tag.retired_at.is_not(None), Tag.folded).limit(MOST_OFFERED)
    rows = session.execute(query).all()
    words = {tag.id: tag.word for tag, _ in rows}
    return [TagRow(tag, number, words.get(tag.merged_into_id or 0, "")) for tag, number in rows]
