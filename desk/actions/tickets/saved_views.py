"""Keeping lists of tickets under a name: everybody their own, and for one's team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from desk.access import Right, Viewer
from desk.errors import Conflict, Invalid, NotAllowed, NotFound
from desk.models import SavedView
from desk.queries.tickets.saved_views import usable_by
from desk.sentences import N_
from desk.store import Tx

LONGEST_NAME = 60
MOST_OWN = 30


def save_view(
    tx: Tx,
    viewer: Viewer,
    view: SavedView | None,
    *,
    name: str,
    shared: bool,
    filters: Mapping[str, Any],
    columns: Sequence[str],
    sort: str,
) -> SavedView:
    """A new one, or another shape of one's own. Raises `Invalid` without a name, `Conflict` for too many."""
    assert viewer.agent_id is not None
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        wrong = N_("Give it a name of at most 60 characters.")
        raise Invalid(wrong, {"name": wrong})
    if shared and viewer.team_id is None:
        raise Invalid("You belong to no team.")
    what = "view.changed"
    if view is None:
        count = select(func.count()).select_from(SavedView).where(SavedView.owner_id == viewer.agent_id)
        if (tx.session.scalar(count) or 0) >= MOST_OWN:
            raise Conflict("You have 30 views already. Remove some first.")
        view, what = SavedView(owner_id=viewer.agent_id), "view.added"
        tx.session.add(view)
    view.name, view.team_id = name, viewer.team_id if shared else None
    view.filters, view.columns, view.sort = dict(filters), list(columns), sort
    view.changed_at = tx.now
    tx.emit(what, agent=viewer.agent_id, data={"name": name, "shared": shared})
    return view


def remove_view(tx: Tx, view: SavedView) -> None:
    """Nobody finds it any more."""
    tx.emit("view.removed", agent=view.owner_id, data={"name": view.name})
    tx.session.delete(view)


def own_view(tx: Tx, viewer: Viewer, view_id: int) -> SavedView:
    """One that the viewer may change: their own, for supervisors their team's. Raises `NotFound`, or `NotAllowed` for others'."""
    view = tx.session.scalar(select(SavedView).where(SavedView.id == view_id, usable_by(viewer)))
    if view is None:
        raise NotFound("There is no such view.")
    if view.owner_id != viewer.agent_id and not viewer.can(Right.SUPERVISE):
        raise NotAllowed("This view is changed by whoever made it.")
    return view
