"""An agent who keeps a visitor waiting: they are told, then the supervisors are."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from desk.access import viewer_of
from desk.actions.chats import chats
from desk.actions.chats import silence as chat_silence
from desk.actions.work import work_items
from desk.events import SYSTEM, Event
from desk.models import Agent, Chat, Timer, WorkItem
from desk.queries.chats.silence import SILENT_TIMER, silent_chats
from desk.queries.work.work_list import work_list
from tests.desk.test_chats import accepted, answer, opened, say, store  # noqa: F401 - a fixture among them


def silence(store) -> None:
    """Run the timer of the agent's silence, as the worker does."""
    with store.tx(SYSTEM) as tx:
        timer = tx.session.scalar(select(Timer).where(Timer.kind == SILENT_TIMER, Timer.done_at.is_(None)))
        timer.done_at = tx.now
        chat_silence.agent_silent(tx, timer.data)


def silent(store, name="Lin Xiaowen"):
    """What a supervisor of the team sees, and since when each agent's own list says that somebody waits."""
    with store.read() as reading:
        lin = reading.scalar(select(Agent).where(Agent.name == name))
        rows = work_list(reading, viewer_of(reading.scalar(select(Agent).where(Agent.name == "Dan Okafor")))).active
        return silent_chats(reading, viewer_of(lin)), [row.silent_since for row in rows]


def test_an_agent_who_keeps_a_visitor_waiting_is_told_and_then_the_supervisors_are(store):
    chat_id, _ = opened(store)
    agent_id = accepted(store, chat_id)
    since = store.clock.now()
    assert silent(store) == ([], [None])
    silence(store)
    assert silent(store) == ([], [since])
    say(store, chat_id, "Hello?")  # asked again, the clock runs from the first question
    silence(store)
    [[told], rows] = silent(store)
    assert (told.agent_name, told.visitor_name, told.since, rows) == ("Dan Okafor", "Wang Wei", since, [since])
    with store.read() as reading:
        told = reading.scalars(select(Event.data).where(Event.kind == "chat.agent_silent").order_by(Event.id)).all()
    assert [each["told"] for each in told] == ["agent", "supervisor"]
    answer(store, chat_id, agent_id, "Which parcel is it?")
    assert silent(store) == ([], [None])
    assert pending(store, SILENT_TIMER) == 0


@pytest.mark.parametrize("over", ["handed back", "ended"])
def test_nobody_is_told_of_a_chat_that_is_over_or_with_nobody(store, over):
    chat_id, _ = opened(store)
    accepted(store, chat_id)
    assert pending(store, SILENT_TIMER) == 1
    with store.tx(SYSTEM) as tx:
        chat = tx.session.get_one(Chat, chat_id)
        if over == "ended":
            chats.end_chat(tx, chat, "customer")
        else:
            item = tx.session.get_one(WorkItem, chat.item_id)
            work_items.hand_back(tx, item)
            chats.chat_handed_back(tx, item)
    assert pending(store, SILENT_TIMER) == 0


def pending(store, kind) -> int:
    with store.read() as reading:
        return reading.scalar(select(func.count()).select_from(Timer).where(Timer.kind == kind, Timer.done_at.is_(None)))
