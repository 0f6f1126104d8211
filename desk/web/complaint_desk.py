"""The complaint officers' list: every complaint that the viewer may read, the earliest promise first."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from desk.access import Right
from desk.http.context import installation, reading, viewer
from desk.http.guard import needs
from desk.queries.complaints import STATES, complaint_counts, complaint_list
from desk.queries.surveys import open_follow_ups
from desk.web import words
from desk.web.console import frame, small

pages = Blueprint("complaint_desk", __name__)
PAGE = 50


@pages.get("/desk/complaints")
@needs(Right.READ_COMPLAINTS)
def index() -> str:
    with reading() as session:
        return render_template("console/complaints.html", **frame(session), **_list(session))


@pages.get("/desk/complaints/rows")
@needs(Right.READ_COMPLAINTS)
def rows() -> str:
    with reading() as session:
        return render_template("console/_complaints.html", words=words.everything(), **_list(session))


def _list(session: Session) -> dict[str, Any]:
    now = installation().clock.now()
    state = request.args.get("state", "open")
    state = state if state in STATES else "open"
    page = min(max(request.args.get("page", 1, type=small), 1), 1000)
    found = complaint_list(session, viewer(), now=now, state=state, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return {
        "rows": found[:PAGE],
        "state": state,
        "page": page,
        "has_more": len(found) > PAGE,
        "counts": complaint_counts(session, viewer(), now=now),
        "to_ask": open_follow_ups(session, viewer()) if state == "open" else [],
    }
