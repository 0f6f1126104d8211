"""`serve`: everything in one process, or only some of its parts; `worker`, `smtp` and `router` run one part each."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from argparse import Namespace
from dataclasses import replace
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from channels.voice.simulated.carrier import SimulatedCarrier
from desk import logs, rubbish
from desk.app import create_app, install, prepare
from desk.commands.part_door import open_door
from desk.config import JSON, Settings
from desk.demo import seed
from desk.errors import Conflict
from desk.installation import Installation
from desk.limits import work_limits
from desk.migrate import is_current
from desk.work.background import ALL, Background

log = logging.getLogger(__name__)

SHORT_TURN_S = 0.0002


def add(commands: Any) -> None:
    parser = commands.add_parser("serve", help="start the desk: web, sockets, mail, router and worker in one process")
    parser.add_argument("--demo", action="store_true", help="fill an empty desk with a demo company and open the try page")
    parser.set_defaults(run=run)
    for name, what in (("worker", "send mail, run timers, keep the index"), ("smtp", "receive mail"), ("router", "offer work")):
        part = commands.add_parser(name, help=f"only {what}")
        part.set_defaults(run=run_part, roles=frozenset({name}))


def run(chosen: Namespace) -> int:
    settings = Settings.from_env()
    logs.set_up(as_json=settings.log == JSON)
    desk = install(replace(settings, demo=True) if chosen.demo else settings, limits=work_limits(settings))
    prepare(desk)
    if chosen.demo:
        seed.ensure_demo(desk)
    app, _socketio = create_app(desk)
    take_short_turns()
    background = Background(desk)
    app.extensions["background"] = background
    stop = _stop_on_signal()
    server = _bind(settings, app)
    if isinstance(desk.carrier, SimulatedCarrier):
        desk.carrier.start()
    try:
        background.start()
    except OSError as error:
        server.server_close()
        raise Conflict(
            "Mail cannot be received on %(host)s:%(port)s: %(reason)s. Set DESK_SMTP_PORT to a free port.",
            host=settings.smtp_host,
            port=settings.smtp_port,
            reason=error.strerror,
        ) from error
    together = app.extensions["together"]
    if together is not None:
        together.start()
    web = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    web.start()
    _greet(desk, background)
    _wait_for(stop)
    print("\nStopping: finishing what is under way …", flush=True)
    app.extensions["staff"].close()
    if together is not None:
        together.close()
    background.stop()
    if isinstance(desk.carrier, SimulatedCarrier):
        desk.carrier.stop()
    server.shutdown()
    desk.knowledge.close()
    desk.store.engine.dispose()
    print("Stopped.", flush=True)
    return 0


def take_short_turns() -> None:
    """Let threads that compute give way sooner: each of a webhook's statements waits for such a turn after it has run."""
    sys.setswitchinterval(SHORT_TURN_S)
    rubbish.seldom()


def run_part(chosen: Namespace) -> int:
    """One part in a process of its own, on a database that `migrate` has prepared."""
    settings = Settings.from_env()
    logs.set_up(as_json=settings.log == JSON)
    desk = install(settings, limits=work_limits(settings))
    if not is_current(desk.store.engine):
        raise Conflict("The database has not the shape of this version. Run “python -m desk migrate” first.")
    background = Background(desk, chosen.roles & ALL)
    stop = _stop_on_signal()
    door = open_door(desk, background.health)
    rubbish.seldom()
    background.start()
    _wait_for(stop)
    if door is not None:
        door.shutdown()
    background.stop()
    return 0


class Requests(WSGIRequestHandler):
    """Keeps connections open between requests and leaves the access log to a proxy."""

    protocol_version = "HTTP/1.1"
    # Without this the second packet of an answer waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.debug("%s %s", self.requestline, code)


def _bind(settings: Settings, app: Any) -> BaseWSGIServer:
    try:
        server = make_server(settings.http_host, settings.http_port, app, threaded=True, request_handler=Requests)
    except (OSError, SystemExit) as error:
        raise Conflict(
            "The web pages cannot be served on %(host)s:%(port)s: the port is taken. Set DESK_HTTP_PORT to a free one.",
            host=settings.http_host,
            port=settings.http_port,
        ) from error
    server.daemon_threads = True
    return server


def _stop_on_signal() -> threading.Event:
    """Ctrl-C and a service manager's stop; set by hand, since a shell starts background jobs with Ctrl-C ignored."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _wait_for(stop: threading.Event) -> None:
    """Wakes each second: of a signal that the system gave to another thread this one hears only then."""
    while not stop.wait(1.0):
        pass


def _greet(desk: Installation, background: Background) -> None:
    settings = desk.settings
    port = background.mail.port if background.mail else settings.smtp_port
    lines = [
        "",
        f"The desk is ready:   {settings.base_url}/",
        f"  agent console      {settings.base_url}/desk",
        f"  supervisor board   {settings.base_url}/board",
        f"  complaint form     {settings.base_url}/complaints/new",
        f"  mail (SMTP)        {settings.mail_from} at {settings.smtp_host}:{port}",
    ]
    if settings.demo:
        lines += [f"  try everything     {settings.base_url}/try", "", "Demo logins (password for all: " + seed.PASSWORD + ")"]
        lines += [f"  {email:<28} {what}" for email, what in seed.logins()]
    lines += ["", "Ctrl-C stops it.", ""]
    print("\n".join(lines), flush=True)
