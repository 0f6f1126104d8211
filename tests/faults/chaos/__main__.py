"""`python -m tests.faults.chaos`: a grown desk at work with a random blow every so often; what is wrong at the end is said.

Prints a line for each blow with the seconds from its end until pages, mail, offers and hints went on, and one line of JSON at
the end. The status is 1 when anything was lost, doubled, given to two, or shown otherwise than a page loaded again shows it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from desk.actions.people.agents import add_agent, set_skill
from desk.app import install
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Calendar, Team
from tests.faults.chaos.agents import Agent
from tests.faults.chaos.blows import ROOM, next_blow, restarts, wait
from tests.faults.chaos.customers import MailSenders, Visitors
from tests.faults.chaos.ledger import Ledger
from tests.faults.chaos.screens import Screens
from tests.faults.chaos.stage import Stage
from tests.faults.chaos.verdict import Watch, judge, quiet
from tests.world import PASSWORD

SHARES = {"mail": 70, "chat": 18, "form": 12}
SKILLS = ("lang:zh", "lang:en", "billing", "technical", "delivery", "complaints")
GOES_ON = ("mail", "answer", "offer", "hint")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds from one blow to the next")
    parser.add_argument("--rate", type=float, default=4.0, help="contacts a second")
    parser.add_argument("--agents", type=int, default=24)
    parser.add_argument("--backlog", action="store_true", help="more comes than agents can do: at the end work may wait")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rolling", action="store_true", help="no blows, but every process restarted in its turn")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="desk-chaos-"))
    home.chmod(0o755)
    with ExitStack() as running:
        if not chosen.keep:
            running.callback(shutil.rmtree, home, ignore_errors=True)
        disk = _small_disk(home / "data", running)
        result = run(home, disk, chosen)
    say(json.dumps(result))
    return 1 if result["wrong"] else 0


def run(home: Path, disk: Path | None, chosen: argparse.Namespace) -> dict[str, Any]:
    chance, ledger = Random(chosen.seed), Ledger()
    with Stage(home) as stage:
        desk = install(Settings.from_env(stage.settings))
        people = _people(desk, chosen.agents)
        say(f"the desk is ready at {stage.url}; its logs are in {home}")
        watch = Watch(stage.settings["DESK_DATABASE_URL"], ledger)
        crowd = Crowd(stage, ledger, people, chosen.rate, Random(chance.random()))
        with Screens(stage.url) as screens:
            crowd.begin()
            turns = restarts(stage)
            struck, start = [], time.monotonic()
            while time.monotonic() < start + chosen.minutes * 60:
                blow = next(turns) if chosen.rolling else next_blow(stage, chance, disk)
                began = time.monotonic()
                end = blow.strike()
                wait(blow.lasts_s)
                end()
                over = time.monotonic()
                wait(max(6.0, chosen.every - (over - began)))  # long enough to see what goes on
                again = {what: round(ledger.first_after(what, over), 1) for what in GOES_ON}
                struck.append({"blow": blow.name, "at": round(began - start), **again})
                say(json.dumps(struck[-1]))
            for part in stage.parts:
                part.until_ready()
            crowd.leave()
            if chosen.backlog:
                crowd.rest()
            left, waiting = quiet(desk, backlog=chosen.backlog)
            crowd.end()
            watch.end()
            wrong = [*(f"still there: {number} {what}" for what, number in left.items()), *watch.found, *judge(desk, ledger)]
            wrong += screens.differences()
        unasked = Counter(f"{part.role} ended with {status}" for part in stage.parts for status in part.ends if status != -9)
        desk.store.engine.dispose()
    slow = [each for each in struck if max(each[what] for what in GOES_ON) > 5]
    return {
        "seed": chosen.seed,
        "blows": len(struck),
        "slower_than_5_s": slow,
        "sent": {kind: len(marks) for kind, marks in ledger.sent.items()},
        "kept": {kind: len(marks) for kind, marks in ledger.kept.items()},
        "asked_again": ledger.again,
        "refused": ledger.refused,
        "ends": unasked,
        "looks": watch.looks,
        "waiting": waiting,
        "wrong": wrong,
    }


class Crowd:
    """Customers and agents, on a loop of their own."""

    def __init__(self, stage: Stage, ledger: Ledger, people: dict[int, str], rate: float, chance: Random) -> None:
        doors = [(part.line.inside, part.smtp_port, part.line.strangers) for part in stage.of("smtp")]
        self._mails = MailSenders(ledger, doors, senders=max(3, round(rate / 4)))
        self._visitors = Visitors(ledger, stage.url, chance)
        self._agents: list[Agent] = []
        self._people, self._ledger, self._url = people, ledger, stage.url
        self._rate, self._chance = rate, chance
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crowd", daemon=True)
        self._coming: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(180)

    def leave(self) -> None:
        """Nobody comes any more; what was begun is ended."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(240)
        self._mails.finish()

    def rest(self) -> None:
        """The agents take nothing new, and finish what they have."""
        asyncio.run_coroutine_threadsafe(self._rest(), self._loop).result(240)

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    async def _begin(self) -> None:
        self._agents = [
            Agent(self._ledger, self._url, key, email, Random(self._chance.random())) for key, email in self._people.items()
        ]
        await asyncio.gather(*(agent.begin() for agent in self._agents))
        self._coming = asyncio.create_task(self._come())

    async def _come(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(self._rate))
            how = self._chance.choices(list(SHARES), list(SHARES.values()))[0]
            if how == "mail":
                self._mails.send()
            else:
                self._visitors.come(how)

    async def _leave(self) -> None:
        self._coming.cancel()
        await self._visitors.finish()

    async def _rest(self) -> None:
        await asyncio.gather(*(agent.rest() for agent in self._agents))

    async def _end(self) -> None:
        await asyncio.gather(*(agent.end() for agent in self._agents))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _people(desk: Installation, number: int) -> dict[int, str]:
    """Agents who can do everything, a supervisor, and doors that are open day and night: agent ids and addresses."""
    with desk.store.tx(SYSTEM) as tx:
        for calendar in tx.session.scalars(select(Calendar)):
            calendar.week = [[["00:00", "24:00"]]] * 7
        team = tx.session.scalar(select(Team).where(Team.key == "service"))
        people = {}
        for n in range(number):
            agent = _person(tx, team, f"agent{n}", "agent")
            people[agent.id] = f"agent{n}@desk.example"
        _person(tx, team, "watcher", "supervisor")
        return people


def _person(tx: Any, team: Team | None, name: str, role: str) -> Any:
    agent = add_agent(tx, email=f"{name}@desk.example", name=name.title(), password=PASSWORD, roles=[role], team=team)
    agent.undo_s = 0
    for skill in SKILLS:
        set_skill(tx, agent, skill, 5)
    return agent


def _small_disk(folder: Path, running: ExitStack) -> Path | None:
    """Where we may, the files of the desk lie on a disk of their own, that can be full."""
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    running.callback(subprocess.run, ["umount", "-l", folder], check=False)
    return folder


if __name__ == "__main__":
    sys.exit(main())
