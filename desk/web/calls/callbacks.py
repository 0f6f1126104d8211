"""What we have promised on the phone: calls to be made, how they went, how many promises were kept, and messages left for us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import callback_outcomes
from desk.errors import Conflict
from desk.http.context import installation, reading, viewer, writing
from desk.http.guard import needs
from desk.queries.calls.callbacks import access_callback, kept_promises, open_promises, past_promises, voicemails
from desk.web import words
from desk.web.calls import callback_words
from desk.web.console import done

pages = Blueprint("callbacks", __name__)
PAST = timedelta(days=30)


@pages.get("/desk/callbacks")
@needs(Right.READ_TICKETS)
def all_of_them() -> str:
    with reading() as session:
        return render_template("voice/callbacks.html", **_lists(session))


@pages.get("/desk/callbacks/rows")
@needs(Right.READ_TICKETS)
def rows() -> str:
    with reading() as session:
        return render_template("voice/_callbacks.html", **_lists(session))


@pages.post("/desk/callbacks/<int:callback_id>/withdraw")
@needs(Right.TAKE_WORK)
def withdraw(callback_id: int) -> Response:
    """The customer does not want the call any more, or was reached in another way."""
    with writing() as tx:
        if not callback_outcomes.withdraw(tx, access_callback(tx.session, viewer(), callback_id)):
            raise Conflict("Somebody is calling this number just now.")
    return done(url_for("callbacks.all_of_them"), toast=gettext("Taken off the list."), stay=True)


@pages.post("/desk/callbacks/<int:callback_id>/again")
@needs(Right.TAKE_WORK)
def again(callback_id: int) -> Response:
    """The customer is to be rung once more."""
    with writing() as tx:
        callback_outcomes.try_again(tx, access_callback(tx.session, viewer(), callback_id))
    return done(url_for("callbacks.all_of_them"), toast=gettext("The customer is called again."), stay=True)


def _lists(session: Session) -> dict[str, Any]:
    now = installation().clock.now()
    return {
        "open": open_promises(session, viewer()),
        "past": past_promises(session, viewer(), now - PAST),
        "messages": voicemails(session, viewer()),
        "kept": kept_promises(session, now - PAST, now),
        "now": now,
        "said": callback_words,
        "words": words.everything(),
    }
