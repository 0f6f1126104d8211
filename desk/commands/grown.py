"""`grown`: a whole grown desk on this machine, to try and to test: PostgreSQL, Redis, nginx, and two of each process.

Everything listens on loopback, keeps its files in one folder, and ends with Ctrl-C. For real use see docs/deploy.md.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from desk.config import Settings, keep_secret
from desk.demo import seed
from desk.errors import Conflict

PATIENCE_S = 90  # for a process to be ready
LAST_S = 40  # for it to end
ROOT = Path(__file__).parent.parent.parent
NGINX = """
daemon off;
pid {home}/nginx.pid;
error_log {home}/nginx.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_max_body_size 210m;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  map $http_upgrade $wanted {{ default upgrade; '' close; }}
  upstream desk {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location = /metrics {{ return 404; }}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Request-Id $request_id;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $wanted;
    proxy_connect_timeout 2s;
    proxy_read_timeout 60s;
    {elsewhere}
    location / {{ proxy_pass http://desk; }}
  }}
}}
"""


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "grown", help="try a desk of many processes on this machine: PostgreSQL, Redis, nginx, two of each"
    )
    parser.set_defaults(run=run)


@dataclass
class Part:
    """One process of the desk: its role, and the port at which it answers `/readyz`."""

    role: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def run(_chosen: Namespace) -> int:
    settings = Settings.from_env()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    home = settings.data_dir / "grown"
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        database = running.enter_context(postgres(home / "postgres"))
        address = running.enter_context(redis(settings.http_port + 20))
        shared = {
            "DESK_DATA_DIR": str(home / "data"),
            "DESK_DATABASE_URL": database,
            "DESK_REDIS_URL": address,
            "DESK_SECRET_KEY": keep_secret(home),
            "DESK_BASE_URL": settings.base_url,
        }
        for command in ("migrate", "demo"):
            subprocess.run(_command(shared, command), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        webs, others = _desk(running, settings, shared, home, proxied=shutil.which("nginx") is not None)
        places = [f"127.0.0.1:{web.port}" for web in webs]
        door = running.enter_context(nginx(home, settings.http_port, places)) or webs[0].url
        for part in (*webs, *others):
            wait_until_ready(part)
        _greet(door, webs, others, settings)
        parts = [*webs, *others]
        while not stop.wait(1.0):
            for part in [part for part in parts if part.process.poll() is not None]:
                print(f"{part.role} at {part.url} has ended ({part.process.returncode}); see {home}", flush=True)
                parts.remove(part)
        print("\nStopping …", flush=True)
    print("Stopped.", flush=True)
    return 0


def _desk(
    running: ExitStack, settings: Settings, shared: dict[str, str], home: Path, *, proxied: bool
) -> tuple[list[Part], list[Part]]:
    first, hops = settings.http_port, str(int(proxied))
    webs = []
    for port in (first + 1, first + 2):
        own = {"DESK_HTTP_PORT": str(port), "DESK_TRUSTED_PROXIES": hops}
        webs.append(running.enter_context(process("web", port, {**shared, **own}, home)))
    others = []
    for place, (role, n) in enumerate((role, n) for role in ("router", "worker", "smtp") for n in (0, 1)):
        port = first + 10 + place
        own = {"DESK_METRICS_PORT": str(port), "DESK_SMTP_PORT": str(settings.smtp_port + n)}
        others.append(running.enter_context(process(role, port, {**shared, **own}, home)))
    return webs, others


@contextmanager
def process(role: str, port: int, settings: dict[str, str], home: Path) -> Iterator[Part]:
    with (home / f"{role}-{port}.log").open("ab") as log:
        process = subprocess.Popen(
            _command(settings, role), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield Part(role, port, process)
    finally:
        _end(process)


def _command(settings: dict[str, str], *words: str) -> list[str]:
    """A command of the desk with these settings over those of the environment."""
    return ["env", *(f"{name}={value}" for name, value in settings.items()), sys.executable, "-m", "desk", *words]


def _end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> None:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(LAST_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_ready(part: Part) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"{part.url}/readyz", timeout=10):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            if part.process.poll() is not None or time.monotonic() > end:
                raise Conflict("A process did not start: %(role)s at %(address)s.", role=part.role, address=part.url) from None
            threading.Event().wait(0.2)


@contextmanager
def postgres(home: Path) -> Iterator[str]:
    """A server of its own, on a socket in its folder; what is in it stays until the folder is removed."""
    programs = _postgres_programs()
    data = home / "data"
    home.mkdir(exist_ok=True)
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(home, user=pwd.getpwnam("postgres").pw_name)
    if not data.exists():
        _as_postgres([str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-k {home} -c listen_addresses='' -c max_connections=300"
    _as_postgres([*control, "-l", str(home / "log"), "-o", options, "start"])
    try:
        with psycopg.connect(host=str(home), user="postgres", dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'desk'").fetchone():
                connection.execute("CREATE DATABASE desk TEMPLATE template0")
        yield f"postgresql://postgres@/desk?host={home}"
    finally:
        _as_postgres([*control, "-m", "fast", "stop"])


def _postgres_programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parent.parent.name))
    found = debian[-1] if debian else shutil.which("pg_ctl")
    if found is None:
        raise Conflict("PostgreSQL is needed. On Debian: apt-get install postgresql")
    return Path(found).resolve().parent


def _as_postgres(command: Sequence[str]) -> None:
    before = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*before, *command], cwd="/", check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@contextmanager
def redis(port: int) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise Conflict("Redis is needed. On Debian: apt-get install redis-server")
    words = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        _end(process)


@contextmanager
def nginx(home: Path, port: int, places: Sequence[str], elsewhere: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """The one address in front of the web processes, each given as HOST:PORT; empty, and a sentence, without nginx.

    `elsewhere` names who has a path of their own.
    """
    program = shutil.which("nginx") or next((path for path in ("/usr/sbin/nginx",) if Path(path).exists()), None)
    if program is None:
        print("nginx is not installed, so each web process is spoken to at its own address.", flush=True)
        yield ""
        return
    servers = " ".join(f"server {place} max_fails=1 fail_timeout=2s;" for place in places)
    settings = home / "nginx.conf"
    others = " ".join(f"location {path} {{ proxy_pass http://{place}; }}" for path, place in elsewhere.items())
    settings.write_text(NGINX.format(home=home, servers=servers, port=port, elsewhere=others))
    process = subprocess.Popen([program, "-p", str(home), "-c", str(settings)], stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_it_listens(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process, signal.SIGQUIT)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > end:
            raise Conflict("A process did not start: %(role)s at %(address)s.", role="nginx", address=f"http://127.0.0.1:{port}")
        threading.Event().wait(0.02)


def _greet(door: str, webs: Sequence[Part], others: Sequence[Part], settings: Settings) -> None:
    lines = ["", f"The grown desk is ready: {door}/desk", ""]
    lines += [f"  {part.role:<8} {part.url}" + ("" if part.role == "web" else "/metrics") for part in (*webs, *others)]
    lines += [f"  mail     127.0.0.1:{settings.smtp_port} and 127.0.0.1:{settings.smtp_port + 1}"]
    lines += ["", "Demo logins (password for all: " + seed.PASSWORD + ")"]
    lines += [f"  {email:<28} {what}" for email, what in seed.logins()]
    lines += ["", "Calls need a carrier account: the simulated one lives in one process. Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)
