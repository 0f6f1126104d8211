"""A private PostgreSQL cluster for one test run, and databases in it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.services.keeper import only_one

# The zone is one the desk must not rely on; the rest trades safety that a test run does not need for speed.
SETTINGS = {
    "listen_addresses": "",
    "timezone": "Asia/Kathmandu",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
}


def shared_server(folder: Path) -> URL:
    """The server of this run: `TEST_DATABASE_URL` when that is set, else a cluster that the first worker to ask starts."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return make_url(given)
    with only_one(folder, "postgres"):
        home = folder / "postgres"
        if not (folder / "postgres.stop").exists():
            shutil.rmtree(home, ignore_errors=True)
            _start(home)
        return _address(home)


class StreamingCopy:
    """A server of its own with a hot standby that follows it; both end with the run at the latest."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / f"copied-{uuid.uuid4().hex[:8]}"
        self._copy = folder / f"{self._home.name}-copy"
        _start(self._home)
        self._copy.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self._copy, user=_postgres_user())
        taken = ["-h", self._home, "-U", "postgres", "-D", self._copy / "data", "-R", "-c", "fast", "-X", "stream", "--no-sync"]
        _run([_programs() / "pg_basebackup", *taken], self._copy)
        self.server, self.copy = _address(self._home), _address(self._copy)
        self.start()

    def start(self) -> None:
        _start_cluster(self._copy)

    def stop(self) -> None:
        _run([_programs() / "pg_ctl", "-D", self._copy / "data", "-m", "immediate", "-w", "stop"], self._copy)

    def ask(self, question: str) -> object:
        """What the copy says to it."""
        address = self.copy.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            return connection.execute(question).fetchone()[0]

    def end(self) -> None:
        for home in (self._copy, self._home):
            stop = home.parent / f"{home.name}.stop"
            subprocess.run(["sh", str(stop)], check=False)
            stop.unlink()
            shutil.rmtree(home)


@contextmanager
def new_database(server: URL) -> Iterator[str]:
    """The address of an empty database that is dropped afterwards."""
    with _database(server, "template0") as url:
        yield url


@contextmanager
def copy_of(server: URL, model: str) -> Iterator[str]:
    """The address of a copy of the database at `model`, to which nobody is connected; it is dropped afterwards."""
    with _database(server, make_url(model).database) as url:
        yield url


@contextmanager
def _database(server: URL, model: str | None) -> Iterator[str]:
    name = f"desk_{uuid.uuid4().hex}"
    _tell(server, f'CREATE DATABASE "{name}" TEMPLATE "{model}"')
    try:
        yield server.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    finally:
        _tell(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _address(home: Path) -> URL:
    return URL.create("postgresql", username="postgres", database="postgres", query={"host": str(home)})


def _tell(server: URL, statement: str) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


def _start(home: Path) -> None:
    programs = _programs()
    data = home / "data"
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, user=_postgres_user())
    _run(
        [programs / "initdb", "-D", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        home,
    )
    _start_cluster(home)


def _start_cluster(home: Path) -> None:
    programs, data = _programs(), home / "data"
    options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
    log = home / "log"
    _run([programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", f"-k {home} {options}", "start"], home)
    stop = [*_as_postgres(), str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop"]
    (home.parent / f"{home.name}.stop").write_text(f"cd {home} && {' '.join(stop)} >/dev/null\n")


def _programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parent.parent.name))
    if debian:
        return debian[-1].parent
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    raise pytest.fail.Exception(
        "PostgreSQL is needed: `make test` installs it as root on Debian; else install it or set TEST_DATABASE_URL", pytrace=False
    )


def _postgres_user() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise pytest.fail.Exception(
            "PostgreSQL refuses to run as root, and there is no user named postgres: add one, or set TEST_DATABASE_URL",
            pytrace=False,
        ) from None


def _as_postgres() -> list[str]:
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(command: Sequence[str | Path], home: Path) -> None:
    done = subprocess.run(
        [*_as_postgres(), *command],
        cwd=home,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "PGCTLTIMEOUT": "240"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        log = home / "log"
        told = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
        raise pytest.fail.Exception(f"PostgreSQL did not start:\n{told}", pytrace=False)
