"""A line of chats: who is told which place, and at what price."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import event, select, update

from desk.events import SYSTEM
from desk.models import Queue, WorkItem
from desk.queries.chats import chats as seen
from desk.queries.work.line import place_of, places_of
from tests.desk.chat_world import MONDAY, open_store
from tests.desk.test_chats import opened, state


@pytest.fixture
def store(database_url, tmp_path):
    store = open_store(tmp_path, url=database_url)
    yield store
    store.engine.dispose()


def statements_for(store, work):
    said = []

    def note(_connection, _cursor, statement, *_rest):
        said.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        return work(), len(said)
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def states(store, chat_ids):
    with store.read() as reading:
        queues = reading.scalars(select(Queue.id)).all()
        return seen.states_of_waiting(reading, queues, chat_ids, store.clock.now())


def test_all_places_of_a_channel_are_those_that_each_is_told_alone(store):
    dice = Random(7)
    for number in range(40):
        opened(store, locale=dice.choice(("zh", "en")), email=f"c{number}@customers.example")
    with store.tx(SYSTEM) as tx:
        for item in tx.session.scalars(select(WorkItem)):
            when = MONDAY + timedelta(seconds=dice.randrange(8))
            item.band, item.due_at, item.enqueued_at = dice.choice((2, 3)), when, when
        tx.session.execute(update(Queue).values(overflow=[{"after_s": 3, "do": "raise_band"}]))
    store.clock.tick(6)
    with store.read() as reading:
        items, now = reading.scalars(select(WorkItem)).all(), store.clock.now()
        assert places_of(reading, "chat", now) == {item.id: place_of(reading, item, now) for item in items}


def test_a_long_line_costs_no_more_questions_than_a_short_one_and_tells_each_the_same(store):
    few = [opened(store, email=f"c{number}@customers.example")[0] for number in range(3)]
    states(store, few)  # what is measured is kept for some seconds
    _, price = statements_for(store, lambda: states(store, few))
    many = few + [opened(store, email=f"d{number}@customers.example")[0] for number in range(30)]
    told, price_of_many = statements_for(store, lambda: states(store, many))
    assert price_of_many == price
    assert dict(told) == {chat_id: state(store, chat_id) for chat_id in many}
    assert [found["position"] for _, found in told] == list(range(1, 34))


def test_only_those_who_have_a_window_here_are_told(store):
    chat_ids = [opened(store, email=f"c{number}@customers.example")[0] for number in range(3)]
    assert [chat_id for chat_id, _ in states(store, chat_ids[1:])] == chat_ids[1:]
    assert states(store, []) == []
