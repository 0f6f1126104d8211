"""The log: text for a person at a terminal, or one JSON object a line, each with the id of what it was written for.

The id is a request's, from the door on: a proxy's `X-Request-Id` or our own, given back with the answer. What a request has
committed is logged by the ids of its events, and whoever tells a screen of them names the same.
"""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

doing: ContextVar[str] = ContextVar("doing", default="")  # the id of the request that this thread or greenlet works for

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
TRACES = ("desk.figures", "desk.http.watch", "desk.live.staff")  # tie a request to its commits and to the screens told of them
NOISY = ("werkzeug", "alembic", "engineio", "socketio", "mail.log")
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "request", "taskName"}


def new_id() -> str:
    """An id for what came without one."""
    return secrets.token_hex(8)


def set_up(*, as_json: bool) -> None:
    """Write what is worth telling to the error stream."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(FORM))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for tracing in TRACES if as_json else ():
        logging.getLogger(tracing).setLevel(logging.DEBUG)


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `message`, `request`, `fault`, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = doing.get()
        if request:
            line["request"] = request
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        line |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        return orjson.dumps(line, default=str).decode()
