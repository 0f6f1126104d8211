"""A whole grown desk in the place of a test's own: nginx, and two of each process, on PostgreSQL and Redis.

`TEST_DESK=grown pytest tests/flows tests/browser` tells the stories to it. What a story does to the desk from within its process
cannot be done to eight of them: stories that stop its clock, change its code or start only parts of it are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import URL

from channels.voice.port import Carrier
from channels.voice.simulated.carrier import SimulatedCarrier
from desk.app import install, prepare
from desk.clock import Clock
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.store import Tx
from desk.work.background import Background
from tests.faults.chaos.stage import ROLES, Line, Part
from tests.services.postgres import new_database
from tests.services.redis import empty
from tests.twilio.fake_rows import ACCOUNT
from tests.twilio.fake_twilio import KEY, SECRET, FakeTwilio, address_of
from tests.world import environment_of

_servers: list[tuple[URL, str]] = []


def stand_on(postgres_server: URL, redis_url: str) -> None:
    """Where the desks of this worker keep what they know. One is there at a time: they share the Redis."""
    _servers[:] = [(postgres_server, redis_url)]


@contextmanager
def instead(
    settings: Settings, clock: Clock | None, carrier: Carrier | None, set_up: Callable[[Tx], None]
) -> Iterator[tuple[Any, Any]]:
    """Start all of it; answers it as this process sees it, and its doors (`mail.port`, `parts`).

    A `carrier` given is spoken to as Twilio is. `set_up` comes before any process starts.
    """
    told = environment_of(settings)
    if clock is not None:
        pytest.skip("stops the clock of its process")
    if settings != Settings.from_env(told):
        pytest.skip("has settings that no environment gives")
    (server, redis_url), home = _servers[0], Path(told["DESK_DATA_DIR"])
    with ExitStack() as open_now:
        empty(redis_url)
        env = {
            **told,
            "DESK_DATABASE_URL": open_now.enter_context(new_database(server)),
            "DESK_REDIS_URL": redis_url,
            "DESK_TRUSTED_PROXIES": "1",
        }
        if isinstance(carrier, SimulatedCarrier):
            env |= _speak_with(open_now, carrier, told["TWILIO_AUTH_TOKEN"])
        desk = install(Settings.from_env(env))
        open_now.callback(desk.store.engine.dispose)
        open_now.callback(desk.knowledge.close)
        prepare(desk)
        with desk.store.tx(SYSTEM) as tx:
            set_up(tx)
        parts = [Part(role, Line("", "127.0.0.1", "127.0.0.1"), env, home) for role in ROLES]
        for part in parts:
            part.start()
            open_now.callback(part.end)
        places = [f"127.0.0.1:{part.port}" for part in parts if part.role == "web"]
        assert open_now.enter_context(grown.nginx(home, desk.settings.http_port, places)), "nginx is needed here"
        for part in parts:
            part.until_ready()
        following = Background(desk, frozenset({"web"}))
        following.start()
        open_now.callback(following.stop)
        mail = next(part.smtp_port for part in parts if part.role == "smtp")
        yield desk, SimpleNamespace(mail=SimpleNamespace(port=mail), parts=parts)


def _speak_with(open_now: ExitStack, carrier: SimulatedCarrier, token: str) -> dict[str, str]:
    """The settings by which all processes reach the telephones of the test."""
    fake = FakeTwilio(carrier, token)
    carrier.start()
    open_now.callback(carrier.stop)
    open_now.enter_context(fake.running())
    return {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_API_KEY": KEY,
        "TWILIO_API_SECRET": SECRET,
        "TWILIO_NUMBER": carrier.number,
        "TWILIO_API_URL": address_of(fake.port),
    }
