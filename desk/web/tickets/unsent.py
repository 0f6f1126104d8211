"""The bar above the composer while an answer has not left: take it back, or have it leave now."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.mail import unsent
from desk.errors import Conflict
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Ticket, UnsentReply
from desk.models.unsent import WAITING
from desk.queries.mail.unsent import macro_to_undo, unsent_on
from desk.queries.tickets.belongings import Belongings, belongings
from desk.queries.tickets.following import has_news
from desk.store import Tx
from desk.web.console import done, may_enter
from desk.web.tickets.recipients import chip

pages = Blueprint("unsent", __name__, url_prefix="/desk/tickets/<int:number>/unsent")


@pages.get("")
@needs(Right.SIGNED_IN)
def bar(number: int) -> str:
    may_enter()
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        has = belongings(session, viewer(), ticket, installation().clock.now())
        return render_template("tickets/_unsent.html", ticket=ticket, **of_bar(session, ticket, has, follows=has.followers))


def of_bar(session: Session, ticket: Ticket, has: Belongings, *, follows: bool) -> dict[str, Any]:
    """What has not left, the macro that the viewer can still take back, whether they were named, and whether there is news.

    `follows`: they may follow the ticket; who does not has no news of it.
    """
    now = installation().clock.now()
    macro = macro_to_undo(session, ticket, viewer().agent_id, now) if has.macro else None
    news = follows and has_news(session, viewer(), ticket)
    waiting = unsent_on(session, ticket) if has.unsent else []
    return {"unsent": waiting, "macro": macro, "mentioned": has.mention, "news": news}


@pages.post("/<int:unsent_id>/undo")
@needs(Right.REPLY)
def undo(number: int, unsent_id: int) -> Response:
    """The words go back into the composer, with their recipients and files."""
    with writing() as tx:
        taken = unsent.take_back(tx, _own(tx, number, unsent_id))
        taken_from = tx.session.get_one(Ticket, taken.ticket_id)
        back = {
            "text": taken.text,
            "to": [chip(taken_from, each) for each in taken.to],
            "cc": [chip(taken_from, each) for each in taken.cc],
            "files": [{"name": file["name"], "value": f"{taken.id}:{place}"} for place, file in enumerate(taken.files)],
            "macro": {name: taken.macro[name] for name in ("id", "name")} if taken.macro else None,
        }
    response = done(url_for("tickets.one", number=number), stay=True)
    response.headers["HX-Trigger"] = json.dumps({"reply:back": back})
    return response


@pages.post("/<int:unsent_id>/now")
@needs(Right.REPLY)
def now(number: int, unsent_id: int) -> Response:
    with writing() as tx:
        own = _own(tx, number, unsent_id)
        if own.state != WAITING:
            raise Conflict("This answer has left already.")
        unsent.leave_now(tx, own)
    return done(url_for("tickets.one", number=number), toast=gettext("Sent."), stay=True)


def _own(tx: Tx, number: int, unsent_id: int) -> UnsentReply:
    """The viewer's own answer, held until this is over; one that has left is no longer there."""
    ticket = access_ticket(tx.session, viewer(), number)
    query = select(UnsentReply).where(
        UnsentReply.id == unsent_id, UnsentReply.ticket_id == ticket.id, UnsentReply.agent_id == viewer().agent_id
    )
    found = tx.session.scalar(query.with_for_update())
    if found is None:
        raise Conflict("This answer has left already.")
    return found
