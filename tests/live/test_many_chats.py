"""Many chats at once over lines that break: every message once, in order, on both sides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import select

from channels.chat.secret import new_token
from desk.actions.chats import chats
from desk.clock import FrozenClock
from desk.events import SYSTEM
from desk.live.visitors import Limits
from desk.models import Agent, Chat, Message, WorkItem
from tests.desk.chat_world import MONDAY, question
from tests.live.chat_site import Site, running_site
from tests.live.wire import Wire

OFTEN = "100000 per minute"
SAID = 6  # by each side of each chat


@pytest.mark.parametrize("at_once", [8, pytest.param(50, marks=pytest.mark.nightly)])
def test_every_message_is_there_once_and_in_order_on_both_sides(tmp_path, at_once):
    with (
        running_site(tmp_path, FrozenClock(MONDAY), Limits(OFTEN, OFTEN, OFTEN, OFTEN)) as site,
        ThreadPoolExecutor(at_once) as all_,
    ):
        for expected, seen_by_visitor, seen_by_tabs, seen_by_agent in all_.map(
            lambda n: chatted(site, Random(n)), range(at_once)
        ):
            assert seen_by_visitor == expected
            assert seen_by_agent == expected
            assert seen_by_tabs == [expected] * len(seen_by_tabs)


def chatted(site: Site, chance: Random) -> tuple[list[str], list[str], list[list[str]], list[str]]:
    """One chat from its question on: what was said, and what each side has of it in the end."""
    token, name = new_token(), uuid4().hex[:6]
    tabs = [site.window()]
    chat_id = tabs[0].call("open", question(token=token, text=name))["chat"]
    with site.desk.store.tx(SYSTEM) as tx:
        agent_id = tx.session.scalars(select(Agent.id).order_by(Agent.id)).first()
        item = tx.session.get_one(WorkItem, tx.session.get_one(Chat, chat_id).item_id)
        chats.chat_accepted(tx, item, tx.session.get_one(Agent, agent_id))
    expected = [name]
    for n in range(SAID):
        expected += [f"{name} asks {n}", f"{name} is told {n}"]
        _ask(site, tabs, token, expected[-2], chance)
        client_id = str(uuid4())
        for _ in range(chance.choice((1, 1, 2))):  # the console sends again what got no answer
            site.answer(chat_id, agent_id, client_id, expected[-1])
    fresh = site.window(token)
    seen = _all(fresh)
    of_tabs = [_all(tab) for tab in tabs]
    for tab in (*tabs, fresh):
        tab.close()
    with site.desk.store.read() as reading:
        ticket_id = reading.get_one(Chat, chat_id).ticket_id
        kept = list(reading.scalars(select(Message.text).where(Message.ticket_id == ticket_id).order_by(Message.id)))
    return expected, seen, of_tabs, kept


def _ask(site: Site, tabs: list[Wire], token: str, text: str, chance: Random) -> None:
    """The visitor says something: from any tab, over a line that may break before the answer, and then once more."""
    message = {"client_id": str(uuid4()), "text": text}
    if chance.random() < 0.3:
        tabs.append(site.window(token))
    at = chance.randrange(len(tabs))
    if chance.random() < 0.4:
        tabs[at].tell("say", message)
        tabs[at].drop()
        tabs[at] = site.window(token)
    for _ in range(chance.choice((1, 1, 2, 3))):
        assert chance.choice(tabs).call("say", message)["ok"]


def _all(window: Wire) -> list[str]:
    """What a window has once it has asked for what came after all it knows, as the frame does."""
    said, last = [], 0
    while rows := window.call("since", {"after": last})["messages"]:
        said, last = said + [row["text"] for row in rows], rows[-1]["id"]
    return said
