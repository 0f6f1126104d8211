"""`bench live`: from a commit to the screens it concerns, on two web processes, with events that concern all and events for one.

The desk's way is a commit in this process, the event feed of each web process, and a hint to the rooms concerned; the floor's an
emit through Redis to two bare Flask-SocketIO servers with the same rooms. Both run under gunicorn on gevent, both get the same
traffic, and the clients (`screens`) are the same. A hint stands for all that happened until the event it names.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask_socketio import SocketIO
from sqlalchemy import select

from desk.actions.people.agents import add_agent
from desk.actions.people.customers import identify
from desk.actions.people.sessions import SESSION_HOURS, hash_token
from desk.actions.tickets.tickets import open_ticket
from desk.app import create_app, install, prepare
from desk.bench.figures import figure
from desk.bench.memory import resident_mb
from desk.bench.screens import Task
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Agent, Queue, StaffSession, Team

TO_ALL, TO_ONE = 10.0, 200.0  # events a second
CLIENTS = 2  # processes that play the screens
NOTING = 40  # screens that keep each hint of all
TELLERS = 8  # threads that make things happen
SETTLE_S = 10.0  # for the last hints to arrive
WARM = 0.1  # of the time, before memory is first read
PASSWORD = "for this run only"  # noqa: S105 - nobody signs in with it
EVERYBODY = "tickets"  # the list of tickets, which all have open
BARE = """
import os
from flask import Flask
from flask_socketio import SocketIO, join_room
app = Flask("bare")
socketio = SocketIO(app, async_mode="gevent", transports=["websocket"], message_queue=os.environ["QUEUE"])
@socketio.on("watch", namespace="/desk")
def watch(data):
    for topic in data["topics"]:
        join_room(topic)
    return {"ok": data["topics"]}
@app.get("/readyz")
def ready():
    return ""
"""


@dataclass(frozen=True)
class Load:
    """How many screens, and for how many minutes something happens."""

    screens: int = 500
    minutes: float = 0.2


@dataclass
class Outcome:
    """Seconds from a commit to the screens, for all and for one, and of the commit; hints that never came; memory in MB."""

    to_all: list[float] = field(default_factory=list)
    to_one: list[float] = field(default_factory=list)
    to_tell: list[float] = field(default_factory=list)
    unheard: int = 0
    told_last: int = 0
    memory: list[float] = field(default_factory=list)
    a_second: float = 0.0


@dataclass(frozen=True)
class Side:
    """What is measured: where the screens connect, as whom, what is their own, how to make something happen, whose memory."""

    urls: list[str]
    headers: list[dict[str, str]]
    own: list[str]
    tell: Callable[[int | None], int]  # with the place of the one screen concerned; answers what its hint will name
    processes: list[int]


def run(_settings: Settings, load: Load) -> dict[str, Any]:
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="desk-live-")))
        home.chmod(0o755)  # PostgreSQL runs as another user
        redis = running.enter_context(grown.redis(_free_port()))
        with _bare(home, redis, load.screens) as bare:
            floor = _measure(bare, load)
        ours = _measure(_desk(running, home, redis, load.screens), load)
    return figures(load, ours, floor)


def figures(load: Load, ours: Outcome, floor: Outcome) -> dict[str, Any]:
    what = f"two bare servers and Redis, {load.screens} screens, {load.minutes:g} minutes of the same traffic"
    found = {}
    for name, here, there in (
        ("commit", ours.to_tell, floor.to_tell),
        ("commit_to_all", ours.to_all, floor.to_all),
        ("commit_to_one", ours.to_one, floor.to_one),
    ):
        for share in (0.5, 0.99):
            found[f"{name}_p{share * 100:.0f}"] = figure(_at(here, share) * 1000, "ms", _at(there, share) * 1000, what)
    return {
        **found,
        "events_a_second": figure(ours.a_second, "events", TO_ALL + TO_ONE, "asked for"),
        "hints_that_never_came": figure(ours.unheard, "hints", floor.unheard, "the bare servers'"),
        "screens_told_of_the_last": figure(ours.told_last, "screens", load.screens, "all of them"),
        "memory_of_web": figure(ours.memory[-1], "MB", ours.memory[0], "after a tenth of the time"),
        "memory_of_bare": figure(floor.memory[-1], "MB", floor.memory[0], "after a tenth of the time"),
    }


# The two sides


@contextmanager
def _bare(home: Path, redis: str, screens: int) -> Iterator[Side]:
    (home / "bare.py").write_text(BARE)
    with ExitStack() as running:
        parts = [running.enter_context(_bare_server(home, redis)) for _ in range(2)]
        for part in parts:
            grown.wait_until_ready(part)
        sender, turn, made = SocketIO(message_queue=redis), threading.Lock(), 0

        def tell(place: int | None) -> int:
            nonlocal made
            room = EVERYBODY if place is None else f"own:{place}"
            with turn:
                made += 1
                number = made
                sender.emit("changed", {"topics": [room], "at": number}, namespace="/desk", to=room)
            return number

        yield Side(
            urls=[parts[place % 2].url for place in range(screens)],
            headers=[{}] * screens,
            own=[f"own:{place}" for place in range(screens)],
            tell=tell,
            processes=[part.process.pid for part in parts],
        )


@contextmanager
def _bare_server(home: Path, redis: str) -> Iterator[grown.Part]:
    port = _free_port()
    words = ["gunicorn", "-k", "gevent", "--worker-connections", "5000", "--log-level", "warning", "-b", f"127.0.0.1:{port}"]
    command = ["env", f"QUEUE={redis}", sys.executable, "-m", *words, "bare:app"]
    process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL)
    try:
        yield grown.Part("bare", port, process)
    finally:
        process.terminate()
        process.wait()


def _desk(running: ExitStack, home: Path, redis: str, screens: int) -> Side:
    """Two web processes, and an agent with a session of their own for each screen."""
    shared = {
        "DESK_DATA_DIR": str(home / "data"),
        "DESK_DATABASE_URL": running.enter_context(grown.postgres(home / "postgres")),
        "DESK_REDIS_URL": redis,
        "DESK_SECRET_KEY": "a secret for this run only, and long enough",
    }
    desk = install(Settings.from_env(shared))
    running.callback(desk.store.engine.dispose)
    prepare(desk)
    agents, ticket = _people(desk, screens)
    parts = []
    for _ in range(2):
        port = _free_port()
        parts.append(running.enter_context(grown.process("web", port, {**shared, "DESK_HTTP_PORT": str(port)}, home)))
    for part in parts:
        grown.wait_until_ready(part)
    mine = threading.local()
    desk.store.subscribe(lambda events: setattr(mine, "last", events[-1].id), ours_only=True)

    def tell(place: int | None) -> int:
        with desk.store.tx(SYSTEM) as tx:
            if place is None:
                tx.emit("message.added", ticket=ticket)
            else:
                tx.emit("mention.made", ticket=ticket, agent=agents[place])
        return int(mine.last)

    return Side(
        urls=[parts[place % 2].url for place in range(screens)],
        headers=_cookies(desk, screens),
        own=[f"worklist:{agent}" for agent in agents],
        tell=tell,
        processes=[part.process.pid for part in parts],
    )


def _people(desk: Installation, screens: int) -> tuple[list[int], int]:
    """As many agents, signed in with the tokens `screen N`, and a ticket that is nobody's: ids of both."""
    with desk.store.tx(SYSTEM) as tx:
        team = tx.session.scalar(select(Team).limit(1))
        first = add_agent(tx, email="screen@desk.example", name="Screen", password=PASSWORD, roles=["agent"], team=team)
        like = {"password_hash": first.password_hash, "roles": ["agent"], "team_id": first.team_id}
        since = {"presence_since": tx.now, "idle_since": tx.now}
        agents = [Agent(email=f"screen{place}@desk.example", name=f"Screen {place}", **like, **since) for place in range(screens)]
        tx.session.add_all(agents)
        tx.session.flush()
        until = tx.now + timedelta(hours=SESSION_HOURS)
        for place, agent in enumerate(agents):
            token = hash_token(_token(place))
            tx.session.add(StaffSession(token_hash=token, agent_id=agent.id, created_at=tx.now, expires_at=until))
        customer = identify(tx, "email", "li.na@customers.example")
        queue = tx.session.scalars(select(Queue).order_by(Queue.id).limit(1)).one()
        ticket = open_ticket(tx, customer=customer, queue=queue, subject="Of this run", channel="form")
        return [agent.id for agent in agents], ticket.id


def _cookies(desk: Installation, screens: int) -> list[dict[str, str]]:
    app, _ = create_app(desk)
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return [{"Cookie": f"desk={serializer.dumps({'token': _token(place)})}"} for place in range(screens)]


def _token(place: int) -> str:
    return f"screen {place}"


# The measuring


def _measure(side: Side, load: Load) -> Outcome:
    outcome = Outcome()
    with ExitStack() as running:
        clients = [running.enter_context(_client(side, load, number)) for number in range(CLIENTS)]
        for client in clients:
            if _line(client) != "ready":
                raise RuntimeError("the screens could not connect; their words are above")
        told = _tell(side, load, outcome)
        threading.Event().wait(SETTLE_S)
        for number, client in enumerate(clients):
            heard = json.loads(client.communicate("\n")[0])
            _reckon(heard, _places(load, number), told, outcome)
    outcome.to_all.sort()
    outcome.to_one.sort()
    outcome.to_tell.sort()
    return outcome


@contextmanager
def _client(side: Side, load: Load, number: int) -> Iterator[subprocess.Popen[str]]:
    places = _places(load, number)
    task = Task(
        urls=[side.urls[place] for place in places],
        headers=[side.headers[place] for place in places],
        own=[side.own[place] for place in places],
        all=EVERYBODY,
        noting=list(range(min(len(places), NOTING // CLIENTS))),
    )
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


def _places(load: Load, number: int) -> range:
    """The screens that this client plays: whole pairs, so that each client has as many on one server as on the other."""
    half = load.screens // 2 // CLIENTS * 2
    return range(number * half, load.screens if number == CLIENTS - 1 else (number + 1) * half)


def _line(client: subprocess.Popen[str]) -> str:
    assert client.stdout is not None
    return client.stdout.readline().strip()


@dataclass
class Told:
    """What was made to happen: the number that a hint will name, when it had, and the place of the one screen (None: all)."""

    number: int
    done: float
    place: int | None


def _tell(side: Side, load: Load, outcome: Outcome) -> list[Told]:
    """Make things happen, each at its time whether or not those before it are over."""
    told: list[Told] = []
    begin, seconds = time.perf_counter(), load.minutes * 60
    step, every = 1 / (TO_ALL + TO_ONE), round((TO_ALL + TO_ONE) / TO_ALL)

    def happen(place: int | None) -> None:
        began = time.perf_counter()
        number = side.tell(place)
        done = time.perf_counter()
        outcome.to_tell.append(done - began)
        told.append(Told(number, done, place))

    with ThreadPoolExecutor(TELLERS) as tellers:
        doing = []
        for number in range(round(seconds / step)):
            threading.Event().wait(max(0.0, begin + number * step - time.perf_counter()))
            doing.append(tellers.submit(happen, None if number % every == 0 else number % load.screens))
            if number % round(1 / step) == 0 and number * step >= seconds * WARM:
                outcome.memory.append(resident_mb(side.processes))
        for each in doing:
            each.result()
    outcome.memory.append(resident_mb(side.processes))
    outcome.a_second = len(told) / (time.perf_counter() - begin)
    happen(None)  # the last word is one for all
    return told


def _reckon(heard: Mapping[str, Any], places: range, told: Sequence[Told], outcome: Outcome) -> None:
    """How long each screen waited for each event that concerns it: until the first hint that names it or a later one."""
    for_all = sorted((each for each in told if each.place is None), key=lambda each: each.number)
    for_one: dict[int, list[Told]] = {}
    for each in sorted((each for each in told if each.place is not None), key=lambda each: each.number):
        for_one.setdefault(each.place or 0, []).append(each)
    for hints in heard["all"].values():
        waits = list(_waits(for_all, hints))
        outcome.unheard += len(for_all) - len(waits)
        outcome.to_all += waits
    for place, hints in heard["own"].items():
        events = for_one.get(places[int(place)], [])
        waits = list(_waits(events, hints))
        outcome.unheard += len(events) - len(waits)
        outcome.to_one += waits
    outcome.told_last += sum(last >= for_all[-1].number for last in heard["last"])


def _waits(events: Sequence[Told], hints: Sequence[tuple[int, float]]) -> Iterator[float]:
    left = iter(hints)
    at, when = 0, 0.0
    for event in events:
        while at < event.number:
            hint = next(left, None)
            if hint is None:
                return  # never heard of
            at, when = hint
        yield max(0.0, when - event.done)  # others may hear of a commit a moment before it returns


def _at(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))] if taken else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
