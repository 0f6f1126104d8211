"""What supervisors have written to their people: what somebody has not seen yet, and what has become of each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from desk.access import Viewer
from desk.errors import NotFound
from desk.models import Agent, FloorNote

MOST_UNSEEN = 5
MOST_SHOWN = 20


def unseen_of(session: Session, agent_id: int) -> list[FloorNote]:
    """What stands on this person's screens, the earliest first."""
    query = select(FloorNote).where(FloorNote.agent_id == agent_id, FloorNote.seen_at.is_(None))
    return list(session.scalars(query.order_by(FloorNote.id).limit(MOST_UNSEEN)))


def notes_to(session: Session, agent_id: int) -> list[FloorNote]:
    """The latest ones to this person, the latest first."""
    query = select(FloorNote).where(FloorNote.agent_id == agent_id)
    return list(session.scalars(query.order_by(FloorNote.id.desc()).limit(MOST_SHOWN)))


def latest_notes(session: Session, since: datetime) -> dict[int, FloorNote]:
    """The last one to each person, if it was written since then."""
    to_them = aliased(FloorNote)
    last = select(func.max(to_them.id)).where(to_them.agent_id == Agent.id).correlate(Agent).scalar_subquery()
    query = select(FloorNote).where(FloorNote.id.in_(select(last).where(Agent.active)), FloorNote.sent_at >= since)
    return {note.agent_id: note for note in session.scalars(query)}


def own_note(session: Session, viewer: Viewer, note_id: int) -> FloorNote:
    """One that is for the viewer; raises `NotFound` otherwise."""
    note = session.get(FloorNote, note_id)
    if note is None or note.agent_id != viewer.agent_id:
        raise NotFound("There is no such message.")
    return note
