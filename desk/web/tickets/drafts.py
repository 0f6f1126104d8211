"""The composer's draft: saved while it is written, shown in every window of its writer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.tickets import drafts
from desk.errors import Invalid
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Draft, Ticket
from desk.queries.tickets.drafts import draft_on
from desk.web.console import done
from desk.web.tickets.recipients import chip, chosen

pages = Blueprint("drafts", __name__, url_prefix="/desk/tickets/<int:number>/draft")


@pages.get("")
@needs(Right.REPLY)
def kept(number: int) -> str:
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        return render_template("tickets/_draft.html", **of_composer(ticket, draft_on(session, viewer(), ticket)))


@pages.post("")
@needs(Right.REPLY)
def keep(number: int) -> Response:
    """Save; answers with the version that the window is to name the next time."""
    form = request.form
    version = whole(form.get("draft", ""))
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        if version is None:
            raise Invalid("This draft came without its version. Load the page again.")
        agent = me(tx)
        edited = "recipients" in form
        to, cc = (chosen(ticket, field) if edited else None for field in ("to", "cc"))
        text = form.get("text", "").replace("\r\n", "\n")
        about = {"kind": form.get("kind", ""), "seen": form.get("seen", "")}
        saved = drafts.keep_draft(tx, ticket, agent, text, version=version, **about, to=to, cc=cc)
    return jsonify(version=saved)


@pages.post("/drop")
@needs(Right.REPLY)
def drop(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        drafts.drop_draft(tx, ticket, me(tx))
    return done(url_for("console.index"), toast=gettext("Draft thrown away."), stay=True)


def of_composer(ticket: Ticket, draft: Draft | None) -> dict[str, Any]:
    """The viewer's draft on this ticket, with its recipients as they may see them."""
    return {"ticket": ticket, "draft": draft, "draft_people": _people(ticket, draft)}


def _people(ticket: Ticket, draft: Draft | None) -> dict[str, list[dict[str, str]]] | None:
    if draft is None or draft.to is None or draft.cc is None:
        return None
    return {"to": [chip(ticket, each) for each in draft.to], "cc": [chip(ticket, each) for each in draft.cc]}
