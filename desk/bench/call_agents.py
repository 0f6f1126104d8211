"""Scripted agents for `bench calls`, in a process of their own: each has a browser's session, sockets and pages.

They sign in, watch their work list as the console does (a hint, then the page's regions are fetched again), accept what is
offered, answer their softphone, sometimes put the caller on hold or hang up first, and wrap up. Run with the task as JSON on
standard input; a line on it, or its end, ends the work. What happened is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count
from random import Random
from typing import Any

import aiohttp
import socketio

REGIONS = {  # of the console's first page, and what each follows
    "/desk/worklist": "worklist:",
    "/desk/strip": "phone:",
    "/desk/presence": "self:",
    "/desk/welcome": "self:",
}
FRAGMENT = {"X-Fragment": "1"}
GATHER_S = 0.015  # as the console gathers hints
SIGN_IN_AT_ONCE = 4
FINISHING_S = 30.0
HOLDS, HANGS_UP_FIRST = 0.1, 0.15
OFFER = re.compile(r"/desk/offers/(\d+)/accept")
CALL = re.compile(r"/desk/calls/(\d+)/(?:hang-up|hold)")
OVER = re.compile(r"/desk/calls/(\d+)/wrap-up\"")


@dataclass
class Task:
    """Whom to play and how. `hurry` divides every pause of a person."""

    url: str
    softphone_url: str
    password: str
    emails: list[str]
    talk_s: float = 60.0
    wrap_up_s: float = 3.0
    hurry: float = 1.0
    seed: int = 1


@dataclass
class Report:
    """What the agents saw. `twice` counts calls that reached somebody who was on a call already."""

    answered: int = 0
    accepted: int = 0
    too_late: int = 0
    twice: int = 0
    wrapped_up: int = 0
    not_wrapped_up: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    accept_s: list[float] = field(default_factory=list)
    page_s: list[float] = field(default_factory=list)


class ScriptedAgent:
    """One agent at the console."""

    def __init__(self, task: Task, email: str, report: Report, chance: Random) -> None:
        self._task, self._email, self._report, self._chance = task, email, report, chance
        self._browser = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._sockets = socketio.AsyncClient(http_session=self._browser, reconnection=False)
        self._softphone = socketio.AsyncClient(http_session=self._browser, reconnection=False)
        self._headers: dict[str, str] = {}
        self._seen: set[str] = set()
        self._hints: set[str] = set()
        self._hinted = asyncio.Event()
        self._legs: set[str] = set()
        self._over: set[str] = set()
        self._doing: set[asyncio.Task[None]] = set()
        self._wrapping_up: set[asyncio.Task[None]] = set()

    async def sign_in(self) -> None:
        await self._take_token("/login")
        form = {"email": self._email, "password": self._task.password}
        async with self._browser.post(self._task.url + "/login", data=form, headers=self._headers) as answer:
            answer.raise_for_status()
        await self._take_token("/desk")
        async with self._browser.get(self._task.url + "/desk/softphone") as answer:
            phone = await answer.json()
        self._sockets.on("changed", self._changed, namespace="/desk")
        self._softphone.on("incoming", self._incoming, namespace="/softphone")
        self._softphone.on("event", self._perceived, namespace="/softphone")
        await self._sockets.connect(self._task.url, transports=["websocket"], namespaces=["/desk"], wait_timeout=60)
        await self._softphone.connect(
            self._task.softphone_url,
            auth={"token": phone["token"]},
            transports=["websocket"],
            namespaces=["/softphone"],
            wait_timeout=60,
        )
        number = phone["identity"].removeprefix("agent-")
        topics = [topic + number for topic in set(REGIONS.values())]
        await self._sockets.call("watch", {"topics": topics}, namespace="/desk", timeout=30)
        self._begin(self._follow())
        await self._post("/desk/presence", {"presence": "available"})

    async def sign_out(self) -> None:
        """What the desk has recorded of a wrap-up may still be on its way back to here; nothing else is waited for."""
        for doing in self._doing - self._wrapping_up:
            doing.cancel()
        if self._wrapping_up:
            await asyncio.wait(self._wrapping_up, timeout=FINISHING_S)
        for late in self._wrapping_up:
            late.cancel()
        self._report.not_wrapped_up += [f"{self._email}: {leg}" for leg in sorted(self._over)]
        await self._sockets.disconnect()
        await self._softphone.disconnect()
        await self._browser.close()

    # What the console does

    async def _changed(self, data: dict[str, Any]) -> None:
        self._hints.update(topic.partition(":")[0] + ":" for topic in data["topics"])
        self._hinted.set()

    async def _follow(self) -> None:
        """Fetch the regions that a hint is about again; hints during a fetch make one more."""
        self._hints.update(REGIONS.values())
        self._hinted.set()
        while True:
            await self._hinted.wait()
            await asyncio.sleep(GATHER_S)
            self._hinted.clear()
            hints, self._hints = self._hints, set()
            pages = await asyncio.gather(*(self._page(path) for path, topic in REGIONS.items() if topic in hints))
            for offer in OFFER.findall("".join(pages)):
                if offer not in self._seen:
                    self._seen.add(offer)
                    self._begin(self._accept(offer))

    async def _accept(self, offer: str) -> None:
        await self._pause(0.5, 2.0)
        before = time.perf_counter()
        accepted = await self._post(f"/desk/offers/{offer}/accept", {})
        self._report.accept_s.append(time.perf_counter() - before)
        if accepted:
            self._report.accepted += 1
        else:
            self._report.too_late += 1

    # What the softphone does

    async def _incoming(self, data: dict[str, Any]) -> None:
        await self._softphone.emit("answer", {"call_sid": data["call_sid"]}, namespace="/softphone")

    async def _perceived(self, data: dict[str, Any]) -> None:
        leg, kind = data["call_sid"], data["kind"]
        if kind == "connected" and leg not in self._legs:
            self._report.answered += 1
            self._report.twice += bool(self._legs)
            self._legs.add(leg)
            self._begin(self._talk())
        elif kind == "ended" and leg in self._legs:
            self._legs.discard(leg)
            self._over.add(leg)
            wrapping_up = self._begin(self._wrap_up(leg))
            self._wrapping_up.add(wrapping_up)
            wrapping_up.add_done_callback(self._wrapping_up.discard)

    async def _talk(self) -> None:
        """Listen; some callers are put on hold for a while, and with some the agent is the first to hang up."""
        talk_s = self._task.talk_s
        if self._chance.random() < HOLDS:
            await self._pause(talk_s * 0.1, talk_s * 0.3)
            for _ in range(2):
                await self._on_call("hold")
                await self._pause(talk_s * 0.05, talk_s * 0.1)
        if self._chance.random() < HANGS_UP_FIRST:
            await self._pause(talk_s * 0.2, talk_s)
            await self._on_call("hang-up")

    async def _wrap_up(self, leg: str) -> None:
        """It is shown when the desk has heard of the end; until then there is nothing to finish."""
        await self._pause(self._task.wrap_up_s * 0.5, self._task.wrap_up_s * 1.5)
        for _ in count():
            if await self._on_call("wrap-up", {"outcome": "solved"}, OVER):
                self._over.discard(leg)
                self._report.wrapped_up += 1
                return
            await asyncio.sleep(0.5 / self._task.hurry)

    async def _on_call(self, verb: str, form: dict[str, str] | None = None, which: re.Pattern[str] = CALL) -> bool:
        found = which.search(await self._page("/desk/strip"))
        return found is not None and await self._post(f"/desk/calls/{found[1]}/{verb}", form or {})

    # HTTP

    async def _page(self, path: str) -> str:
        before = time.perf_counter()
        async with self._browser.get(self._task.url + path, headers=FRAGMENT) as answer:
            text = await answer.text()
        self._report.page_s.append(time.perf_counter() - before)
        return text if answer.status == 200 else ""

    async def _post(self, path: str, form: dict[str, str]) -> bool:
        async with self._browser.post(self._task.url + path, data=form, headers=self._headers, allow_redirects=False) as answer:
            if answer.status >= 400 and answer.status != 409:
                self._report.refused.append(f"{path}: {answer.status}")
            return answer.status < 400

    async def _take_token(self, path: str) -> None:
        async with self._browser.get(self._task.url + path) as page:
            text = await page.text()
        self._headers = {"X-CSRFToken": text.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]}
        self._headers["HX-Request"] = "true"

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most) / self._task.hurry)

    def _begin(self, work: Any) -> asyncio.Task[None]:
        doing: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._doing.add(doing)
        doing.add_done_callback(self._done)
        return doing

    def _done(self, doing: asyncio.Task[None]) -> None:
        self._doing.discard(doing)
        if not doing.cancelled() and doing.exception() is not None:
            self._report.refused.append(repr(doing.exception()))


async def work(task: Task) -> Report:
    """Sign everybody in, say so on standard output, work until told to stop."""
    report, chance = Report(), Random(task.seed)
    agents = [ScriptedAgent(task, email, report, Random(chance.random())) for email in task.emails]
    few = asyncio.Semaphore(SIGN_IN_AT_ONCE)

    async def begin(agent: ScriptedAgent) -> None:
        async with few:
            await agent.sign_in()

    await asyncio.gather(*(begin(agent) for agent in agents))
    _say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(agent.sign_out() for agent in agents))
    return report


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(json.dumps(asdict(asyncio.run(work(Task(**json.loads(sys.stdin.readline())))))))
