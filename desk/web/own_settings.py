"""A person's own settings: how long an answer can be taken back, and what stands below it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.people import agents
from desk.errors import Invalid
from desk.http.context import me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Agent

pages = Blueprint("own_settings", __name__)


@pages.get("/desk/me")
@needs(Right.REPLY)
def form() -> str:
    with reading() as session:
        agent = session.get_one(Agent, viewer().agent_id)
        return _page({"undo_s": str(agent.undo_s), "signature": agent.signature}, {})


@pages.post("/desk/me")
@needs(Right.REPLY)
def save() -> Response | tuple[str, int]:
    values = {name: request.form.get(name, "") for name in ("undo_s", "signature")}
    seconds = whole(values["undo_s"].strip())
    try:
        with writing() as tx:
            agents.set_answering(tx, me(tx), seconds, values["signature"])
    except Invalid as wrong:
        return _page(values, {name: gettext(sentence) for name, sentence in wrong.fields.items()}), 422
    flash(gettext("Saved."), "good")
    return redirect(url_for("own_settings.form"), 303)


def _page(values: dict[str, str], errors: dict[str, str]) -> str:
    return render_template("console/own_settings.html", values=values, errors=errors)
