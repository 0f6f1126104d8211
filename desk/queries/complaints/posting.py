"""Letters on paper: those that wait to be printed and posted, and the latest that went."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from desk.access import Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import Message, PaperLetter, Ticket

MOST, LATEST = 200, 30

Line = tuple[PaperLetter, Ticket, Message]


def to_post(session: Session, viewer: Viewer) -> Sequence[Line]:
    """Those that wait, the oldest first, of tickets that the viewer may read."""
    waiting = _lines(viewer).where(PaperLetter.posted_on.is_(None)).order_by(PaperLetter.id).limit(MOST)
    return [tuple(row) for row in session.execute(waiting)]


def lately_posted(session: Session, viewer: Viewer) -> Sequence[Line]:
    """The latest letters that went, by when they were written."""
    gone = _lines(viewer).where(PaperLetter.posted_on.is_not(None)).order_by(PaperLetter.id.desc()).limit(LATEST)
    return [tuple(row) for row in session.execute(gone)]


def one_letter(session: Session, viewer: Viewer, letter_id: int) -> Line:
    """One that the viewer may read; raises `NotFound` otherwise."""
    found = session.execute(_lines(viewer).where(PaperLetter.id == letter_id)).first()
    if found is None:
        raise NotFound("There is no such letter.")
    return tuple(found)


def _lines(viewer: Viewer) -> Select[Line]:
    query = select(PaperLetter, Ticket, Message).join(Ticket, Ticket.id == PaperLetter.ticket_id)
    return query.join(Message, Message.id == PaperLetter.message_id).where(visible_tickets(viewer))
