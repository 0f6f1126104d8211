"""The agents of a chaos run: a signed-in screen each, that takes what is offered, answers it and solves it, however often the
desk is away in between."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from random import Random

import aiohttp

from tests.faults.chaos.ledger import Ledger
from tests.world import PASSWORD

ANSWER_S = 15.0
PAUSE_S = 0.5
LOOK_S = 5.0  # of whoever hears nothing: as long as a person looks at a screen before they do something
OFFER = re.compile(r"/desk/offers/(\d+)/accept")
TICKET = re.compile(r"/desk/tickets/(\d+)")


class Agent:
    """One agent at one screen. What it is told by hints it does at once; what is on its desk anyway, at the next look."""

    def __init__(self, ledger: Ledger, url: str, agent_id: int, email: str, chance: Random) -> None:
        self._ledger, self._url, self._id, self._email, self._chance = ledger, url, agent_id, email, chance
        self._browser = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=ANSWER_S)
        )
        self._headers: dict[str, str] = {}
        self._resting = False
        self._dirty = asyncio.Event()
        self._doing: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self._sign_in()
        await self._until_done("/desk/presence", {"presence": "available"})
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._work())]

    async def rest(self) -> None:
        """Take nothing new; what is on the desk is still done."""
        self._resting = True
        await self._until_done("/desk/presence", {"presence": "away"})

    async def end(self) -> None:
        for task in (*self._tasks, *self._doing.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._doing.values(), return_exceptions=True)
        await self._browser.close()

    async def _sign_in(self) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError, IndexError):
                await self._take_token("/login")
                form = {"email": self._email, "password": PASSWORD}
                async with self._browser.post(f"{self._url}/login", data=form, headers=self._headers) as answer:
                    answer.raise_for_status()
                await self._take_token("/desk")
                return
            await asyncio.sleep(PAUSE_S)

    async def _take_token(self, path: str) -> None:
        async with self._browser.get(self._url + path) as page:
            text = await page.text()
        self._headers = {"X-CSRFToken": text.split('name="csrf-token" content="', 1)[1].split('"', 1)[0]}

    async def _listen(self) -> None:
        """The screen's socket: on every connect everything is looked at again, as the page does."""
        topics = [f"worklist:{self._id}", f"self:{self._id}"]
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                address = f"{self._url}/socket.io/?EIO=4&transport=websocket"
                async with self._browser.ws_connect(address, receive_timeout=20) as line:
                    await line.send_str("40/desk,")
                    async for message in line:
                        if message.type is not aiohttp.WSMsgType.TEXT:
                            break
                        if message.data == "2":
                            await line.send_str("3")
                        elif message.data.startswith("40/desk"):
                            await line.send_str(f'42/desk,1["watch",{json.dumps({"topics": topics})}]')
                        elif message.data.startswith("43/desk") or message.data.startswith('42/desk,["changed"'):
                            self._ledger.happened("hint")
                            self._dirty.set()
            await asyncio.sleep(PAUSE_S)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dirty.wait(), LOOK_S)
            self._dirty.clear()
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with self._browser.get(f"{self._url}/desk/worklist", headers={"X-Fragment": "1"}) as page:
                    text = await page.text() if page.status == 200 else ""
                offers, tickets = OFFER.findall(text), set(TICKET.findall(text))
                for offer in offers:
                    self._begin(loop, f"offer {offer}", self._accept(offer))
                for number in tickets:
                    self._begin(loop, f"ticket {number}", self._answer(number))
                if text and not offers and not tickets and not self._resting:  # an offer may have run out meanwhile
                    await self._post("/desk/presence", {"presence": "available"})

    def _begin(self, loop: asyncio.AbstractEventLoop, name: str, work) -> None:
        if name in self._doing and not self._doing[name].done():
            work.close()
            return
        self._doing[name] = loop.create_task(work)

    async def _accept(self, offer: str) -> None:
        await asyncio.sleep(self._chance.uniform(0.1, 0.5))
        await self._post(f"/desk/offers/{offer}/accept", {})
        self._dirty.set()

    async def _answer(self, number: str) -> None:
        """What is on the desk is answered, by the way that it came, and solved."""
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._browser.get(f"{self._url}/desk/tickets/{number}") as page:
                text = await page.text()
            kind = "chat" if 'id="kind-chat"' in text else "email"
            mark = self._ledger.mark("answer")
            if await self._until_done(
                f"/desk/tickets/{number}/messages", {"kind": kind, "text": f"Try again. {mark}", "client_id": mark}
            ):
                self._ledger.acknowledge("answer", mark)
            if kind == "chat" and (chat := re.search(r"/desk/chats/(\d+)/end", text)):
                await asyncio.sleep(self._chance.uniform(0.5, 1.5))
                await self._until_done(f"/desk/chats/{chat[1]}/end", {})
            solved = {"category": "technical", "wrap_up_code": "solved", "resolution": "It works again."}
            await self._until_done(f"/desk/tickets/{number}/solve", solved)
        self._dirty.set()

    async def _until_done(self, path: str, form: dict[str, str]) -> bool:
        """Ask until the desk says yes or no."""
        while True:
            status = await self._post(path, form)
            if status and status < 500:
                if status >= 400:
                    self._ledger.tried("answer", f"{re.sub('[0-9]+', 'N', path)} {status}")
                return status < 400
            self._ledger.tried("answer")
            await asyncio.sleep(PAUSE_S)

    async def _post(self, path: str, form: dict[str, str]) -> int:
        """The status, or 0 when there was no answer."""
        try:
            async with self._browser.post(self._url + path, data=form, headers=self._headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0
