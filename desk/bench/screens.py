"""Open screens for `bench live`, in a process of their own: each has a connection, watches its topics and hears hints.

Run with the task as JSON on standard input. It says `ready` when all screens watch, hears until a line comes (or the input ends),
and prints what was heard as JSON. Times are those of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

import aiohttp

AT_ONCE = 20  # screens that connect at the same time
PATIENCE_S = 120.0


@dataclass
class Task:
    """Where each screen connects, as whom, and what it watches: a topic of all and one of its own.

    Only the screens in `noting` keep each hint of all: what they hear stands for what the others hear.
    """

    urls: list[str]
    headers: list[dict[str, str]]
    own: list[str]
    all: str
    noting: list[int]


@dataclass
class Heard:
    """By place of the screen: (id of the last event told, when). `last` is the highest id of all that each was told of."""

    all: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    own: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)


async def work(task: Task) -> Heard:
    heard = Heard({place: [] for place in task.noting}, {place: [] for place in range(len(task.urls))}, [0] * len(task.urls))
    ready = [asyncio.Event() for _ in task.urls]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        screens = []
        for place in range(len(task.urls)):
            screens.append(asyncio.create_task(_screen(client, task, place, ready[place], heard)))
            if place % AT_ONCE == AT_ONCE - 1:
                await _all(ready[: place + 1])
        await _all(ready)
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        for screen in screens:
            screen.cancel()
        ended = await asyncio.gather(*screens, return_exceptions=True)
    broken = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"{len(broken)} screens were cut off: {broken[0]!r}")
    return heard


async def _all(ready: list[asyncio.Event]) -> None:
    await asyncio.wait_for(asyncio.gather(*(each.wait() for each in ready)), PATIENCE_S)


async def _screen(client: aiohttp.ClientSession, task: Task, place: int, ready: asyncio.Event, heard: Heard) -> None:
    watch = json.dumps(["watch", {"topics": [task.all, task.own[place]]}])
    of_all = f'42/desk,["changed",{{"topics":["{task.all}"]'
    noted = heard.all.get(place)
    async with client.ws_connect(
        f"{task.urls[place]}/socket.io/?EIO=4&transport=websocket", headers=task.headers[place], compress=0
    ) as line:
        await line.send_str("40/desk,")
        async for message in line:
            packet: str = message.data
            if packet.startswith('42/desk,["changed"'):
                now, at = time.perf_counter(), int(packet[packet.rindex(":") + 1 : -2])
                if not packet.startswith(of_all):
                    heard.own[place].append((at, now))
                    continue
                heard.last[place] = max(heard.last[place], at)
                if noted is not None:
                    noted.append((at, now))
            elif packet == "2":
                await line.send_str("3")
            elif packet.startswith("40"):
                await line.send_str(f"42/desk,0{watch}")
            elif packet.startswith("43"):
                ready.set()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(json.dumps(asdict(asyncio.run(work(Task(**json.loads(sys.stdin.readline())))))))
