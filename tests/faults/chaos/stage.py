"""The stage of a chaos run: PostgreSQL, Redis, nginx and two of each process, each of which may be killed, stopped or cut off.

Where we may, every process of the desk lives in a network namespace of its own, so that its line can be cut as a cable is:
packets vanish and nobody is told. A watcher starts again whatever has ended, as a service manager does.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy.engine import URL

from desk.commands import grown
from tests.services import postgres
from tests.shape.source import ROOT
from tests.world import free_port

BOOT_S = 300
STRANGERS = 40
AGAIN_S = 1.0  # after so long a service manager starts what has ended
ROLES = ("web", "web", "router", "router", "worker", "worker", "smtp", "smtp")
SAFE = {**postgres.SETTINGS, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "*"}


class Stage:
    """Everything, started by `with`. Addresses of the desk are nginx's for pages, and each receiving process's for mail."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._closing = ExitStack()
        self._over = threading.Event()
        self.database = Database(home / "pg")
        self.redis = Redis(home)
        self.parts: list[Part] = []
        self.url = ""

    def __enter__(self) -> Stage:
        try:
            self._begin()
        except BaseException:
            self._closing.close()
            raise
        return self

    def _begin(self) -> None:
        closing = self._closing
        closing.callback(self.database.stop)
        self.database.begin()
        self.redis.start()
        closing.callback(self.redis.kill)
        network = Network() if _may_have_networks() else None
        if network is not None:
            closing.callback(network.close)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        for role in ROLES:
            line = network.line() if network is not None else Line("", "127.0.0.1", "127.0.0.1")
            self.parts.append(Part(role, line, self._settings(line), self.home))
        self.tell("migrate")
        for part in self.parts:
            part.start()
            closing.callback(part.end)
        places = [f"{part.line.inside}:{part.port}" for part in self.of("web")]
        if not closing.enter_context(grown.nginx(self.home, port, places)):
            raise RuntimeError("nginx is needed here")
        for part in self.parts:
            part.until_ready()
        watcher = threading.Thread(target=self._start_again, name="service manager", daemon=True)
        watcher.start()
        closing.callback(watcher.join)
        closing.callback(self._over.set)

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def of(self, role: str) -> list[Part]:
        return [part for part in self.parts if part.role == role]

    @property
    def settings(self) -> dict[str, str]:
        """As this process reaches the desk's database and files."""
        return self._settings(Line("", "127.0.0.1", "127.0.0.1"))

    def tell(self, *words: str) -> None:
        """Run a command of the desk to its end."""
        subprocess.run([sys.executable, "-m", "desk", *words], cwd=ROOT, env=_environment(self.settings), check=True)

    def _settings(self, line: Line) -> dict[str, str]:
        return {
            "DESK_DATA_DIR": str(self.home / "data"),
            "DESK_DATABASE_URL": self.database.url(line.outside),
            "DESK_REDIS_URL": f"redis://{line.outside}:{self.redis.port}/0",
            "DESK_SECRET_KEY": "a secret for this run only, and long enough",
            "DESK_BASE_URL": self.url,
            "DESK_TRUSTED_PROXIES": "1",
            "DESK_LOG": "json",
        }

    def _start_again(self) -> None:
        while not self._over.wait(AGAIN_S):
            for part in self.parts:
                if part.process is not None and part.process.poll() is not None:
                    part.ends.append(part.process.returncode)
                    part.start()


class Part:
    """One process of the desk, with whatever it has started."""

    def __init__(self, role: str, line: Line, settings: dict[str, str], home: Path) -> None:
        self.role, self.line = role, line
        self.port, self.smtp_port = free_port(), free_port()
        self.name = f"{role}-{self.port}"
        self.log = home / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.ends: list[int] = []
        host = "0.0.0.0" if line.network else "127.0.0.1"
        ours = {"DESK_HTTP_HOST": host, "DESK_SMTP_HOST": host, "DESK_SMTP_PORT": str(self.smtp_port)}
        ours["DESK_HTTP_PORT" if role == "web" else "DESK_METRICS_PORT"] = str(self.port)
        self.env = _environment({**settings, **ours})

    @property
    def url(self) -> str:
        return f"http://{self.line.inside}:{self.port}"

    def start(self) -> None:
        before = ["ip", "netns", "exec", self.line.network] if self.line.network else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "desk", self.role],
                cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def tell(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self) -> None:
        self.tell(signal.SIGCONT)
        self.tell(signal.SIGKILL)
        self.process.wait(30)

    def until_ready(self) -> None:
        until = time.monotonic() + BOOT_S
        while self._what_is_wrong():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} is not ready: {self._what_is_wrong()}\n{self.log.read_text()[-3000:]}")
            threading.Event().wait(0.2)

    def until_another(self, left: subprocess.Popen[bytes]) -> None:
        """Wait for the end of `left` and for who was started in its place."""
        left.wait(BOOT_S)
        until = time.monotonic() + BOOT_S
        while self.process is left:
            if time.monotonic() > until:
                raise TimeoutError(f"nobody started {self.name} again")
            threading.Event().wait(0.2)
        self.until_ready()

    def _what_is_wrong(self) -> str:
        """In its own words; empty when it is ready."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=3):
                return ""
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except OSError as error:
            return str(error)


class Database:
    """A PostgreSQL server that keeps what it has said, and may be stopped in the middle of things."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self._options = {**SAFE, "port": str(self.port)}

    def url(self, host: str) -> str:
        return URL.create("postgresql+psycopg", "postgres", None, host, self.port, "desk").render_as_string()

    def begin(self) -> None:
        postgres._start(self.home)
        with (self.home / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 trust\n")
        socket = URL.create("postgresql", username="postgres", database="postgres", query={"host": str(self.home)})
        postgres._tell(socket, "CREATE DATABASE desk TEMPLATE template0")
        self.stop()
        self.start()

    def start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in self._options.items())
        self._tell("-l", self.home / "log", "-o", f"-k {self.home} {options}", "start")

    def stop(self) -> None:
        self._tell("-m", "immediate", "stop")

    def _tell(self, *words: str | Path) -> None:
        postgres._run([postgres._programs() / "pg_ctl", "-D", self.home / "data", "-w", *words], self.home)


class Redis:
    """A server that keeps nothing on a disk: killed, it comes back empty."""

    def __init__(self, home: Path) -> None:
        self._home, self.port = home, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["--port", str(self.port), "--save", "", "--appendonly", "no", "--protected-mode", "no", "--dir", str(self._home)]
        self._process = subprocess.Popen(
            [shutil.which("redis-server") or "redis-server", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)


class Line:
    """A cable between the machine and one process: the process's network, its address there, and ours as it knows it.

    Mail servers of strangers come from `strangers`: one address of all would be held up as a flood.
    """

    def __init__(self, network: str, inside: str, outside: str, strangers: Sequence[str] = ("127.0.0.1",)) -> None:
        self.network, self.inside, self.outside, self.strangers = network, inside, outside, strangers
        self.device = ""

    def cut(self) -> None:
        _ip("link", "set", self.device, "down")

    def mend(self) -> None:
        _ip("link", "set", self.device, "up")


class Network:
    """Cables to networks of their own."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._stem = f"c{os.getpid() % 100_000}"
        self._made: list[str] = []

    def line(self) -> Line:
        n = next(self._numbers)
        name, ours, theirs = f"desk-{self._stem}-{n}", f"{self._stem}a{n}", f"{self._stem}b{n}"
        line = Line(name, f"10.213.{n}.2", f"10.213.{n}.1", [f"10.213.{n}.{host}" for host in range(10, 10 + STRANGERS)])
        line.device = ours
        _ip("netns", "add", name)
        self._made.append(name)
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs)
        _ip("link", "set", theirs, "netns", name)
        for address in (line.outside, *line.strangers):
            _ip("addr", "add", f"{address}/24", "dev", ours)
        _ip("link", "set", ours, "up")
        for words in (
            ("addr", "add", f"{line.inside}/24", "dev", theirs),
            ("link", "set", theirs, "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", name, *words)
        return line

    def close(self) -> None:
        for name in self._made:
            _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _may_have_networks() -> bool:
    name = f"desk-probe-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _environment(settings: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DESK_", "TWILIO_"))}
    return {**clean, **settings}
