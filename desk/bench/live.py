"""`bench live`: from a commit to the screens it concerns, on two web processes, with events that concern all and events for one.

The desk's way is a commit in this process, the event feed of each web process, and a hint to the rooms concerned; the floor's an
emit through Redis to two bare Flask-SocketIO servers with the same rooms. Both run under gunicorn on gevent, both get the same
traffic, and the clients (`screens`) are the same. A hint stands for all that happened until the event it names.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask_socketio import SocketIO
from sqlalchemy import select

from desk.actions.people.customers import identify
from desk.actions.tickets.tickets import open_ticket
from desk.bench import processes
from desk.bench.calls import quantile
from desk.bench.figures import figure
from desk.bench.memory import resident_mb
from desk.bench.screens import Task
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Queue

TO_ALL, TO_ONE = 10.0, 200.0  # events a second
CLIENTS = 2  # processes that play the screens
NOTING = 40  # screens that keep each hint of all
TELLERS = 8  # threads that make things happen
SETTLE_S = 10.0  # for the last hints to arrive
WARM = 0.1  # of the time, before memory is first read
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
        redis = running.enter_context(grown.redis(processes.free_port()))
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
            found[f"{name}_p{share * 100:.0f}"] = figure(quantile(here, share) * 1000, "ms", quantile(there, share) * 1000, what)
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
    with ExitStack() as running:
        parts = [running.enter_context(bare_server(home, redis)) for _ in range(2)]
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
def bare_server(home: Path, redis: str) -> Iterator[grown.Part]:
    """A bare Flask-SocketIO server as the desk's own are run, with `/readyz` for its one page."""
    (home / "bare.py").write_text(BARE)
    port = processes.free_port()
    words = ["gunicorn", "-k", "gevent", "--worker-connections", "5000", "--log-level", "warning", "-b", f"127.0.0.1:{port}"]
    command = ["env", f"QUEUE={redis}", sys.executable, "-m", *words, "bare:app"]
    process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL)
    try:
        yield grown.Part("bare", port, process)
    finally:
        process.terminate()
        process.wait()


def _desk(running: ExitStack, home: Path, redis: str, count: int) -> Side:
    """Two web processes, and an agent with a session of their own for each screen."""
    desk, shared = processes.prepared(running, home, redis)
    agents = processes.sign_in(desk, count)
    ticket = _ticket(desk)
    webs = processes.start(running, home, shared, "web", "web")
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
        urls=[webs[place % 2].url for place in range(count)],
        headers=processes.cookies(desk, count),
        own=[f"worklist:{agent}" for agent in agents],
        tell=tell,
        processes=[web.part.process.pid for web in webs],
    )


def _ticket(desk: Installation) -> int:
    """The id of a ticket that is nobody's."""
    with desk.store.tx(SYSTEM) as tx:
        customer = identify(tx, "email", "li.na@customers.example")
        queue = tx.session.scalars(select(Queue).order_by(Queue.id).limit(1)).one()
        return open_ticket(tx, customer=customer, queue=queue, subject="Of this run", channel="form").id


# The measuring


def _measure(side: Side, load: Load) -> Outcome:
    outcome = Outcome()
    with ExitStack() as running:
        clients = [running.enter_context(processes.screens(_task(side, load, number))) for number in range(CLIENTS)]
        for client in clients:
            processes.wait_until_watched(client)
        told = _tell(side, load, outcome)
        threading.Event().wait(SETTLE_S)
        for number, client in enumerate(clients):
            heard = json.loads(client.communicate("\n")[0])
            _reckon(heard, _places(load, number), told, outcome)
    return outcome


def _task(side: Side, load: Load, number: int) -> Task:
    places = _places(load, number)
    return Task(
        urls=[side.urls[place] for place in places],
        headers=[side.headers[place] for place in places],
        own=[side.own[place] for place in places],
        all=EVERYBODY,
        noting=list(range(min(len(places), NOTING // CLIENTS))),
    )


def _places(load: Load, number: int) -> range:
    """The screens that this client plays: whole pairs, so that each client has as many on one server as on the other."""
    half = load.screens // 2 // CLIENTS * 2
    return range(number * half, load.screens if number == CLIENTS - 1 else (number + 1) * half)


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
