"""The customers of a chaos run. Each keeps what it says until it is acknowledged, and says it again the same way."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import smtplib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from queue import Empty, SimpleQueue
from random import Random
from typing import Any

import aiohttp

from channels.chat.secret import new_token
from tests.faults.chaos.ledger import Ledger

PAUSE_S = 2.0  # before somebody tries again
ANSWER_S = 15.0
CUSTOMERS = 4000
PATIENT_S = 60.0  # so long a visitor waits for an agent
Door = tuple[str, int, Sequence[str]]  # host, port, and the addresses from which strangers reach it
TOKEN = re.compile(r'name="(csrf_token|token)"[^>]*value="([^"]+)"')


class MailSenders:
    """Mail servers of strangers, in threads: a mail that was not answered 250 goes again, by any door of the desk."""

    def __init__(self, ledger: Ledger, doors: list[Door], *, senders: int) -> None:
        self._ledger, self._doors = ledger, itertools.cycle(doors)
        self._todo: SimpleQueue[str] = SimpleQueue()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._deliver, args=(n,), daemon=True) for n in range(senders)]
        for thread in self._threads:
            thread.start()

    def send(self) -> None:
        self._todo.put(self._ledger.mark("mail"))

    def finish(self) -> None:
        """Everything that waits is sent; returns when it has been acknowledged."""
        self._closing.set()
        for thread in self._threads:
            thread.join(120)

    def _deliver(self, number: int) -> None:
        mark = ""
        while True:
            try:
                host, port, strangers = next(self._doors)
                mine = strangers[number % len(strangers)], 0
                with smtplib.SMTP(host, port, timeout=ANSWER_S, source_address=mine) as smtp:
                    while True:
                        mark = mark or self._next()
                        if not mark:
                            return
                        smtp.send_message(_mail(mark))
                        self._ledger.acknowledge("mail", mark)
                        mark = ""
            except (smtplib.SMTPException, OSError):
                self._ledger.tried("mail")
                threading.Event().wait(PAUSE_S)

    def _next(self) -> str:
        while True:
            with suppress(Empty):
                return self._todo.get(timeout=0.2)
            if self._closing.is_set():
                return ""


def _mail(mark: str) -> EmailMessage:
    number = int(mark.split("-")[1])
    mail = EmailMessage()
    mail["From"], mail["To"] = _somebody(mark), "support@desk.example"
    mail["Subject"], mail["Message-ID"] = f"Question {number}", f"<{mark}@customers.example>"
    mail.set_content(f"The router at home is dead since the storm. {mark}\n")
    if number % 7 == 0:
        mail.add_attachment(f"the log of {mark}\n".encode() * 200, maintype="text", subtype="plain", filename="log.txt")
    return mail


def _somebody(mark: str) -> str:
    """Whose address it is: many come more than once."""
    return f"c{int(mark.split('-')[1]) % CUSTOMERS}@customers.example"


class Visitors:
    """People on our site, who chat or fill in a form. Each comes from an address of its own."""

    def __init__(self, ledger: Ledger, url: str, chance: Random) -> None:
        self._ledger, self._url, self._chance = ledger, url, chance
        self._there: set[asyncio.Task[None]] = set()

    def come(self, how: str) -> None:
        way = {"chat": self._chat, "form": self._write}[how]
        address = f"127.{self._chance.randrange(1, 200)}.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
        task = asyncio.get_running_loop().create_task(way(address))
        self._there.add(task)
        task.add_done_callback(self._there.discard)

    async def finish(self) -> None:
        await asyncio.gather(*self._there)

    async def _write(self, address: str) -> None:
        mark = self._ledger.mark("form")
        filled: dict[str, str] = {}
        async with _session(address) as browser:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    if not filled:
                        async with browser.get(f"{self._url}/write") as page:
                            filled = dict(TOKEN.findall(await page.text())) if page.status == 200 else {}
                    form = {**filled, "name": "Li Na", "email": _somebody(mark), "text": f"Where is it? {mark}"}
                    headers = {"Referer": f"{self._url}/write"}
                    async with browser.post(f"{self._url}/write", data=form, headers=headers, allow_redirects=False) as answer:
                        if answer.status == 303:
                            self._ledger.acknowledge("form", mark)
                            return
                        self._ledger.tried("form", str(answer.status) if answer.status < 500 else "")
                        if 400 <= answer.status < 500:
                            return
                await asyncio.sleep(PAUSE_S)

    async def _chat(self, address: str) -> None:
        opening = {
            "token": new_token(),
            "client_id": self._ledger.mark("chat"),
            "name": "Wang Wei",
            "topic": "other",
            "locale": "en",
        }
        opening["text"], opening["email"] = f"Hello? {opening['client_id']}", _somebody(opening["client_id"])
        until = asyncio.get_running_loop().time() + PATIENT_S
        async with _session(address) as client:
            window = Window(client, self._url, opening["token"], until)
            if not await window.say("open", opening, lambda: self._ledger.tried("chat")):
                return
            self._ledger.acknowledge("chat", opening["client_id"])
            for _ in range(2):
                mark = self._ledger.mark("said")
                said = {"client_id": mark, "text": f"And then? {mark}"}
                if not await window.say("say", said, lambda: self._ledger.tried("said")):
                    break
                self._ledger.acknowledge("said", mark)
                await asyncio.sleep(self._chance.uniform(0.2, 2.0))
            await window.answered()
            await window.say("end", {}, lambda: None)


class Window:
    """A visitor's window: connects again whenever its line breaks, until its visitor has no more patience."""

    def __init__(self, client: aiohttp.ClientSession, url: str, token: str, until: float) -> None:
        self._client, self._token, self._until = client, token, until
        self._address = f"{url}/socket.io/?EIO=4&transport=websocket"
        self._line: aiohttp.ClientWebSocketResponse | None = None
        self._ids = itertools.count(1)
        self._spoken = asyncio.Event()

    async def say(self, event: str, data: dict[str, Any], again: Callable[[], None]) -> bool:
        """Whether the desk has acknowledged it."""
        while self._left() > 0:
            try:
                answer = await asyncio.wait_for(self._ask(event, data), ANSWER_S)
            except (aiohttp.ClientError, TimeoutError, OSError, ConnectionError):
                await self._drop()
                again()
                await asyncio.sleep(PAUSE_S)
                continue
            if answer.get("ok"):
                return True
            if answer.get("status", 0) < 500:
                return False
            again()
            await asyncio.sleep(PAUSE_S)
        return False

    async def answered(self) -> None:
        """Wait until an agent has said something, or patience ends."""
        while self._left() > 0 and not self._spoken.is_set():
            try:
                if self._line is None:
                    await asyncio.wait_for(self._connect(), ANSWER_S)
                self._take(await asyncio.wait_for(self._read(), 3.0))
            except TimeoutError:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    found = await asyncio.wait_for(self._ask("since", {"token": self._token, "after": 0}), ANSWER_S)
                    if any(each.get("from") == "agent" for each in found.get("messages", [])):
                        return
            except (aiohttp.ClientError, OSError):
                await self._drop()
                await asyncio.sleep(PAUSE_S)

    async def _ask(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        if self._line is None:
            await self._connect()
        number = next(self._ids)
        await self._line.send_str(f"42/visitor,{number}{json.dumps([event, data])}")
        while True:
            packet = await self._read()
            if packet.startswith(f"43/visitor,{number}["):
                return json.loads(packet.partition("[")[2][:-1] or "{}")
            self._take(packet)

    async def _connect(self) -> None:
        self._line = await self._client.ws_connect(self._address)
        await self._line.send_str(f"40/visitor,{json.dumps({'token': self._token, 'locale': 'en'})}")
        while not (await self._read()).startswith("40/visitor"):
            pass

    async def _read(self) -> str:
        while True:
            message = await self._line.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError("the line is closed")
            if message.data == "2":
                await self._line.send_str("3")
                continue
            return message.data

    def _take(self, packet: str) -> None:
        if packet.startswith('42/visitor,["message"') and '"from":"agent"' in packet.replace(" ", ""):
            self._spoken.set()

    async def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(Exception):
                await asyncio.wait_for(line.close(), 1.0)

    def _left(self) -> float:
        return self._until - asyncio.get_running_loop().time()


def _session(address: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(local_addr=(address, 0)),
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S),
    )
