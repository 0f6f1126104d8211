"""Lists of cases whose time is over: made by one person, confirmed by another, then worked off."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.complaints import disposal as complaint_disposal
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.queries.complaints.keeping import disposals, lines_of, one_disposal
from desk.web import words
from desk.web.console import done, frame, small

pages = Blueprint("complaint_disposals", __name__, url_prefix="/desk/complaints/disposals")


@pages.get("")
@needs(Right.READ_COMPLAINTS)
def index() -> str:
    with reading() as session:
        lists = [(each, lines_of(session, viewer(), each)) for each in disposals(session)]
        return render_template("complaints/disposals.html", **frame(session), lists=lists, terms=words.everything())


@pages.post("")
@needs(Right.HANDLE_COMPLAINT)
def make() -> Response:
    with writing() as tx:
        complaint_disposal.list_due(tx, me(tx))
    return done(url_for("complaint_disposals.index"), toast=gettext("Listed. Another person has to confirm it."))


@pages.post("/<int:disposal_id>/<any(confirm, drop, leave_out):act>")
@needs(Right.READ_COMPLAINTS)
def judge(disposal_id: int, act: str) -> Response:
    """Who may, the action knows."""
    with writing() as tx:
        disposal, who = one_disposal(tx.session, disposal_id), me(tx)
        if act == "confirm":
            complaint_disposal.confirm(tx, disposal, who)
        elif act == "drop":
            complaint_disposal.drop(tx, disposal, who)
        else:
            case = request.form.get("case", 0, type=small)
            complaint_disposal.leave_out(tx, disposal, who, case, request.form.get("reason", ""))
    return done(url_for("complaint_disposals.index"), toast=gettext("Recorded."))
