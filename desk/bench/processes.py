"""A desk of several processes for a benchmark, on PostgreSQL and Redis of its own, with people signed in at it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select

from desk.actions.people.agents import add_agent
from desk.actions.people.sessions import SESSION_HOURS, hash_token
from desk.app import cookie_key, install, prepare
from desk.bench.screens import Task
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Agent, StaffSession, Team

PASSWORD = "for this run only"  # noqa: S105 - nobody signs in with it


def prepared(running: ExitStack, home: Path, redis: str) -> tuple[Installation, dict[str, str]]:
    """A new desk's database with what each needs, as this process sees it, and the settings that its processes share."""
    shared = {
        "DESK_DATA_DIR": str(home / "data"),
        "DESK_DATABASE_URL": running.enter_context(grown.postgres(home / "postgres")),
        "DESK_REDIS_URL": redis,
        "DESK_SECRET_KEY": "a secret for this run only, and long enough",
    }
    desk = install(Settings.from_env(shared))
    running.callback(desk.store.engine.dispose)
    prepare(desk)
    return desk, shared


@dataclass(frozen=True)
class Started:
    """A process of the desk, and the port at which it takes mail if it is an SMTP door."""

    part: grown.Part
    mail_port: int

    @property
    def url(self) -> str:
        return self.part.url


def start(running: ExitStack, home: Path, shared: dict[str, str], *roles: str) -> list[Started]:
    """One process for each of these roles, all of them ready."""
    started = []
    for role in roles:
        port, mail_port = free_port(), free_port()
        own = {"DESK_HTTP_PORT": str(port), "DESK_METRICS_PORT": str(port), "DESK_SMTP_PORT": str(mail_port)}
        started.append(Started(running.enter_context(grown.process(role, port, {**shared, **own}, home)), mail_port))
    for each in started:
        grown.wait_until_ready(each.part)
    return started


def sign_in(desk: Installation, people: int) -> list[int]:
    """As many agents with every skill, signed in with `token(place)`; their ids."""
    with desk.store.tx(SYSTEM) as tx:
        team = tx.session.scalar(select(Team).limit(1))
        first = add_agent(tx, email="bench@desk.example", name="Bench", password=PASSWORD, roles=["agent"], team=team)
        like = {"password_hash": first.password_hash, "roles": ["agent"], "team_id": first.team_id}
        since = {"presence_since": tx.now, "idle_since": tx.now}
        agents = [Agent(email=f"bench{place}@desk.example", name=f"Bench {place}", **like, **since) for place in range(people)]
        tx.session.add_all(agents)
        tx.session.flush()
        until = tx.now + timedelta(hours=SESSION_HOURS)
        for place, agent in enumerate(agents):
            tx.session.add(
                StaffSession(token_hash=hash_token(token(place)), agent_id=agent.id, created_at=tx.now, expires_at=until)
            )
        return [agent.id for agent in agents]


def cookies(desk: Installation, people: int) -> list[dict[str, str]]:
    """What the browser of each of them sends along."""
    bare = Flask("desk")  # the whole application would hear of all that is committed here, and tell its screens
    bare.secret_key = cookie_key(desk)
    serializer = SecureCookieSessionInterface().get_signing_serializer(bare)
    assert serializer is not None
    return [{"Cookie": f"desk={serializer.dumps({'token': token(place)})}"} for place in range(people)]


def token(place: int) -> str:
    return f"bench {place}"


@contextmanager
def screens(task: Task) -> Iterator[subprocess.Popen[str]]:
    """The screens of this task, in a process of their own: it says `ready`; a line ends it, and it prints what it has heard."""
    words = [sys.executable, "-m", "desk.bench.screens"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(task)) + "\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_watched(client: subprocess.Popen[str]) -> None:
    assert client.stdout is not None
    if client.stdout.readline().strip() != "ready":
        raise RuntimeError("the screens could not connect; their words are above")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
