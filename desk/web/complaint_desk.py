"""The complaint officers' list: every complaint that the viewer may read, the earliest promise first."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.queries.complaint_register import HEADINGS, register
from desk.queries.complaints import STATES, complaint_counts, complaint_list
from desk.queries.surveys import open_follow_ups
from desk.web import complaint_figures, complaint_learning, survey_pages, words
from desk.web.console import frame, small

pages = Blueprint("complaint_desk", __name__)
pages.register_blueprint(complaint_learning.pages)
pages.register_blueprint(complaint_figures.pages)
pages.register_blueprint(survey_pages.pages)
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


@pages.get("/desk/complaints/register.csv")
@needs(Right.HANDLE_COMPLAINT)
def register_csv() -> Response:
    """The register of a year, of the running one unless `year` says another. That somebody took it is recorded."""
    now = installation().clock.now()
    year = min(max(request.args.get("year", now.year, type=small), 2000), 2999)
    with writing() as tx:
        tx.emit("complaint.register_exported", data={"year": year})
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(HEADINGS)
    with reading() as session:
        writer.writerows(register(session, viewer(), datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))
    response = make_response("\ufeff" + lines.getvalue())  # the mark by which spreadsheets know UTF-8
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f"attachment; filename=complaints-{year}.csv"
    return response


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
