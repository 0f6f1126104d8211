"""The measures of complaint handling for programs: each with what it is made of, and its rows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, jsonify, request
from werkzeug.wrappers import Response

from desk.access import Right
from desk.api.shapes import moment
from desk.errors import NotFound
from desk.http.context import installation, reckoning
from desk.http.figure_scope import after, chosen
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.queries.complaints.figures import FIGURES, Figure, figure, figure_rows, figures

pages = Blueprint("complaint_stats", __name__)

USUAL, MOST = 50, 200


@pages.get("/stats/complaints")
@needs(Right.READ_COMPLAINTS)
def complaint_stats() -> Response:
    scope, now = chosen(), installation().clock.now()
    with reckoning() as session:
        found = figures(session, g.viewer, scope, now)
    return jsonify(
        since=moment(scope.since), until=moment(scope.until), figures={key: _shape(each) for key, each in found.items()}
    )


@pages.get("/stats/complaints/<key>")
@needs(Right.READ_COMPLAINTS)
def complaint_stat_rows(key: str) -> Response:
    """The rows of one measure, the oldest first; `next` is what to send as `after`."""
    if key not in FIGURES:
        raise NotFound("There is no such figure.")
    scope, now = chosen(), installation().clock.now()
    limit = min(max(whole(request.args.get("limit", "")) or USUAL, 1), MOST)
    with reckoning() as session:
        told = figure(session, g.viewer, scope, now, key)
        rows = figure_rows(session, g.viewer, scope, now, key, after=after(), limit=limit + 1)
    shown = rows[:limit]
    items = [{"id": row.id, "ticket": row.number, "at": moment(row.at), "counts": row.counts, "days": row.days} for row in shown]
    last = f"{shown[-1].at.isoformat()}_{shown[-1].id}" if len(rows) > limit else None
    return jsonify(figure=_shape(told), items=items, next=last)


def _shape(told: Figure) -> dict[str, Any]:
    return {"kind": told.kind, "part": told.part, "whole": told.whole, "value": told.value, "high": told.high, "few": told.is_few}
