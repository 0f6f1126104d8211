"""A whole grown desk in the place of a test's own: nginx, and two of each process, on PostgreSQL and Redis.

`make test-grown` tells the stories to it. Its processes are forked from ones that have read the program before (nursery.py), and
its database is a copy of one that was prepared before, so that each story has a desk of its own that nobody has used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy.engine import URL
from werkzeug.serving import make_server

from channels.voice.port import Carrier
from channels.voice.simulated import door
from channels.voice.simulated.carrier import SimulatedCarrier
from desk.app import install, prepare
from desk.clock import Clock
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.store import Tx
from desk.work.background import Background
from tests.faults.chaos.stage import ROLES, Line, Part
from tests.grown.nursery import Nursery
from tests.services.postgres import copy_of, new_database
from tests.services.redis import empty
from tests.twilio.fake_rows import ACCOUNT
from tests.twilio.fake_twilio import KEY, SECRET, FakeTwilio, address_of
from tests.world import environment_of

CARRIER = "/carrier"  # where softphones find it


class Ground:
    """What the desks of one worker stand on, one after the other: they share the Redis."""

    def __init__(self, server: URL, redis_url: str, nursery: Nursery) -> None:
        self.redis_url, self.nursery = redis_url, nursery
        self._server = server
        self._prepared: dict[str, str] = {}
        self._of_all, self._of_one = ExitStack(), ExitStack()
        self._home: Path | None = None
        self._url = ""

    def database(self, settings: Settings) -> str:
        """The database of the desk in this folder: the one that it had when it is started again, else a new one."""
        if settings.data_dir != self._home:
            self._of_one.close()
            empty(self.redis_url)
            self._url = self._of_one.enter_context(copy_of(self._server, self._model(settings)))
            self._home = settings.data_dir
        return self._url

    def _model(self, settings: Settings) -> str:
        """A prepared one, which differs by the zone of its calendars alone."""
        if settings.timezone not in self._prepared:
            url = self._of_all.enter_context(new_database(self._server))
            desk = install(replace(settings, database_url=url))
            prepare(desk)
            desk.store.engine.dispose()
            desk.knowledge.close()
            self._prepared[settings.timezone] = url
        return self._prepared[settings.timezone]

    def close(self) -> None:
        self._of_one.close()
        self._of_all.close()
        self.nursery.close()


class Forked(Part):
    """A part that a nursery starts."""

    def __init__(self, nursery: Nursery, role: str, settings: dict[str, str], home: Path, *, demo: bool) -> None:
        super().__init__(role, Line("", "127.0.0.1", "127.0.0.1"), settings, home)
        self._nursery, self._demo = nursery, demo

    def start(self) -> None:
        self.process = self._nursery.start(self.role, self.env, self.log, demo=self._demo)


_grounds: list[Ground] = []


@contextmanager
def standing_on(server: URL, redis_url: str, folder: Path) -> Iterator[None]:
    """Where the desks of this worker keep what they know, for as long as the block lasts."""
    ground = Ground(server, redis_url, Nursery(folder))
    _grounds.append(ground)
    try:
        yield
    finally:
        _grounds.clear()
        ground.close()


@contextmanager
def instead(
    settings: Settings, clock: Clock | None, carrier: Carrier | None, roles: frozenset[str], set_up: Callable[[Tx], None]
) -> Iterator[tuple[Any, Any]]:
    """Start web processes and those of `roles`; answers the desk as this process sees it, and its doors (`mail.port`, `parts`).

    The carrier, the one given or one of its own, is in this process and spoken to as Twilio is. `set_up` comes before any other
    process starts.
    """
    told = environment_of(settings)
    assert clock is None, "Mark it `one_process`: eight processes have eight clocks."
    assert replace(settings, demo=False) == Settings.from_env(told), "Say it by the environment: other processes have no other."
    ground, home = _grounds[0], settings.data_dir
    with ExitStack() as open_now:
        env = {
            **told,
            "DESK_DATABASE_URL": ground.database(settings),
            "DESK_REDIS_URL": ground.redis_url,
            "DESK_TRUSTED_PROXIES": "1",
        }
        softphones = ""
        if not settings.has_twilio:
            token = settings.twilio_auth_token or "the token that signs what the carrier posts"
            carrier = carrier or SimulatedCarrier(
                base_url=settings.base_url, auth_token=token, number=settings.own_number, now=time.time
            )
            assert isinstance(carrier, SimulatedCarrier)
            more, softphones = _telephones(open_now, carrier, token)
            env |= more
        wanted = [role for role in ROLES if role == "web" or role in roles]
        parts = [Forked(ground.nursery, role, env, home, demo=settings.demo) for role in wanted]
        mail = next((part.smtp_port for part in parts if part.role == "smtp"), settings.smtp_port)
        for part in parts:  # who sends mail to the desk itself knows its door by this setting
            if part.role != "smtp":
                part.env["DESK_SMTP_PORT"] = str(mail)
        desk = install(replace(Settings.from_env(env), demo=settings.demo, smtp_port=mail), carrier=carrier)
        open_now.callback(desk.store.engine.dispose)
        open_now.callback(desk.knowledge.close)
        with desk.store.tx(SYSTEM) as tx:
            set_up(tx)
        for part in parts:
            part.start()
            open_now.callback(part.end)
        for part in parts:
            part.until_ready()
        places = [f"127.0.0.1:{part.port}" for part in parts if part.role == "web"]
        elsewhere = {f"{CARRIER}/": softphones} if softphones else {}
        assert open_now.enter_context(grown.nginx(home, settings.http_port, places, elsewhere)), "nginx is needed here"
        following = Background(desk, frozenset({"web"}))
        following.start()
        open_now.callback(following.stop)
        yield desk, SimpleNamespace(mail=SimpleNamespace(port=mail), parts=parts)


def _telephones(open_now: ExitStack, carrier: SimulatedCarrier, token: str) -> tuple[dict[str, str], str]:
    """Lets all processes reach it as they reach Twilio, and browsers its softphones; answers settings, and where those are."""
    fake = FakeTwilio(carrier, token)
    carrier.start()
    open_now.callback(carrier.stop)
    open_now.enter_context(fake.running())
    return {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": token,
        "TWILIO_API_KEY": KEY,
        "TWILIO_API_SECRET": SECRET,
        "TWILIO_NUMBER": carrier.number,
        "TWILIO_API_URL": address_of(fake.port),
        "TWILIO_SOFTPHONE_PATH": f"{CARRIER}/socket.io",
    }, open_now.enter_context(_softphones(carrier))


@contextmanager
def _softphones(carrier: SimulatedCarrier) -> Iterator[str]:
    app = Flask("carrier")
    socketio = SocketIO(app, path=f"{CARRIER}/socket.io", async_mode="threading", transports=["websocket"])
    door.attach(socketio, carrier, identify=lambda auth: carrier.identity_of(auth.get("token")), phone_allowed=lambda: False)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
