"""Whether the desk is up, and whether it is ready for work: for machines, without secrets."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from desk.errors import DeskError, NotAllowed
from desk.http.context import installation, reading
from desk.http.exposition import CONTENT_TYPE, exposition, forwarded, may_ask
from desk.http.guard import public, signed
from desk.migrate import is_current
from desk.queries.calls.carrier_state import carrier_state

pages = Blueprint("health", __name__)


@pages.get("/healthz")
@public
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    """The database has the right shape and every part of this process does its work; 503 with the names of what does not.

    A process that is about to end says so (`leaving`) before it stops to serve.

    A telephone carrier that does not answer is named too, and makes nothing unready: another process would not reach it either.
    """
    desk = installation()
    try:
        state = {"database": is_current(desk.store.engine)}
        with reading() as session:
            carrier = "answers" if carrier_state(session).is_there else "does not answer"
    except (DeskError, SQLAlchemyError):
        state, carrier = {"database": False}, "unknown"
    background = current_app.extensions.get("background")
    if background is not None:
        state |= background.health()
    if current_app.extensions.get("leaving"):
        state["leaving"] = False
    good = all(state.values())
    return jsonify(status="ready" if good else "not ready", parts=state, carrier=carrier), 200 if good else 503


@pages.get("/metrics")
@signed
def metrics() -> Response:
    """Figures for Prometheus: for whoever has the token, or for this machine where none is set."""
    desk, asking = installation(), request.headers
    address = request.remote_addr or ""
    through = not desk.settings.trusted_proxies and forwarded(asking)
    if not may_ask(desk.settings.metrics_token, asking.get("Authorization", ""), address, forwarded=through):
        raise NotAllowed("These figures are for the machine that watches over the desk.")
    background = current_app.extensions.get("background")
    return Response(exposition(desk, background.health() if background is not None else {}), content_type=CONTENT_TYPE)
