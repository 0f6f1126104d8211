"""Every request has an id, is counted by its route, and leaves a line in a JSON log."""

from __future__ import annotations

import logging
import re
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from desk import logs, traces
from desk.installation import Installation

log = logging.getLogger(__name__)

HEADER = "X-Request-Id"
ARRIVED = "desk.arrived"
A_GOOD_ID = re.compile(r"[\w.:-]{1,80}", re.ASCII)
QUIET = ("/static/", "/healthz", "/readyz", "/metrics", "/socket.io/")  # not worth a line each


def install(app: Flask, desk: Installation) -> None:
    """Before anything else looks at a request."""
    hops, clock, figures = desk.settings.trusted_proxies, desk.clock, desk.figures

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "") if hops else ""
        g.request_id = given if A_GOOD_ID.fullmatch(given) else logs.new_id()
        g.doing = logs.doing.set(g.request_id)
        g.begun = request.environ.get(ARRIVED, clock.monotonic())
        figures.turn_wait.observe(clock.monotonic() - g.begun)
        if traces.are_on():
            about = {"http.request.method": request.method, "desk.request": g.request_id}
            g.span = traces.span(request.method, about, kind="server")
            g.span.__enter__()

    @app.after_request
    def tell(response: Response) -> Response:
        if "request_id" not in g:  # refused before it had a route
            return response
        took_s = clock.monotonic() - g.begun
        route = request.url_rule.rule if request.url_rule is not None else "none"
        figures.requests.labels(request.method, route, response.status_code // 100).observe(took_s)
        response.headers[HEADER] = g.request_id
        traces.note({"http.route": route, "http.response.status_code": response.status_code})
        if not request.path.startswith(QUIET):
            about = {"method": request.method, "route": route, "status": response.status_code, "ms": round(took_s * 1000, 1)}
            log.debug("answered", extra=about)
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        span = g.pop("span", None)
        if span is not None:
            span.__exit__(None, None, None)
        before = g.pop("doing", None)
        if before is not None:
            logs.doing.reset(before)


def outermost(wsgi: Any, desk: Installation) -> Any:
    """What every request meets first.

    Address, scheme and host are taken from as many proxies of our own as there are; then the moment of arriving is noted.
    """
    hops = desk.settings.trusted_proxies

    def arrive(environ: dict[str, Any], start_response: Any) -> Any:
        environ[ARRIVED] = desk.clock.monotonic()
        return wsgi(environ, start_response)

    return ProxyFix(arrive, x_for=hops, x_proto=hops, x_host=hops) if hops else arrive
