"""The complaint officers' list: every complaint that the viewer may read, the earliest promise first."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket, visible_tickets
from desk.actions.complaints import alarms, complaints, reminders
from desk.http.context import installation, me, reading, reckoning, viewer, writing
from desk.http.figure_scope import after
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Complaint, ComplaintPolicy, Ticket
from desk.models.complaint import number_in
from desk.queries.complaints.complaints import STATES, complaint_counts
from desk.queries.complaints.desk_list import COLOURS, NOBODY, Narrowed, by_number, cursor_of, desk_list
from desk.queries.complaints.register import HEADINGS, register
from desk.queries.surveys.surveys import open_follow_ups
from desk.web import words
from desk.web.complaints import figures, learning, mass_events, papers, survey_pages
from desk.web.console import done, frame, small
from desk.web.workbooks import XLSX, workbook

pages = Blueprint("complaint_desk", __name__)
pages.register_blueprint(learning.pages)
pages.register_blueprint(figures.pages)
pages.register_blueprint(survey_pages.pages)
pages.register_blueprint(mass_events.pages)
pages.register_blueprint(papers.pages)
PAGE = 50
MOST_AT_ONCE = 200


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
    """The register of a year as a table that everything reads."""
    year, lines = _taken(), io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(HEADINGS)
    with reckoning() as session:
        writer.writerows(register(session, viewer(), *_year(year)))
    # The mark in front is by which spreadsheets know UTF-8.
    return _file("\ufeff" + lines.getvalue(), "text/csv; charset=utf-8", f"complaints-{year}.csv")


@pages.get("/desk/complaints/register.xlsx")
@needs(Right.HANDLE_COMPLAINT)
def register_xlsx() -> Response:
    """The same as a workbook."""
    year = _taken()
    with reckoning() as session:
        made = workbook(str(year), HEADINGS, register(session, viewer(), *_year(year)))
    return _file(made, XLSX, f"complaints-{year}.xlsx")


@pages.post("/desk/complaints/remind")
@needs(Right.READ_COMPLAINTS)
def remind() -> Response:
    """Those who handle the chosen cases are told, each once a day."""
    numbers = [number for number in map(whole, request.form.getlist("case")) if number is not None][:MOST_AT_ONCE]
    with writing() as tx:
        chosen = select(Complaint).join(Ticket, Ticket.id == Complaint.ticket_id)
        cases = tx.session.scalars(chosen.where(Ticket.number.in_(numbers), visible_tickets(viewer()))).all()
        found = reminders.remind(tx, cases, me(tx))
    told = gettext(
        "Reminded: %(told)s. Told today already: %(before)s. Not open, or with nobody: %(nobody)s.",
        told=found.told,
        before=found.before,
        nobody=found.nobody,
    )
    return done(url_for("complaint_desk.index"), toast=told, stay=True)


@pages.post("/desk/complaints/<int:number>/noticed")
@needs(Right.READ_COMPLAINTS)
def notice_seen(number: int) -> Response:
    """What they were told of the case's clocks is seen."""
    with writing() as tx:
        complaint = complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))
        alarms.see(tx, complaint, me(tx))
    return done(url_for("console.index"), stay=True)


def _taken() -> int:
    """The year that is asked for, the running one unless `year` says another. That somebody took its register is recorded."""
    now = installation().clock.now()
    year = min(max(request.args.get("year", now.year, type=small), 2000), 2999)
    with writing() as tx:
        tx.emit("complaint.register_exported", data={"year": year})
    return year


def _year(year: int) -> tuple[datetime, datetime]:
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def _file(content: str | bytes, kind: str, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _list(session: Session) -> dict[str, Any]:
    now, args = installation().clock.now(), request.args
    handler = args.get("handler", "")
    narrowed = Narrowed(
        state=args.get("state", "open") if args.get("state") in STATES else "open",
        colour=args.get("colour", "") if args.get("colour") in COLOURS else "",
        severity=args.get("severity", type=small),
        policy=args.get("policy", "")[:40],
        category=args.get("category", "")[:40],
        handler=str(viewer().agent_id) if handler == "me" else NOBODY if handler == NOBODY else "",
        after=after(),
    )
    number = number_in(args.get("q", ""))
    if number is not None:
        found = by_number(session, viewer(), number, now)
    else:
        found = desk_list(session, viewer(), narrowed, now, PAGE + 1)
    more = cursor_of(found[PAGE - 1], narrowed.state) if len(found) > PAGE else ""
    asked = {name: args[name] for name in ("state", "colour", "severity", "policy", "category", "handler") if args.get(name)}
    return {
        "rows": found[:PAGE],
        "state": narrowed.state,
        "asked": asked,
        "sought": args.get("q", "").strip()[:20],
        "more": more,
        "is_first": narrowed.after is None,
        "counts": complaint_counts(session, viewer(), now=now),
        "policies": list(session.scalars(select(ComplaintPolicy.code).distinct().order_by(ComplaintPolicy.code))),
        "to_ask": open_follow_ups(session, viewer()) if narrowed.state == "open" and not asked and number is None else [],
    }
