"""Colleagues to be named in a note, and having looked at where one was named."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.tickets import following, mentions
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.queries.tickets.mentions import colleagues
from desk.web.console import done

pages = Blueprint("mentions", __name__, url_prefix="/desk/tickets/<int:number>")


@pages.get("/colleagues")
@needs(Right.REPLY)
def people(number: int) -> str:
    """What stands below the @ of a note."""
    with reading() as session:
        access_ticket(session, viewer(), number)
        return render_template("tickets/_colleagues.html", people=colleagues(session, viewer()))


@pages.post("/looked")
@needs(Right.REPLY)
def looked(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        mentions.look(tx, ticket, me(tx))
        following.look(tx, ticket, me(tx))
    return done(url_for("tickets.one", number=number), stay=True)
