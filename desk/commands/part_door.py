"""A small door for machines at a process without pages: `/healthz`, `/readyz` and `/metrics` of a worker, a router or `smtp`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from desk.errors import Conflict
from desk.http.exposition import CONTENT_TYPE, exposition, forwarded, may_ask
from desk.installation import Installation


def open_door(desk: Installation, health: Callable[[], Mapping[str, bool]]) -> BaseWSGIServer | None:
    """Answer on the port that is set, if one is, until `shutdown`. Raises `Conflict` when it is taken."""
    settings = desk.settings
    if not settings.metrics_port:
        return None
    try:
        server = make_server(settings.http_host, settings.metrics_port, _answers(desk, health), threaded=True)
    except (OSError, SystemExit) as error:
        raise Conflict(
            "The figures cannot be served on %(host)s:%(port)s: the port is taken. Set DESK_METRICS_PORT to a free one.",
            host=settings.http_host,
            port=settings.metrics_port,
        ) from error
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="figures", daemon=True).start()
    return server


def _answers(desk: Installation, health: Callable[[], Mapping[str, bool]]) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return _answer(desk, health, Request(environ))(environ, start_response)

    return answer


def _answer(desk: Installation, health: Callable[[], Mapping[str, bool]], asked: Request) -> Response:
    if asked.path == "/healthz":
        return _json({"status": "ok"}, 200)
    if asked.path == "/readyz":
        parts = dict(health())
        good = all(parts.values())
        return _json({"status": "ready" if good else "not ready", "parts": parts}, 200 if good else 503)
    if asked.path != "/metrics":
        return _json({"status": "not found"}, 404)
    said = asked.headers.get("Authorization", "")
    if not may_ask(desk.settings.metrics_token, said, asked.remote_addr or "", forwarded=forwarded(asked.headers)):
        return _json({"status": "not allowed"}, 403)
    return Response(exposition(desk, health()), content_type=CONTENT_TYPE)


def _json(what: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(what), status, content_type="application/json")
