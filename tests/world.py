"""A whole desk on loopback for tests: real web server, real SMTP, real sockets, a database of its own."""

from __future__ import annotations

import atexit
import itertools
import os
import random
import shutil
import smtplib
import socket
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests
from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, QueuePool
from werkzeug.serving import make_server

from channels.email.parse import parse
from channels.email.parsed import ParsedMail
from channels.voice.port import Carrier
from channels.voice.simulated import http, webhooks
from channels.voice.simulated.carrier import SimulatedCarrier
from desk import passwords
from desk.actions.people.agents import add_agent, set_skill
from desk.actions.work.presence import set_presence
from desk.app import create_app, install, prepare
from desk.clock import Clock
from desk.commands.serve import Requests
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Agent, MailboxMail, Setting, SpooledMail, Team, Ticket
from desk.queries.surveys import rules as surveys
from desk.store import Tx
from desk.work.background import ALL, Background

PASSWORD = "a good password"
GROWN = os.environ.get("TEST_DESK") == "grown"  # stories are told to a desk of many processes
PATIENCE_S = 120
FIRST_PORT, STRETCH, MARKS = 20_000, 1_500, 200
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_turns = itertools.count(random.randrange(STRETCH))
_marks: deque[int] = deque()

Found = TypeVar("Found")


def free_port() -> int:
    """A port nobody listens on, below those that the system gives to outgoing connections: none of them can take it meanwhile.

    Each worker has a stretch of its own. The port's UDP side stays held, so that no other run on this machine is given it.
    """
    for _ in range(STRETCH):
        port = FIRST_PORT + WORKER * STRETCH + next(_turns) % STRETCH
        with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as mark, suppress(OSError):
            mark.bind(("127.0.0.1", port))
            listener.bind(("127.0.0.1", port))
            _marks.append(mark.detach())
            if len(_marks) > MARKS:
                os.close(_marks.popleft())
            return port
    raise OSError("no port is free")


def settings_for(folder: Path, **more: str) -> Settings:
    """Settings of an installation in `folder`, on free ports of this machine."""
    http_port = free_port()
    env = {
        "DESK_DATA_DIR": str(folder),
        "DESK_HTTP_PORT": str(http_port),
        "DESK_SMTP_PORT": str(free_port()),
        "DESK_BASE_URL": f"http://127.0.0.1:{http_port}",
        "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
    }
    _told[folder] = {**env, **more}
    return Settings.from_env(_told[folder])


def environment_of(settings: Settings) -> dict[str, str]:
    """What `settings_for` made them of."""
    return _told[settings.data_dir]


@contextmanager
def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    carrier: Carrier | None = None,
    background: bool = True,
    roles: frozenset[str] = ALL,
) -> Iterator[World]:
    """Start a desk and stop it again. With `background=False` nothing receives mail, routes or sends."""
    if GROWN:
        from tests.grown import whole_desk

        with whole_desk.instead(settings, clock, carrier, roles if background else frozenset(), _at_any_hour) as (desk, doors):
            yield World(desk, None, doors)
        return
    desk = install(settings, clock=clock, carrier=carrier)
    _prepare(desk)
    with desk.store.tx(SYSTEM) as tx:
        _at_any_hour(tx)
    app, _socketio = create_app(desk)
    app.jinja_env.bytecode_cache = _COMPILED
    parts = Background(desk, roles if background else frozenset())
    app.extensions["background"] = parts
    server = make_server("127.0.0.1", settings.http_port, app, threaded=True, request_handler=Requests)
    server.daemon_threads = True
    # To shut down it waits for its own next look round: half a second, without this, for every desk of the run.
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    if isinstance(desk.carrier, SimulatedCarrier):
        desk.carrier.start()
    if background:
        parts.start()
    try:
        yield World(desk, app, parts)
    finally:
        app.extensions["staff"].close()
        if background:
            parts.stop()
        if isinstance(desk.carrier, SimulatedCarrier):
            desk.carrier.stop()
        server.shutdown()
        server.server_close()
        desk.knowledge.close()
        put_away(desk.store.engine)


def put_away(engine: Engine) -> None:
    """Close all its connections, also of who is still being served: one that comes back to a pool that is gone nobody closes."""
    pool, waiting = engine.pool, threading.Event()
    assert isinstance(pool, QueuePool)
    engine.pool = NullPool(pool._creator, dialect=engine.dialect, _dispatch=pool.dispatch)  # for who comes after us
    for _ in range(PATIENCE_S * 100):
        if not pool.checkedout():
            break
        waiting.wait(0.01)
    pool.dispose()


def _at_any_hour(tx: Tx) -> None:
    """Question sheets leave day and night: no test depends on when it runs."""
    at_once = {"hours": ["00:00", "23:59:59.999999"], "delays": dict.fromkeys(surveys.CHANNELS, 0)}
    tx.session.merge(Setting(key=surveys.SETTING, value=at_once))


# What costs every desk of a test run time and is the same each time: an empty database, compiled pages, slow password hashes.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
_prepared: dict[str, Path] = {}
_told: dict[Path, dict[str, str]] = {}  # the settings of each folder as an environment
# A carrier ends a call that is not answered for within 15 seconds; a busy machine may stand still for as long.
post_form = webhooks.post_form = partial(http.post_form, timeout_s=45.0)


def _prepare(desk: Installation) -> None:
    """Prepare the database; a new SQLite one as a copy of one that was prepared before in this process."""
    settings = desk.settings
    target = settings.data_dir / "desk.db"
    if not settings.on_sqlite or target.exists() or Path(settings.database_url.removeprefix("sqlite:///")) != target:
        prepare(desk)
        return
    if settings.timezone not in _prepared:
        folder = Path(tempfile.mkdtemp(prefix="desk-prepared-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        model = install(settings_for(folder, DESK_TIMEZONE=settings.timezone))
        prepare(model)
        model.store.engine.dispose()  # the last connection writes its log back into the file
        _prepared[settings.timezone] = folder / "desk.db"
    shutil.copyfile(_prepared[settings.timezone], target)


class _Compiled(BytecodeCache):
    """Compiled pages, shared by all desks of this process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class World:
    """A running desk as a test sees it."""

    def __init__(self, desk: Installation, app: Any, background: Background) -> None:
        self.desk = desk
        self.app = app
        self.background = background
        self.url = desk.settings.base_url
        self._committed = threading.Condition()
        desk.store.subscribe(self._note)

    def _note(self, _events: Any) -> None:
        with self._committed:
            self._committed.notify_all()

    def until(self, look: Callable[[], Found], *, seconds: float = PATIENCE_S) -> Found:
        """Look again after each commit until something true is found; fails when it takes too long."""
        deadline = self.desk.clock.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            left = deadline - self.desk.clock.monotonic()
            assert left > 0, f"{look} found nothing within {seconds} s"
            with self._committed:
                self._committed.wait(min(left, 0.25))

    def tx(self) -> Any:
        return self.desk.store.tx(SYSTEM)

    def one(self, query: Any) -> Any:
        """The first result of a query, or None."""
        with self.desk.store.read() as session:
            return session.scalar(query)

    def all(self, query: Any) -> list[Any]:
        with self.desk.store.read() as session:
            return list(session.scalars(query))

    def agent(
        self,
        name: str = "Maya",
        *,
        roles: tuple[str, ...] = ("agent",),
        skills: dict[str, int] | None = None,
        team: str = "service",
        available: bool = False,
        undo_s: int = 0,
    ) -> Agent:
        """Add a person; by default an agent who can do everything in both languages, and whose answers leave at once."""
        if skills is None:
            skills = {"lang:zh": 5, "lang:en": 5, "billing": 5, "technical": 5, "delivery": 5, "complaints": 5}
        with self.tx() as tx:
            home = tx.session.scalar(select(Team).where(Team.key == team))
            agent = add_agent(
                tx, email=f"{name.lower()}@desk.example", name=name, password=PASSWORD, roles=list(roles), team=home
            )
            agent.undo_s = undo_s
            for skill, level in skills.items():
                set_skill(tx, agent, skill, level)
            if available:
                set_presence(tx, agent, "available")
        return agent

    def browser(self, email: str = "") -> Browsing:
        """A client without scripts; signed in when `email` is given."""
        client = Browsing(self.url)
        if email:
            answer = client.post("/login", data={"email": email, "password": PASSWORD})
            assert answer.status_code == 302, answer.text
        return client

    def send(
        self,
        text: str,
        *,
        sender: str = "li.na@customers.example",
        to: str = "support@desk.example",
        subject: str = "Question",
        headers: dict[str, str] | None = None,
        envelope_to: str = "",
    ) -> str:
        """Send a mail over SMTP like any stranger; returns its Message-ID without brackets."""
        mail = EmailMessage()
        mail["From"], mail["Subject"] = sender, subject
        if to:
            mail["To"] = to
        for name, value in (headers or {}).items():
            mail[name] = value
        if "Message-ID" not in mail:
            mail["Message-ID"] = f"<{hash((text, subject, sender)) & 0xFFFFFFFFFF:x}@customers.example>"
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.background.mail.port, timeout=PATIENCE_S) as smtp:
            smtp.send_message(mail, to_addrs=[envelope_to] if envelope_to else None)
        self.all_read()
        return str(mail["Message-ID"]).strip("<>")

    def all_read(self) -> None:
        """Wait until the desk has read what its doors have kept."""
        self.until(lambda: self.one(select(func.count()).select_from(SpooledMail)) == 0)

    def ticket(self, number: int | None = None) -> Ticket | None:
        """The ticket with this number, or the newest."""
        query = select(Ticket).order_by(Ticket.id.desc()).limit(1)
        return self.one(query if number is None else query.where(Ticket.number == number))

    def mailbox(self, recipient: str) -> list[ParsedMail]:
        """What the built-in mailbox holds for somebody, in order."""
        query = select(MailboxMail.raw).where(MailboxMail.recipient == recipient).order_by(MailboxMail.id)
        return [parse(raw) for raw in self.all(query)]


class Browsing(requests.Session):
    """HTTP like a browser's: cookies, the CSRF token of the last page, no following of redirects."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Connection"] = "close"  # no test leaves one open
        self.base = url
        self.csrf = ""

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        if method.upper() not in ("GET", "HEAD", "OPTIONS"):
            self._fetch_csrf()
            more["headers"] = {"X-CSRFToken": self.csrf, **(more.get("headers") or {})}
        more.setdefault("allow_redirects", False)
        more.setdefault("timeout", PATIENCE_S)
        return super().request(method, self.base + url, **more)

    def _fetch_csrf(self) -> None:
        page = super().request("GET", self.base + "/login", timeout=PATIENCE_S)
        marker = 'name="csrf-token" content="'
        if marker in page.text:
            self.csrf = page.text.split(marker, 1)[1].split('"', 1)[0]
