"""For how long an agent had a chat on the screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.actions.chats import chats
from desk.actions.chats.attention import note_spell
from desk.actions.work import work_items
from desk.clock import FrozenClock
from desk.events import SYSTEM
from desk.live.attention import Attention
from desk.models import Agent, Chat, ChatAttention, Queue, Ticket, WorkItem
from desk.queries.board import staffing
from tests.desk.chat_world import MONDAY, open_store, question


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path, FrozenClock(MONDAY))
    yield store
    store.engine.dispose()


class Desk:
    """As much of an installation as is needed here."""

    def __init__(self, store):
        self.store, self.clock = store, store.clock


def accepted(store) -> tuple[int, int, int]:
    """A running chat: its id, its ticket's number and its agent's id."""
    with store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question())
        agent = tx.session.scalar(select(Agent).where(Agent.name == "Dan Okafor"))
        work_items.take(tx, chat.item_id, agent.id)
        chats.chat_accepted(tx, tx.session.get_one(WorkItem, chat.item_id), agent)
        return chat.id, tx.session.get_one(Ticket, chat.ticket_id).number, agent.id


def spells(store):
    with store.read() as reading:
        found = reading.scalars(select(ChatAttention).order_by(ChatAttention.id)).all()
        return [((row.began_at - MONDAY).total_seconds(), (row.ended_at - MONDAY).total_seconds()) for row in found]


def test_a_window_counts_while_it_shows_the_chat(store):
    _, number, agent_id = accepted(store)
    seen = Attention(Desk(store))
    seen.looks("window", agent_id, f"ticket:{number}")
    store.clock.tick(30)
    seen.looks("window", agent_id, f"ticket:{number}")
    store.clock.tick(30)
    seen.looks("window", agent_id, "")
    store.clock.tick(100)
    seen.looks("window", agent_id, f"ticket:{number}")
    store.clock.tick(5)
    seen.turns_away("window", {"ticket:1"})
    store.clock.tick(5)
    seen.turns_away("window")
    seen.turns_away("window")
    assert spells(store) == [(0, 60), (160, 170)]


def test_two_windows_at_once_are_one_agent(store):
    _, number, agent_id = accepted(store)
    seen = Attention(Desk(store))
    seen.looks("first", agent_id, f"ticket:{number}")
    store.clock.tick(10)
    seen.looks("second", agent_id, f"ticket:{number}")
    store.clock.tick(10)
    seen.turns_away("first")
    store.clock.tick(10)
    seen.turns_away("second")
    assert spells(store) == [(0, 20), (20, 30)]


def test_only_its_agent_counts_and_only_while_the_chat_runs(store):
    chat_id, number, agent_id = accepted(store)
    store.clock.tick(60)
    with store.tx(SYSTEM) as tx:
        chats.end_chat(tx, tx.session.get_one(Chat, chat_id), "agent")
    hour = timedelta(hours=1)
    with store.tx(SYSTEM) as tx:
        assert note_spell(tx, number, agent_id + 1, MONDAY, MONDAY + hour) is None
        assert note_spell(tx, number + 1, agent_id, MONDAY, MONDAY + hour) is None
        assert note_spell(tx, number, agent_id, MONDAY + hour, MONDAY + 2 * hour) is None
        note_spell(tx, number, agent_id, MONDAY - hour, MONDAY + hour)
    assert spells(store) == [(0, 60)]


def test_staffing_tells_how_long_chats_are_in_hand(store, monkeypatch):
    monkeypatch.setattr(staffing, "ENOUGH_HANDLED", 1)
    chat_id, number, agent_id = accepted(store)
    store.clock.tick(100)
    with store.tx(SYSTEM) as tx:
        note_spell(tx, number, agent_id, MONDAY, MONDAY + timedelta(seconds=40))
        chats.end_chat(tx, tx.session.get_one(Chat, chat_id), "agent")
    store.clock.tick(20)
    with store.tx(SYSTEM) as tx:
        work_items.finish(tx, tx.session.get_one(WorkItem, tx.session.get_one(Chat, chat_id).item_id))
    with store.read() as reading:
        queue = reading.scalar(select(Queue).where(Queue.key == "general"))
        measured = staffing.measure(reading, queue, "chat", store.clock.now())
        assert (measured.aht_s, measured.in_hand_s) == (120, 60)
        assert staffing.measure(reading, queue, "voice", store.clock.now()).in_hand_s is None
