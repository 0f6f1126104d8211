"""A forgotten password is chosen anew by a link in a mail; one's own is changed by whoever knows it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.mail import mailed_links
from desk.actions.people import agents
from desk.errors import Invalid, NotFound
from desk.events import SYSTEM
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs, public, signed
from desk.http.problems import say
from desk.models import Agent
from desk.models.mailed_link import PASSWORD
from desk.passwords import check_password, hash_password
from desk.web.public.rate import limit

pages = Blueprint("passwords", __name__)
LONGEST = 200  # characters: hashing is slow on purpose


@pages.get("/login/forgot")
@public
def forgotten() -> str:
    return render_template("sign_in/forgotten.html", sent=False, email=request.args.get("email", "")[:254])


@pages.post("/login/forgot")
@public
def send_link() -> str:
    """The same answer whether or not anybody has this address."""
    limit("password link", "20 per hour")
    email = request.form.get("email", "").strip()[:254]
    if email:
        with writing(SYSTEM) as tx:
            mailed_links.mail_password_link(tx, email)
    return render_template("sign_in/forgotten.html", sent=bool(email), email=email)


@pages.get("/login/new/<key>")
@signed
def new(key: str) -> str | tuple[str, int]:
    """Looking at the link does not use it up: programs that check mails look at links, too."""
    try:
        with reading() as found:
            mailed_links.good_link(found, PASSWORD, key, installation().clock.now())
    except NotFound as gone:
        return render_template("sign_in/forgotten.html", sent=False, email="", gone=say(gone)), 404
    return render_template("sign_in/new_password.html", errors={})


@pages.post("/login/new/<key>")
@signed
def choose(key: str) -> Response | str | tuple[str, int]:
    limit("new password", "30 per hour")
    try:
        with reading() as found:
            mailed_links.good_link(found, PASSWORD, key, installation().clock.now())
        errors = _wrong()
        if errors:
            return render_template("sign_in/new_password.html", errors=errors), 422
        hashed = hash_password(request.form["password"])  # slow, and so not while others wait to write
        with writing(SYSTEM) as tx:
            mailed_links.choose_password(tx, key, hashed)
    except NotFound as gone:
        return render_template("sign_in/forgotten.html", sent=False, email="", gone=say(gone)), 404
    session.clear()
    flash(gettext("Your new password holds. Please sign in with it."), "good")
    return redirect(url_for("sign_in.form"), 303)


@pages.get("/desk/password")
@needs(Right.SIGNED_IN)
def own() -> str:
    return render_template("sign_in/own_password.html", errors={})


@pages.post("/desk/password")
@needs(Right.SIGNED_IN)
def change_own() -> Response | tuple[str, int]:
    """Ends every session, this one too: whoever else is signed in as this person is out."""
    limit("own password", "10 per 10 minutes", who=f"agent {viewer().agent_id}")
    errors = _wrong()
    with reading() as found:
        kept = found.get_one(Agent, viewer().agent_id).password_hash
    if not check_password(request.form.get("current", "")[:LONGEST], kept):
        errors = {"current": gettext("This is not your password."), **errors}
    if errors:
        return render_template("sign_in/own_password.html", errors=errors), 422
    hashed = hash_password(request.form["password"])
    with writing() as tx:
        mailed_links.set_password(tx, me(tx), hashed)
    session.clear()
    flash(gettext("Your new password holds. Please sign in with it."), "good")
    return redirect(url_for("sign_in.form"), 303)


def _wrong() -> dict[str, str]:
    password, again = request.form.get("password", ""), request.form.get("again", "")
    try:
        agents.check_password(password)
    except Invalid as wrong:
        return {"password": say(wrong)}
    if len(password) > LONGEST:
        return {"password": gettext("A password has at most %(count)s characters.", count=LONGEST)}
    return {} if password == again else {"again": gettext("This is not the same as above.")}
