"""The lists of tickets that somebody has kept under a name, and how much is in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.access import Viewer
from desk.models import SavedView
from desk.queries.tickets.tickets import ticket_count

MOST_SHOWN = 12
MOST_COUNTED = 99


@dataclass(frozen=True)
class ViewRow:
    """A view with how many of its tickets the viewer may read; one more than `MOST_COUNTED` means that there are more."""

    view: SavedView
    count: int


def usable_by(viewer: Viewer) -> ColumnElement[bool]:
    """The condition that leaves the viewer's own and their team's."""
    own = SavedView.owner_id == viewer.agent_id
    return own if viewer.team_id is None else or_(own, SavedView.team_id == viewer.team_id)


def views_of(session: Session, viewer: Viewer) -> Sequence[SavedView]:
    """Own ones first, then the team's, by name."""
    order = SavedView.owner_id != viewer.agent_id, SavedView.name, SavedView.id
    return session.scalars(select(SavedView).where(usable_by(viewer)).order_by(*order).limit(MOST_SHOWN)).all()


def counted(session: Session, viewer: Viewer, views: Sequence[SavedView]) -> list[ViewRow]:
    """How many tickets each has, counted to `MOST_COUNTED` and no further."""
    return [ViewRow(view, ticket_count(session, viewer, most=MOST_COUNTED + 1, **question_of(view))) for view in views]


def question_of(view: SavedView) -> dict[str, Any]:
    """What `ticket_list` is asked for this view; what this version does not know is left out."""
    kept = view.filters
    numbers = {name: kept[name] for name in ("queue_id", "tag_id", "priority") if isinstance(kept.get(name), int)}
    words = {name: kept[name] for name in _WORDS if isinstance(kept.get(name), str)}
    return {**numbers, **words}


_WORDS = ("view", "search", "channel", "type", "impact", "urgency", "owner")
