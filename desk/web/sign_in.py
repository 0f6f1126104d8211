"""Signing in and out, and the choice of language."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Flask, g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from desk.access import Right, viewer_of
from desk.actions.people import sessions
from desk.config import LOCALES
from desk.errors import Invalid, NotAllowed, TooMany
from desk.events import SYSTEM
from desk.http.context import installation, me, reading, writing
from desk.http.guard import needs, public

pages = Blueprint("sign_in", __name__)


def install(app: Flask) -> None:
    """Find out who is asking, before the guard checks whether they may."""

    @app.before_request
    def load_viewer() -> None:
        g.viewer, g.own_keys, g.single_keys = None, {}, True
        token = session.get("token")
        if not token or request.endpoint == "static":
            return
        desk = installation()
        with desk.store.read() as reading:
            agent = sessions.signed_in(reading, token, desk.clock.now())
        if agent is None:
            session.pop("token", None)
        else:
            g.viewer, g.own_keys, g.single_keys = viewer_of(agent), agent.own_keys, agent.single_keys


@pages.get("/login")
@public
def form() -> Response | str:
    if g.viewer is not None:
        return redirect(_home())
    return render_template("sign_in/form.html", next=request.args.get("next", ""), email="", error=None)


@pages.post("/login")
@public
def sign_in() -> Response | tuple[str, int]:
    email = request.form.get("email", "")
    password, address = request.form.get("password", ""), request.remote_addr or ""
    with reading() as looked:
        proved = sessions.prove(looked, installation().clock.now(), email, password, address=address)
    with writing(SYSTEM) as tx:
        browser = request.headers.get("User-Agent", "")
        outcome = sessions.attempt(tx, email, password, address=address, browser=browser, proved=proved)
    if isinstance(outcome, (NotAllowed, TooMany)):
        page = render_template("sign_in/form.html", next=request.form.get("next", ""), email=email, error=outcome)
        return page, outcome.status if outcome.status == 429 else 422
    token, agent = outcome
    locale = session.get("locale")
    session.clear()  # a session from before signing in must not live on
    session["token"] = token
    session["locale"] = locale or agent.locale
    g.viewer = viewer_of(agent)
    return redirect(_safe_next(request.form.get("next", "")) or _home())


@pages.post("/logout")
@needs(Right.SIGNED_IN)
def sign_out() -> Response:
    with writing() as tx:
        sessions.sign_out(tx, session.get("token", ""))
    session.clear()
    return redirect(url_for("sign_in.form"))


@pages.post("/language")
@public
def language() -> Response:
    """Remember the language; for staff also with the person, so that it follows them."""
    locale = request.form.get("locale", "")
    if locale not in LOCALES:
        raise Invalid("This language is not available.")
    session["locale"] = locale
    if g.viewer is not None and g.viewer.agent_id is not None:
        with writing() as tx:
            me(tx).locale = locale
    return redirect(_safe_next(request.form.get("next", "") or request.referrer or "") or "/")


def _home() -> str:
    home: dict[Right, Any] = {
        Right.SUPERVISE: "/board",  # first: a supervisor may take work as well, and comes for the board
        Right.TAKE_WORK: "/desk",
        Right.WRITE_ARTICLES: "/desk/articles",
        Right.ADMINISTER: "/admin",
    }
    return next((address for right, address in home.items() if g.viewer.can(right)), "/desk/tickets")


def _safe_next(address: str) -> str:
    """Only a path on this site; anything else would send people elsewhere after they sign in."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.netloc and parts.netloc != request.host:
        return ""
    # A language in the address would win over the one just chosen.
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name != "lang"])
    path = parts.path + (f"?{query}" if query else "")
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else ""
