"""Canned replies and macros on a ticket: the list below the slash, running a macro that writes nothing, taking its steps back."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.tickets import canned, tickets
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Setting
from desk.queries.tickets.canned import offered_on
from desk.web import words
from desk.web.console import done

pages = Blueprint("canned_use", __name__, url_prefix="/desk/tickets/<int:number>")


@pages.get("/canned")
@needs(Right.REPLY)
def offered(number: int) -> str:
    """What can be inserted, filled in for this ticket."""
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        company = session.get(Setting, "company")
        found = offered_on(session, viewer(), ticket, company.value if company else {})
        return render_template("tickets/_canned.html", offered=found, words=words.everything(), first=ticket.locale)


@pages.post("/macros/<int:canned_id>")
@needs(Right.REPLY)
def run(number: int, canned_id: int) -> Response:
    """A macro without a text: its steps are taken at once."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        macro = canned.canned_for(tx, viewer(), canned_id)
        canned.take_steps(tx, ticket, me(tx), macro.name, macro.steps)
        if "then" in macro.steps:
            tickets.set_pending(tx, ticket, macro.steps["then"])
    return done(url_for("tickets.one", number=number), toast=gettext("Done: %(name)s", name=macro.name), stay=True)


@pages.post("/macros/undo/<int:event_id>")
@needs(Right.REPLY)
def undo(number: int, event_id: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        canned.undo_steps(tx, ticket, me(tx), event_id)
    return done(url_for("tickets.one", number=number), toast=gettext("Taken back."), stay=True)
