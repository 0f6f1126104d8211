"""`bench grown`: a desk of eight processes: mail by two doors, read by two workers, offered by a router, pages from two webs.

Floors are the same things without a desk: SMTP servers that forget, a commit with one event, bare web servers.
"""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select

from desk.actions.people.agents import set_skill
from desk.actions.work import presence
from desk.bench import processes
from desk.bench.calls import SKILLS, quantile
from desk.bench.figures import figure, median_s
from desk.bench.live import bare_server
from desk.bench.screens import Task
from desk.bench.senders import mail, send_from_outside
from desk.commands import grown
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Agent, Message, Offer, SpooledMail, WorkItem

ROLES = ("web", "web", "smtp", "smtp", "worker", "worker", "router", "router")
AGENTS, OFFERED = 20, 40  # and so many mails for them, one after the other
CONNECTIONS, MAILS = 4, 150  # to each door, and over each connection
ASKING, PAGES = 8, 400
PAGE = "/complaints/new"
LAST_S = 120.0


def run(_settings: Settings) -> dict[str, Any]:
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="desk-grown-")))
        home.chmod(0o755)  # PostgreSQL runs as another user
        redis = running.enter_context(grown.redis(processes.free_port()))
        floors = _floors(home, redis)
        desk, shared = processes.prepared(running, home, redis)
        started = processes.start(running, home, shared, *ROLES)
        webs = [each.url for each in started if each.part.role == "web"]
        doors = [each.mail_port for each in started if each.part.role == "smtp"]
        commit = median_s(lambda: _commit(desk), 50)
        offered = _until_offered(desk, webs, doors)
        begin = time.perf_counter()
        intake = _send(doors, desk.settings.mail_from)
        read = len(doors) * CONNECTIONS * MAILS / (_until_read(desk) - begin)
        pages = asyncio.run(_pages([web + PAGE for web in webs]))
    return {
        "intake_by_two_doors": figure(intake, "mails/s", floors["intake"], "two SMTP servers that forget (more is better)"),
        "read_by_two_workers": figure(read, "mails/s", intake, "the intake, which went on meanwhile (more is better)"),
        "acknowledged_to_offered_p50": figure(quantile(offered, 0.5) * 1e3, "ms", commit * 1e3, "one commit with an event"),
        "acknowledged_to_offered_p95": figure(quantile(offered, 0.95) * 1e3, "ms", commit * 1e3, "one commit with an event"),
        "pages_from_two_webs": figure(pages, "pages/s", floors["pages"], "two bare servers' empty page (more is better)"),
    }


def _floors(home: Path, redis: str) -> dict[str, float]:
    with ExitStack() as running:
        sinks = [running.enter_context(_sink()) for _ in range(2)]
        bare = [running.enter_context(bare_server(home, redis)) for _ in range(2)]
        for part in bare:
            grown.wait_until_ready(part)
        return {
            "intake": _send(sinks, "support@desk.example"),
            "pages": asyncio.run(_pages([f"{part.url}/readyz" for part in bare])),
        }


@contextmanager
def _sink() -> Iterator[int]:
    """The port of an SMTP server that forgets, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "desk.bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate("\n")


def _send(ports: Sequence[int], to: str) -> float:
    """Mails a second by all of these doors at once."""
    with ThreadPoolExecutor(len(ports)) as ways:
        return sum(ways.map(lambda port: send_from_outside(port, to, CONNECTIONS, MAILS), ports))


def _commit(desk: Installation) -> None:
    with desk.store.tx(SYSTEM) as tx:
        tx.emit("queue.requeued")


def _until_offered(desk: Installation, webs: Sequence[str], doors: Sequence[int]) -> list[float]:
    """Seconds from a mail's 250 until an agent was offered its ticket; agents are free, and mails come one after the other."""
    agents = processes.sign_in(desk, AGENTS)
    task = Task(
        urls=[webs[place % len(webs)] for place in range(AGENTS)],
        headers=processes.cookies(desk, AGENTS),
        own=[f"worklist:{agent}" for agent in agents],
        all="tickets",
        noting=[],
    )
    with processes.screens(task) as screens:
        processes.wait_until_watched(screens)
        _be(desk, agents, presence.AVAILABLE)
        took = [_offered_after(desk, doors[number % len(doors)], number) for number in range(OFFERED + 1)]
        _be(desk, agents, presence.OFFLINE)
    return took[1:]  # with the first the reading processes started


def _offered_after(desk: Installation, port: int, number: int) -> float:
    raw = mail(number, desk.settings.mail_from, OFFERED)
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as door:
        door.sendmail(f"c{number}@example.com", [desk.settings.mail_from], raw)
        acknowledged = desk.clock.now()
    return max(0.0, (_offer(desk, BytesHeaderParser().parsebytes(raw)["Message-ID"]) - acknowledged).total_seconds())


def _be(desk: Installation, agents: Sequence[int], where: str) -> None:
    with desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent).where(Agent.id.in_(agents))).all():
            if where == presence.AVAILABLE:
                for skill in SKILLS:
                    set_skill(tx, agent, skill, 5)
            presence.set_presence(tx, agent, where)


def _offer(desk: Installation, mail_id: str) -> datetime:
    """When the ticket of this mail was first offered to somebody; waits for it."""
    query = (
        select(func.min(Offer.offered_at))
        .join(WorkItem, Offer.item_id == WorkItem.id)
        .join(Message, WorkItem.ticket_id == Message.ticket_id)
        .where(Message.mail_message_id == mail_id.strip("<>"))
    )
    end = time.monotonic() + LAST_S
    while time.monotonic() < end:
        with desk.store.read() as reading:
            at = reading.scalar(query)
        if at is not None:
            return at
        threading.Event().wait(0.02)
    raise RuntimeError("a mail was offered to nobody")


def _until_read(desk: Installation) -> float:
    """When the last mail that waits has been read."""
    while True:
        with desk.store.read() as reading:
            if not reading.scalar(select(func.count()).select_from(SpooledMail)):
                return time.perf_counter()
        threading.Event().wait(0.05)


async def _pages(urls: Sequence[str]) -> float:
    """Pages a second, asked for by several at once, from all of these in turn."""
    async with aiohttp.ClientSession() as browser:

        async def ask(first: int) -> None:
            for number in range(first, PAGES, ASKING):
                async with browser.get(urls[number % len(urls)]) as answer:
                    answer.raise_for_status()
                    await answer.read()

        await asyncio.gather(*(ask(place) for place in range(len(urls))))  # the first page of a process takes longer
        begin = time.perf_counter()
        await asyncio.gather(*(ask(place) for place in range(ASKING)))
        return PAGES / (time.perf_counter() - begin)
