"""Who else has a ticket open, and who of them is writing: told to those who may read it, and taken back when they go."""

from __future__ import annotations

import itertools
import threading

import pytest
from sqlalchemy import select

from desk.actions.tickets import tickets
from desk.live.company import Company, Seat
from desk.models import Queue
from tests.live.staff_wire import screen
from tests.web.console_world import mail
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("company")), background=False) as world:
        for name in ("Maya", "Ben"):
            world.agent(name)
        world.agent("Stranger", team="care")
        yield world


@pytest.fixture
def topic(world, request):
    return f"ticket:{mail(world, external_id=request.node.name).number}"


@pytest.fixture
def wires(world):
    found = {name: screen(world, f"{name}@desk.example") for name in ("maya", "ben", "stranger")}
    yield found
    for wire in found.values():
        wire.close()


TURNS = itertools.count(1)


def turns():
    return {"turn": next(TURNS)}


def come(wire, topic, **doing):
    wire.call("watch", {"topics": [topic]})
    wire.tell("here", {**turns(), "topic": topic, "away": False, "writing": "", **doing})


def sees(wire, topic, *states):
    """Waits until this screen is told of exactly these people and what they do."""

    def told(_data):
        last = wire.all_heard("company")[-1]
        found = [(person["name"], person["writing"] or ("away" if person["away"] else "")) for person in last["people"]]
        return last["topic"] == topic and found == list(states)

    return wire.heard("company", told)


def test_those_who_have_it_open_see_one_another_come_write_look_away_and_go(wires, topic):
    come(wires["maya"], topic)
    sees(wires["maya"], topic, ("Maya", ""))
    come(wires["ben"], topic)
    sees(wires["maya"], topic, ("Ben", ""), ("Maya", ""))
    wires["ben"].tell("here", {**turns(), "topic": topic, "away": False, "writing": "reply"})
    sees(wires["maya"], topic, ("Ben", "reply"), ("Maya", ""))
    wires["ben"].tell("here", {**turns(), "topic": topic, "away": True, "writing": "anything"})
    sees(wires["maya"], topic, ("Ben", "away"), ("Maya", ""))
    wires["ben"].call("watch", {"topics": []})
    sees(wires["maya"], topic, ("Maya", ""))


def test_who_is_cut_off_is_gone(wires, topic):
    come(wires["maya"], topic)
    come(wires["ben"], topic, writing="note")
    sees(wires["maya"], topic, ("Ben", "note"), ("Maya", ""))
    wires["ben"].close()
    sees(wires["maya"], topic, ("Maya", ""))


def test_a_word_that_is_heard_after_its_window_has_gone_keeps_nobody_there(world, wires, topic, monkeypatch):
    staff, heard = world.app.extensions["staff"], threading.Event()
    sit, on_here = staff._company.sit, staff.on_here
    come(wires["maya"], topic)
    sees(wires["maya"], topic, ("Maya", ""))
    wires["ben"].call("watch", {"topics": [topic]})

    def sit_late(sid, *place):
        wires["ben"].close()
        world.until(lambda: sid not in staff._screens)
        return sit(sid, *place)

    def hear(data):
        on_here(data)
        heard.set()

    monkeypatch.setattr(staff._company, "sit", sit_late)
    monkeypatch.setattr(staff, "on_here", hear)
    wires["ben"].tell("here", {**turns(), "topic": topic, "away": True, "writing": ""})
    assert heard.wait(60)
    assert [person["name"] for person in staff._company.at(topic)] == ["Maya"]


def test_who_may_not_read_the_ticket_neither_sees_nor_is_seen(world, wires, topic):
    come(wires["maya"], topic)
    sees(wires["maya"], topic, ("Maya", ""))
    come(wires["stranger"], topic, writing="reply")
    wires["maya"].tell("here", {**turns(), "topic": topic, "away": False, "writing": "note"})
    sees(wires["maya"], topic, ("Maya", "note"))
    assert wires["stranger"].all_heard("company") == []


def test_who_may_not_read_it_any_longer_is_gone_from_it(world, wires, topic):
    come(wires["maya"], topic)
    sees(wires["maya"], topic, ("Maya", ""))
    with world.tx() as tx:
        ticket = tx.session.merge(world.ticket(int(topic.partition(":")[2])))
        tickets.move(tx, ticket, tx.session.scalars(select(Queue).where(Queue.key == "complaints")).one())
    assert world.app.extensions["staff"]._company.at(topic) == []  # rooms are looked through before the commit returns


@pytest.mark.parametrize("sent", [None, [], "x", {"topic": 7}, {"topic": "board"}, {}])
def test_what_is_no_such_word_changes_nothing(world, wires, topic, sent):
    come(wires["maya"], topic)
    wires["maya"].tell("here", sent)
    wires["maya"].tell("here", {**turns(), "topic": topic, "away": False, "writing": "reply"})
    sees(wires["maya"], topic, ("Maya", "reply"))


def test_two_windows_are_one_person():
    company = Company()
    company.sit("a", "ticket:1", Seat(7, "Maya", away=True))
    company.sit("b", "ticket:1", Seat(7, "Maya", writing="reply"))
    assert company.at("ticket:1") == [{"id": 7, "name": "Maya", "away": False, "writing": "reply"}]
    assert company.sit("b", "ticket:1", Seat(7, "Maya", writing="reply")) is False
    assert company.rise("b") == ["ticket:1"]
    assert company.at("ticket:1")[0]["away"] is True
    assert company.rise("a") == ["ticket:1"]
    assert company.at("ticket:1") == []
