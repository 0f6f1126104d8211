"""`bench live`: from a commit to every open screen, on two web processes; the floor is a bare Flask-SocketIO server's own push.

The desk's way is a commit in this process, the event feed of each web process, and a hint to each of its screens; the bare
server's an emit to one room of as many. Both run under gunicorn on gevent, and the clients are the same.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select

from desk.actions.people import sessions
from desk.actions.people.agents import add_agent
from desk.app import create_app, install, prepare
from desk.bench.figures import figure
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Team

SCREENS = 500
HINTS = 60
APART_S = 0.1
SETTLE_S = 2.0  # for the last hints to arrive
EMAIL, PASSWORD = "bench@desk.example", "for this run only"
BARE = """
from flask import Flask, request
from flask_socketio import SocketIO, join_room
app = Flask("bare")
socketio = SocketIO(app, async_mode="gevent", transports=["websocket"])
@socketio.on("watch", namespace="/desk")
def watch(data):
    join_room("board")
    return {"ok": ["board"]}
@app.post("/emit")
def emit():
    socketio.emit("changed", {"topics": ["board"], "at": int(request.get_data())}, namespace="/desk", to="board")
    return ""
@app.get("/readyz")
def ready():
    return ""
"""


def run(_settings: Settings, screens: int = SCREENS) -> dict[str, Any]:
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="desk-live-")))
        home.chmod(0o755)  # PostgreSQL runs as another user
        bare = running.enter_context(_bare(home))
        floor = asyncio.run(_measure([bare], screens, {}, lambda client, number: _tell_bare(client, bare, number)))
        desk, webs, cookie = _start(running, home)
        made: list[int] = []
        desk.store.subscribe(lambda events: made.append(events[-1].id), ours_only=True)
        ours = asyncio.run(_measure(webs, screens, cookie, lambda _client, _number: asyncio.to_thread(_commit, desk, made)))
        desk.store.engine.dispose()
    what = f"a bare server's push to {screens} screens"
    figures = {
        f"commit_to_screen_{name}": figure(_at(ours, share) * 1000, "ms", _at(floor, share) * 1000, what)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    sent = screens * HINTS
    return {**figures, "hints_heard": figure(len(ours), f"of {sent}", len(floor), "the bare server's")}


def _start(running: ExitStack, home: Path) -> tuple[Installation, list[str], dict[str, str]]:
    """Two web processes with a supervisor whose session all screens share."""
    shared = {
        "DESK_DATA_DIR": str(home / "data"),
        "DESK_DATABASE_URL": running.enter_context(grown.postgres(home / "postgres")),
        "DESK_REDIS_URL": running.enter_context(grown.redis(_free_port())),
        "DESK_SECRET_KEY": "a secret for this run only, and long enough",
    }
    desk = install(Settings.from_env(shared))
    prepare(desk)
    with desk.store.tx(SYSTEM) as tx:
        team = tx.session.scalar(select(Team).limit(1))
        add_agent(tx, email=EMAIL, name="Bench", password=PASSWORD, roles=["supervisor"], team=team)
    with desk.store.tx(SYSTEM) as tx:
        token, _agent = sessions.attempt(tx, EMAIL, PASSWORD, address="127.0.0.1", browser="bench")  # type: ignore[misc]
    parts = []
    for _ in range(2):
        port = _free_port()
        parts.append(running.enter_context(grown.process("web", port, {**shared, "DESK_HTTP_PORT": str(port)}, home)))
    for part in parts:
        grown.wait_until_ready(part)
    return desk, [part.url for part in parts], _cookie(desk, token)


def _cookie(desk: Installation, token: str) -> dict[str, str]:
    app, _ = create_app(desk)
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return {"Cookie": f"desk={serializer.dumps({'token': token})}"}


def _commit(desk: Installation, made: list[int]) -> int:
    """Something happened that concerns the board; the id that screens will be told."""
    with desk.store.tx(SYSTEM) as tx:
        tx.emit("queue.requeued")
    return made[-1]


@contextmanager
def _bare(home: Path) -> Iterator[str]:
    (home / "bare.py").write_text(BARE)
    port = _free_port()
    words = ["gunicorn", "-k", "gevent", "--worker-connections", "5000", "--log-level", "warning", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen([sys.executable, "-m", *words, "bare:app"], cwd=home, stdin=subprocess.DEVNULL)
    part = grown.Part("bare", port, process)
    try:
        grown.wait_until_ready(part)
        yield part.url
    finally:
        process.terminate()
        process.wait()


async def _tell_bare(client: aiohttp.ClientSession, url: str, number: int) -> int:
    async with client.post(f"{url}/emit", data=str(number)):
        return number


async def _measure(
    urls: Sequence[str],
    screens: int,
    headers: dict[str, str],
    tell: Callable[[aiohttp.ClientSession, int], Awaitable[int]],
) -> list[float]:
    """Seconds from before the telling to each screen that heard of it."""
    heard: list[tuple[int, float]] = []
    begun: dict[int, float] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        ready = [asyncio.Event() for _ in range(screens)]
        tasks = []
        for place in range(screens):
            url = f"{urls[place % len(urls)]}/socket.io/?EIO=4&transport=websocket"
            tasks.append(asyncio.create_task(_screen(client, url, headers, ready[place], heard)))
            if place % 20 == 19:
                await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ready[: place + 1])), 120)
        await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ready)), 120)
        for number in range(1, HINTS + 1):
            start = time.perf_counter()
            begun[await tell(client, number)] = start
            await asyncio.sleep(APART_S)
        await asyncio.sleep(SETTLE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return sorted(at - begun[number] for number, at in heard if number in begun)


async def _screen(
    client: aiohttp.ClientSession, url: str, headers: dict[str, str], ready: asyncio.Event, heard: list[tuple[int, float]]
) -> None:
    async with client.ws_connect(url, headers=headers) as line:
        await line.send_str("40/desk,")
        async for message in line:
            packet = message.data
            if packet == "2":
                await line.send_str("3")
            elif packet.startswith("40"):
                await line.send_str('42/desk,1["watch",{"topics":["board"]}]')
            elif packet.startswith("43"):
                ready.set()
            elif packet.startswith('42/desk,["changed"'):
                heard.append((json.loads(packet[8:])[1]["at"], time.perf_counter()))


def _at(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))] if taken else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
