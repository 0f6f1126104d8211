"""“Write to us” on our site: for whoever has no mail program at hand; answers are offered while they write."""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from channels.form import MAX_LINE, MAX_TEXT, enquiry
from desk.actions import intake
from desk.actions.people import customers
from desk.errors import Invalid
from desk.events import Actor
from desk.http.context import keep_uploads, writing
from desk.http.guard import public
from desk.http.problems import say
from desk.web.public.help_centre import note_asked_all_the_same
from desk.web.public.rate import limit
from desk.web.public.reader import language

pages = Blueprint("help_centre_form", __name__)
TRAP = "website"  # a field that people do not see and programs fill in
FIELDS = ("token", "name", "email", "text")


@pages.get("/write")
@public
def new() -> str:
    return _page({"token": secrets.token_urlsafe(16)}, {})


@pages.post("/write")
@public
def send() -> Response | tuple[str, int]:
    """Sent twice, it is one ticket: the token names this filling of the form."""
    limit("write", "20 per 10 minutes")
    form = {name: request.form.get(name, "").strip() for name in FIELDS}
    if len(form["token"]) < 16:
        raise Invalid("This form is incomplete. Load the page again and send it once more.")
    errors = _errors(form)
    if errors:
        return _page(form, errors), 422
    try:
        files = keep_uploads()
    except Invalid as wrong:
        return _page(form, {"files": say(wrong)}), wrong.status
    note_asked_all_the_same()
    said = enquiry(form, language())
    with writing(Actor("customer", None, said.sender.name or "visitor")) as tx:
        received = intake.receive(tx, said, files)
        session["wrote"] = [received.ticket.number, said.sender.value]
    return redirect(url_for("help_centre_form.sent"), 303)


@pages.get("/write/sent")
@public
def sent() -> str | Response:
    """The number, for whoever has just written."""
    number, address = session.get("wrote") or (None, "")
    if number is None:
        return redirect(url_for("help_centre_form.new"), 303)
    return render_template("help_centre/written.html", number=number, address=address)


def _errors(form: dict[str, str]) -> dict[str, str]:
    errors = {}
    if not form["text"]:
        errors["text"] = gettext("Please write something.")
    elif len(form["text"]) > MAX_TEXT:
        errors["text"] = gettext("This text is too long; please attach it as a file.")
    if len(form["name"]) > MAX_LINE:
        errors["name"] = gettext("This is too long; 200 characters are enough.")
    try:
        customers.normal("email", form["email"])
    except Invalid:
        errors["email"] = gettext("This is no e-mail address. It should look like name@example.com.")
    if request.form.get(TRAP):
        errors[TRAP] = gettext("Please leave this field empty.")
    return errors


def _page(form: dict[str, str], errors: dict[str, str]) -> str:
    return render_template("help_centre/write.html", form=form, errors=errors, trap=TRAP)
