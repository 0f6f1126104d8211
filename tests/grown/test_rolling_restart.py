"""The web processes are restarted in turn under load: whoever asks again is answered, and no word is lost or doubled."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import requests
from simple_websocket import ConnectionClosed
from sqlalchemy import select

from channels.chat.secret import new_token
from desk.models import Calendar, Message
from tests.desk.chat_world import question
from tests.grown.grown_world import Grown, Web, grown
from tests.live.wire import Wire
from tests.services.redis import private_server

pytestmark = pytest.mark.nightly

WRITERS = 3


@pytest.fixture
def world(tmp_path, postgres_server) -> Iterator[Grown]:
    from tests.services.postgres import new_database

    with new_database(postgres_server) as url, private_server(tmp_path) as redis_url, grown(tmp_path, url, redis_url) as world:
        for number in range(WRITERS):
            world.agent(f"Writer{number}")
        with world.tx() as tx:
            for calendar in tx.session.scalars(select(Calendar)):
                calendar.week = [[["00:00", "24:00"]]] * 7
        yield world


class Writer(threading.Thread):
    """Writes notes and reads them, at one process or, when that takes no connection, at the other; keeps what was answered."""

    def __init__(self, world: Grown, email: str, number: int) -> None:
        super().__init__(daemon=True)
        self._webs = [world.a, world.b]
        self.client = world.a.browser(email)
        self._number = number
        self._over = threading.Event()
        self.kept: list[str] = []
        self.wrong: list[str] = []
        self.again = 0

    def run(self) -> None:
        while not self._over.is_set():
            said = {"kind": "note", "text": f"note {uuid4()}", "client_id": str(uuid4())}
            posted = self._ask(lambda note=said: self.client.post(f"/desk/tickets/{self._number}/messages", data=note))
            if posted.ok:
                self.kept.append(said["text"])
            read = self._ask(lambda: self.client.get(f"/desk/tickets/{self._number}/timeline"))
            self.wrong += [f"{answer.status_code}: {answer.text[:200]}" for answer in (posted, read) if not answer.ok]

    def end(self) -> None:
        self._over.set()
        self.join(120)

    def _ask(self, ask: Callable[[], requests.Response]) -> requests.Response:
        while True:
            self.client.base = self._webs[0].url
            try:
                return ask()
            except requests.ConnectionError:
                self.again += 1
                self._webs.reverse()


class Visitor:
    """A window that goes to another process when its own sends it away, and says again what had no answer: as the browser's."""

    def __init__(self, world: Grown) -> None:
        self._webs = [world.a, world.b]
        self._token = new_token()
        self._window: Wire | None = world.a.window()
        opened = self._answered("open", question(token=self._token))
        assert opened["ok"], opened

    def say(self, text: str) -> None:
        assert self._answered("say", {"client_id": str(uuid4()), "text": text})["ok"]

    def is_sent_away_by(self, web: Web) -> None:
        """Wait for it, if it was there."""
        if self._window is not None and self._webs[0] is web:
            assert self._window.ended()

    def close(self) -> None:
        if self._window is not None:
            self._window.close()

    def _answered(self, event: str, data: dict[str, str]) -> dict[str, object]:
        while True:
            try:
                self._window = self._window or self._webs[0].window(self._token)
                return self._window.call(event, data)
            except (ConnectionClosed, OSError):
                self._window = None
                self._webs.reverse()


def restart(web: Web) -> None:
    web.tell(signal.SIGTERM)
    assert web.process.wait(120) == 0
    web.start()
    web.until_ready()


def test_web_processes_are_restarted_one_after_the_other_and_nothing_is_lost(world):
    world.send("Where is my parcel?")
    number = world.ticket().number
    writers = [Writer(world, f"writer{n}@desk.example", number) for n in range(WRITERS)]
    screen = world.b.screen(writers[0].client)  # somebody is there for the visitor
    assert writers[0].client.post("/desk/presence", data={"presence": "available"}).ok
    visitor = Visitor(world)
    visitor.say("word 0")
    for writer in writers:
        writer.start()
    for turn, web in enumerate((world.a, world.b), 1):
        written = sum(len(writer.kept) for writer in writers)
        world.until(lambda before=written: sum(len(writer.kept) for writer in writers) > before + 10)
        restart(web)
        visitor.is_sent_away_by(web)
        visitor.say(f"word {turn}")
    written = sum(len(writer.kept) for writer in writers)
    world.until(lambda: sum(len(writer.kept) for writer in writers) > written + 10)
    for writer in writers:
        writer.end()
    assert [wrong for writer in writers for wrong in writer.wrong] == []
    assert sum(writer.again for writer in writers) > 0  # else nobody was at a process that ended
    texts = world.all(select(Message.text))
    kept = [text for writer in writers for text in writer.kept] + [f"word {turn}" for turn in range(3)]
    assert {text: texts.count(text) for text in kept if texts.count(text) != 1} == {}
    visitor.close()
    screen.close()
