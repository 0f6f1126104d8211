"""A running desk with people for chats, on a loopback port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from werkzeug.serving import make_server

from desk.actions.chats import chats
from desk.actions.work import work_items
from desk.app import create_app, install
from desk.clock import Clock
from desk.config import Settings
from desk.db import Base
from desk.events import SYSTEM
from desk.installation import Installation
from desk.live import visitors
from desk.models import Agent, Chat, WorkItem
from tests.desk.chat_world import people
from tests.live.wire import Wire


@dataclass
class Site:
    """The desk, where it listens, and what the staff's side was told of visitors typing."""

    desk: Installation
    base_url: str
    visitors: visitors.Visitors
    typing: list[tuple[int, int]]

    def window(self, token: str = "", locale: str = "en") -> Wire:
        """A visitor's window."""
        return Wire(self.base_url, visitors.NAMESPACE, {"token": token, "locale": locale})

    def accept(self, chat_id: int, name: str = "Dan Okafor") -> int:
        """An agent takes the chat, as the accept route does it."""
        with self.desk.store.tx(SYSTEM) as tx:
            agent = tx.session.scalar(select(Agent).where(Agent.name == name))
            chat = tx.session.get_one(Chat, chat_id)
            work_items.take(tx, chat.item_id, agent.id)
            chats.chat_accepted(tx, tx.session.get_one(WorkItem, chat.item_id), agent)
            return agent.id

    def act(self, action: Any, chat_id: int, *args: Any) -> Any:
        """Do something to a chat in a transaction of its own."""
        with self.desk.store.tx(SYSTEM) as tx:
            return action(tx, tx.session.get_one(Chat, chat_id), *args)

    def answer(self, chat_id: int, agent_id: int, client_id: str, text: str) -> None:
        """The agent says something."""
        with self.desk.store.tx(SYSTEM) as tx:
            chats.agent_says(tx, tx.session.get_one(Chat, chat_id), tx.session.get_one(Agent, agent_id), client_id, text)


@contextmanager
def running_site(folder: Path, clock: Clock, limits: visitors.Limits | None = None) -> Iterator[Site]:
    """A site that lives as long as the block."""
    desk = install(Settings.from_env({"DESK_DATA_DIR": str(folder)}), clock=clock)
    Base.metadata.create_all(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        people(tx)
    app, _ = create_app(desk)
    typing: list[tuple[int, int]] = []
    served = app.extensions["staff"].typing_to_visitor.__self__
    served.on_visitor_typing = lambda chat_id, number: typing.append((chat_id, number))
    served.limits = limits or served.limits
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Site(desk, f"http://127.0.0.1:{server.server_port}", served, typing)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
        desk.store.engine.dispose()
