"""`web`: the pages and sockets alone, one of several such processes, under gunicorn on gevent; and how one begins and leaves."""

from __future__ import annotations

import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from desk import logs, rubbish
from desk.app import create_app, gevent_runs, install
from desk.config import JSON, Settings
from desk.errors import Conflict, DeskError
from desk.limits import web_limits
from desk.migrate import is_current
from desk.work.background import Background

log = logging.getLogger(__name__)

DOES_NOT_LOAD = 4  # gunicorn's own exit status: it does not try again
DEAF_S = 1.5  # by then gunicorn, which looks once a second, accepts no connection any more
SPREAD_S = 2.0  # screens are sent away over so long, so that those who go on are not all asked at once
MOST_CONNECTIONS = 5000
PATIENCE_S = 30  # for requests that are under way when this process is to end


def add(commands: Any) -> None:
    parser = commands.add_parser("web", help="only pages and sockets, one of several such processes (PostgreSQL and Redis)")
    parser.set_defaults(run=run)


def run(_chosen: Namespace) -> int:
    """Become gunicorn, with what one process of many needs."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", *words(Settings.from_env())])  # noqa: S606 - words of our own


def words(settings: Settings) -> list[str]:
    """What gunicorn is told."""
    return [
        *("gunicorn", "--worker-class", "gevent", "--workers", "1", "--worker-connections", str(MOST_CONNECTIONS)),
        *("--bind", f"{settings.http_host}:{settings.http_port}"),
        *("--graceful-timeout", str(PATIENCE_S), "--log-level", "warning"),
        "wsgi:app",
    ]


def begin() -> tuple[Flask, SocketIO]:
    """The application of a web process, following what others commit. Ends the process with a sentence when that cannot be."""
    try:
        return _begin(Settings.from_env())
    except DeskError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(DOES_NOT_LOAD)


def _begin(settings: Settings) -> tuple[Flask, SocketIO]:
    if settings.on_sqlite and gevent_runs():
        raise Conflict(
            "SQLite cannot be used under gevent: who waits for its lock stops everybody. Set DESK_DATABASE_URL to PostgreSQL, "
            "or start the desk by “python -m desk serve”."
        )
    logs.set_up(as_json=settings.log == JSON)
    desk = install(settings, limits=web_limits(settings))
    if not is_current(desk.store.engine):
        raise Conflict("The database has not the shape of this version. Run “python -m desk migrate” first.")
    app, socketio = create_app(desk)
    background = Background(desk, frozenset())
    app.extensions["background"] = background
    background.start()
    if app.extensions["together"] is not None:
        app.extensions["together"].start()
    _leave_on_signal(app, socketio)
    rubbish.seldom()
    return app, socketio


def _leave_on_signal(app: Flask, socketio: SocketIO) -> None:
    """At the service manager's stop: not ready first, then no new connections, then the screens go to another process."""
    before = signal.getsignal(signal.SIGTERM)

    def on_signal(number: int, frame: FrameType | None) -> None:
        if app.extensions.get("leaving"):
            return
        app.extensions["leaving"] = True
        # In a task of its own: a handler may run where nothing can be waited for.
        socketio.start_background_task(_leave, app, socketio, lambda: before(number, frame) if callable(before) else None)

    with suppress(ValueError):  # not in the main thread: whoever runs us there stops us in a way of their own
        signal.signal(signal.SIGTERM, on_signal)


def _leave(app: Flask, socketio: SocketIO, stop: Callable[[], None]) -> None:
    socketio.sleep(app.extensions["desk"].settings.leave_s)
    stop()
    socketio.sleep(DEAF_S)
    _send_away(app, socketio)


def _send_away(app: Flask, socketio: SocketIO) -> None:
    """Close the screens' connections; they connect again at once, to whoever listens."""
    engine = socketio.server.eio
    connections = list(engine.sockets.values())
    for connection in connections:
        with suppress(Exception):
            connection.close(wait=False)
        socketio.sleep(SPREAD_S / len(connections))
    app.extensions["staff"].close()
    if app.extensions["together"] is not None:
        app.extensions["together"].close()
