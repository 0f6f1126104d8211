"""Events are the memory of the desk: who, what, when and about what, in order, for ever."""

from __future__ import annotations

import re

from sqlalchemy import select

from desk.events import ABOUT, NOUNS, Actor, Event
from tests.shape.source import project

EMITTED = re.compile(r"""emit\(\s*(?:f?)["']([a-z_]+\.[a-z_{}]+)["']""")


def test_an_event_tells_who_did_what_when_and_about_what(house):
    item = house.item()
    with house.tx(Actor("agent", 7, "Maya")) as tx:
        tx.emit("ticket.tested", ticket=item.ticket_id, item=item, data={"中文": "很好", "n": 1})
    event = house.one(select(Event).order_by(Event.id.desc()).limit(1))
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("agent", 7, "Maya")
    assert (event.kind, event.at) == ("ticket.tested", house.clock.now())
    assert (event.ticket_id, event.item_id, event.customer_id) == (item.ticket_id, item.id, None)
    assert event.data == {"中文": "很好", "n": 1}


def test_all_events_of_a_transaction_have_its_time_and_the_order_they_were_told_in(house):
    with house.tx() as tx:
        for number in range(50):
            tx.emit("test.told", data={"n": number})
    events = house.all(select(Event).where(Event.kind == "test.told").order_by(Event.id))
    assert [event.data["n"] for event in events] == list(range(50))
    assert len({event.at for event in events}) == 1


def test_an_event_outlives_what_it_is_about(house):
    with house.tx() as tx:
        tx.emit("ticket.tested", ticket=4711, agent=None)
    assert house.one(select(Event.ticket_id).where(Event.kind == "ticket.tested")) == 4711


def test_every_noun_has_its_column():
    assert {f"{noun}_id" for noun in NOUNS} == set(ABOUT) <= set(Event.__table__.columns.keys())


def test_every_event_of_the_source_is_named_noun_and_what_happened():
    kinds = {kind for module in project() if module.name.startswith("desk.") for kind in EMITTED.findall(module.text)}
    assert len(kinds) > 50
    assert [kind for kind in kinds if not re.fullmatch(r"[a-z_]+\.[a-z_]+", kind) and "{" not in kind] == []
