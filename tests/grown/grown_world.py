"""A desk of many processes: two web processes under gunicorn and gevent on PostgreSQL and Redis; the rest runs in the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from desk.app import install, prepare
from desk.config import Settings
from desk.work.background import ALL, Background
from tests.live.wire import Wire
from tests.shape.source import ROOT
from tests.world import PASSWORD, PATIENCE_S, Browsing, World, free_port, settings_for

BOOT_S = 240


class Web:
    """One web process of its own."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**environment, "DESK_HTTP_PORT": str(self.port)}
        self._log = folder / f"web-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DESK_", "TWILIO_"))}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "desk", "web"],
                cwd=ROOT,
                env={**clean, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def until_ready(self) -> None:
        end = time.monotonic() + BOOT_S
        while not self.answers("/readyz"):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)

    def answers(self, path: str) -> bool:
        try:
            return requests.get(self.url + path, timeout=PATIENCE_S).status_code == 200
        except requests.ConnectionError:
            return False

    @property
    def log(self) -> str:
        return self._log.read_text()

    def tell(self, number: signal.Signals) -> None:
        """A signal to gunicorn and its worker alike, as a service manager sends it."""
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.tell(signal.SIGKILL)
            self.process.wait(PATIENCE_S)

    def browser(self, email: str) -> Browsing:
        client = Browsing(self.url)
        answer = client.post("/login", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 302, answer.text
        return client

    def screen(self, client: Browsing) -> Wire:
        """A signed-in browser's connection to this process, wherever it signed in."""
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies)
        return Wire(self.url, "/desk", headers={"Cookie": cookie})

    def window(self, token: str = "") -> Wire:
        return Wire(self.url, "/visitor", {"token": token, "locale": "en"})


class Grown(World):
    """The desk as the test sees it: it routes, works and receives in this process, and `a` and `b` serve."""

    def __init__(self, settings: Settings, webs: tuple[Web, Web]) -> None:
        desk = install(settings)
        super().__init__(desk, None, Background(desk, ALL))
        self.a, self.b = webs


@contextmanager
def grown(folder: Path, database_url: str, redis_url: str) -> Iterator[Grown]:
    """Start all of it; each process is stopped at the end, whatever became of it."""
    environment = {
        "DESK_DATABASE_URL": database_url,
        "DESK_REDIS_URL": redis_url,
        "DESK_DATA_DIR": str(folder),
        "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
    }
    settings = settings_for(folder, **environment)
    preparing = install(settings)
    prepare(preparing)
    preparing.store.engine.dispose()
    webs = Web(environment, folder), Web(environment, folder)
    world = Grown(settings, webs)
    try:
        for web in webs:
            web.start()
        world.background.start()
        for web in webs:
            web.until_ready()
        yield world
    finally:
        for web in webs:
            web.stop()
        world.background.stop()
        world.desk.knowledge.close()
        world.desk.store.engine.dispose()
