"""A provider of access tokens on this machine: gives them for a refresh token, and tells a mail server whose they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REFRESH = "refresh-token-3"


class Provider:
    """`given` are the tokens in order; only those in `good` are worth anything. `stillborn` are given but were never good."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.given: list[str] = []
        self.good: dict[str, str] = {}
        self.stillborn = 0
        self.user = ""

    def give(self, form: dict[str, list[str]]) -> tuple[int, dict[str, object]]:
        if form.get("grant_type") != ["refresh_token"] or form.get("refresh_token") != [REFRESH]:
            return 400, {"error": "invalid_grant", "error_description": "this consent was withdrawn"}
        token = f"access-{len(self.given)}"
        self.given.append(token)
        if self.stillborn:
            self.stillborn -= 1
        else:
            self.good[token] = self.user
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def who(self, token: str) -> tuple[int, dict[str, object]]:
        if token not in self.good:
            return 401, {"error": "invalid_token"}
        return 200, {"active": "yes", "email": self.good[token]}


@contextmanager
def running_provider() -> Iterator[Provider]:
    """It listens from here on, so that a mail server can be told its address."""

    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._say(*provider.give(form))

        def do_GET(self) -> None:
            self._say(*provider.who(parse_qs(urlsplit(self.path).query).get("token", [""])[0]))

        def _say(self, status: int, told: dict[str, object]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
