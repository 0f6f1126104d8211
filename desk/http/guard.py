"""Every route says who may use it; what says nothing is refused, and a test reads the lists.

`@public` is for everybody, `@signed` for whoever brings a proof (a secret address, a signature), `@needs(Right.…)` for staff.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, g, redirect, request, url_for
from werkzeug.wrappers import Response

from desk.access import Right
from desk.errors import NotAllowed, NotSignedIn

View = TypeVar("View", bound=Callable[..., Any])
GUARD = "_guard"


def needs(right: Right) -> Callable[[View], View]:
    """Only for signed-in staff with this right."""
    return lambda view: _mark(view, right)


def public(view: View) -> View:
    """For everybody. A test holds the list of these against the one in the tests."""
    return _mark(view, "public")


def signed(view: View) -> View:
    """For whoever brings a proof that the view itself checks first: a webhook's signature, the secret key of a status page."""
    return _mark(view, "signed")


def guard_of(view: Any) -> Right | str | None:
    """What the view asks for; None when it says nothing."""
    return getattr(view, GUARD, None)


def install(app: Flask) -> None:
    """Check every request before its view runs. `g.viewer` has been set by the session before."""

    @app.before_request
    def check() -> Response | None:
        if request.endpoint is None:
            return None  # no such route: 404 follows
        guard = guard_of(app.view_functions[request.endpoint])
        if guard in ("public", "signed") or request.endpoint == "static":
            return None
        if guard is None:
            raise NotAllowed("This page is not open to anyone yet.")
        if g.viewer is None:
            if request.path.startswith("/api/"):
                raise NotSignedIn("Send a valid token: “Authorization: Bearer …”.")
            if request.headers.get("X-Fragment") or request.headers.get("HX-Request") or request.method != "GET":
                raise NotSignedIn("Your session has ended. Please sign in again.")
            return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")))
        g.viewer.require(guard)
        return None


def _mark(view: View, guard: Right | str) -> View:
    setattr(view, GUARD, guard)
    return view
