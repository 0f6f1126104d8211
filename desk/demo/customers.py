"""How the demo's customers behave at a running desk: each comes in by a real door, waits for as long as they can, and goes."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any
from zlib import crc32

import aiohttp
import socketio

from channels.message import Contact
from desk.clock import Clock
from desk.config import Settings
from desk.demo.people import Patron
from desk.demo.phrases import ON_THE_LINE, THANKS
from desk.demo.post import send_mail
from desk.demo.stories import Story, stories

KEYS = {"billing": "1", "technical": "2"}
LONGEST_TALK_S = 300.0
LONGEST_SILENCE_S = 75.0
ANSWER_S = 15.0
CHAT_TOPICS = ("billing", "technical", "delivery", "product")


@dataclass(frozen=True)
class Visit:
    """One person with one matter. They act `hurry` times faster than people, and give up `impatience` times sooner, for tests."""

    settings: Settings
    patron: Patron
    story: Story
    chance: Random
    hurry: float = 1.0
    impatience: float = 1.0

    @property
    def headers(self) -> dict[str, str]:
        """Where they are, as a proxy of the desk's own would say it: believed only where the desk stands behind one."""
        place = crc32(self.patron.phone.encode())
        return {"X-Forwarded-For": f"198.18.{place >> 8 & 255}.{place & 255}"}  # a net for tests (RFC 2544)

    async def pause(self, least: float, most: float) -> None:
        """As long as people take to read, think and type."""
        await asyncio.sleep(self.chance.uniform(least, most) / self.hurry)

    def patience(self, least: float, most: float) -> float:
        """How many seconds they wait for an answer."""
        return self.chance.uniform(least, most) / self.impatience


async def call(visit: Visit) -> str:
    """Dial, choose from the menu, wait, talk when answered, hang up. Returns `helped` or `gave_up`."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with _connected(visit, "/phone") as client:
        client.on("phone", heard.put, namespace="/phone")
        reply = await client.call("dial", {"from": visit.patron.phone}, namespace="/phone", timeout=ANSWER_S)
        if "error" in reply:
            raise RefusedAtDoor(reply["error"]["message"])
        sid = reply["call_sid"]
        for event in reply["events"]:
            heard.put_nowait(event)
        try:
            return await _on_the_line(visit, client, sid, heard)
        finally:
            if client.connected:
                await client.call("hang_up", {"call_sid": sid}, namespace="/phone", timeout=ANSWER_S)


async def chat(visit: Visit) -> str:
    """Open a chat as the shop's page does, answer what the agent writes, end and rate it. Leaves a message if nobody is there."""
    news: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
    patron = visit.patron
    async with _connected(visit, "/visitor", {"locale": patron.locale}) as client:

        @client.on("message", namespace="/visitor")
        async def said(data: dict[str, Any]) -> None:
            await news.put(("message", data))

        @client.on("state", namespace="/visitor")
        async def moved(data: dict[str, Any]) -> None:
            await news.put(("state", data))

        opening = {
            "token": f"{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(9)}",
            "client_id": secrets.token_hex(8),
            "name": patron.name,
            "email": patron.email,
            "topic": visit.story.category if visit.story.category in CHAT_TOPICS else "other",
            "text": visit.story.text,
            "locale": patron.locale,
            "page_url": f"{visit.settings.base_url}/shop",
        }
        reply = await client.call("open", opening, namespace="/visitor", timeout=ANSWER_S)
        if reply.get("status") == 409:
            left = await client.call("leave", opening, namespace="/visitor", timeout=ANSWER_S)
            _check(left)
            return "left_message"
        _check(reply)
        return await _in_chat(visit, client, news)


async def mail(visit: Visit) -> str:
    """Write a mail."""
    sender = Contact("email", visit.patron.email, visit.patron.name)
    at = Clock().now()
    await asyncio.to_thread(send_mail, visit.settings, sender, visit.story.subject, visit.story.text, at=at)
    return "sent"


async def complain(visit: Visit) -> str:
    """Fill in the complaint form in a browser without scripts."""
    address = f"{visit.settings.base_url}/complaints/new"
    headers = {"Accept-Language": visit.patron.locale, **visit.headers}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers=headers) as browser:
        async with browser.get(address) as page:
            page.raise_for_status()
            hidden = dict(re.findall(r'name="(csrf_token|token)"[^>]*value="([^"]+)"', await page.text()))
        await visit.pause(2, 6)
        filled = {
            **hidden,
            "statement": visit.story.text,
            "remedy_wanted": visit.story.wish,
            "product": visit.story.subject,
            "category": visit.story.category,
            "name": visit.patron.name,
            "email": visit.patron.email,
        }
        async with browser.post(address, data=filled, headers={"Referer": address}) as answer:
            if answer.status != 200:
                raise RefusedAtDoor(f"the form answered {answer.status}")
    return "sent"


class RefusedAtDoor(Exception):
    """The desk did not let the visitor in; the text is its reason."""


WAYS = {"voice": call, "chat": chat, "email": mail, "form": complain}


def matter(channel: str, patron: Patron, chance: Random) -> Story:
    """What this person comes with."""
    kind = "complaints" if channel == "form" else "stories"
    return chance.choice(stories(kind, patron.locale)).told(patron.name, chance)


@asynccontextmanager
async def _connected(visit: Visit, namespace: str, auth: dict[str, str] | None = None) -> AsyncIterator[socketio.AsyncClient]:
    async with aiohttp.ClientSession() as http:  # ours, so that it is closed too for who is sent away while they still knock
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=http)
        try:
            await client.connect(
                visit.settings.base_url,
                headers=visit.headers,
                namespaces=[namespace],
                transports=["websocket"],
                auth=auth,
                wait_timeout=ANSWER_S,
            )
            yield client
        finally:
            await client.disconnect()


async def _on_the_line(visit: Visit, client: socketio.AsyncClient, sid: str, heard: asyncio.Queue[dict[str, Any]]) -> str:
    keys = iter(["1" if visit.patron.locale == "zh" else "2", KEYS.get(visit.story.category, "0")])
    sentences = iter(_sentences(visit))
    connected = False
    gives_up_at = math.inf
    clock = asyncio.get_running_loop().time
    while True:
        try:
            event = await asyncio.wait_for(heard.get(), timeout=min(LONGEST_SILENCE_S, max(0, gives_up_at - clock())))
        except TimeoutError:
            return "helped" if connected else "gave_up"
        if event["kind"] == "ended":
            return "helped" if connected else "gave_up"
        if event["kind"] == "joined" and not connected:
            gives_up_at = min(gives_up_at, clock() + visit.patience(90, 300))
        if event["kind"] == "gather":
            await visit.pause(1, 4)
            await client.call("press", {"call_sid": sid, "digit": next(keys, "0")}, namespace="/phone", timeout=ANSWER_S)
        elif event["kind"] == "connected" or (event["kind"] == "heard" and connected):
            connected, gives_up_at = True, math.inf
            await visit.pause(2, 6)
            sentence = next(sentences, None)
            if sentence is None:
                return "helped"
            await client.call("say", {"call_sid": sid, "text": sentence}, namespace="/phone", timeout=ANSWER_S)


async def _in_chat(visit: Visit, client: socketio.AsyncClient, news: asyncio.Queue[tuple[str, dict[str, Any]]]) -> str:
    replies = iter(_sentences(visit)[1:])
    answered = False
    patience = visit.patience(120, 360)
    while True:
        try:
            kind, data = await asyncio.wait_for(news.get(), timeout=LONGEST_TALK_S if answered else patience)
        except TimeoutError:
            break
        if kind == "state" and data["state"] == "ended":
            break
        if kind != "message" or data.get("from") != "agent":
            continue
        answered = True
        await client.emit("got", {"up_to": data["id"]}, namespace="/visitor")
        await client.emit("typing", {}, namespace="/visitor")
        await visit.pause(3, 9)
        text = next(replies, None)
        if text is None:
            break
        said = {"client_id": secrets.token_hex(8), "text": text}
        _check(await client.call("say", said, namespace="/visitor", timeout=ANSWER_S))
    await client.call("end", {}, namespace="/visitor", timeout=ANSWER_S)
    if answered:
        score = visit.chance.choices((5, 4, 3, 2), (5, 3, 1, 1))[0]
        await client.call("rate", {"score": score}, namespace="/visitor", timeout=ANSWER_S)
    return "helped" if answered else "gave_up"


def _sentences(visit: Visit) -> list[str]:
    """What one says in turn: the matter, an answer to a question, thanks."""
    opening, between, farewell = visit.chance.choice(ON_THE_LINE[visit.patron.locale])
    return [f"{opening} {visit.story.text}", between, visit.chance.choice(THANKS[visit.patron.locale]), farewell]


def _check(reply: dict[str, Any]) -> None:
    if not reply.get("ok"):
        raise RefusedAtDoor(str(reply.get("error")))
