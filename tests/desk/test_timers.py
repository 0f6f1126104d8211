"""What is to be done at a time is done once, however often it was asked for and whoever dies meanwhile."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.actions.timers import clear_timer, set_timer
from desk.app import install
from desk.events import Event
from desk.models import Timer
from desk.work.timers import RETRY_S, Timers


@pytest.fixture
def desk(house):
    desk = install(house.settings, clock=house.clock)
    with closing(desk.knowledge):
        yield desk
    desk.store.engine.dispose()


def ring(tx, data):
    tx.emit("test.rang", data=data)


def rings(house):
    return [event.data["key"] for event in house.all(select(Event).where(Event.kind == "test.rang").order_by(Event.id))]


def put(house, key, seconds):
    with house.tx() as tx:
        set_timer(tx, "ring", key, tx.now + timedelta(seconds=seconds), {"key": key})


def test_a_timer_rings_when_it_is_due_and_not_before_and_only_once(house, desk):
    timers = Timers(desk, {"ring": ring})
    put(house, "a", 60)
    assert timers.turn() == 60
    house.tick(59)
    assert timers.turn() == 1
    assert rings(house) == []
    house.tick(1)
    for _ in range(3):
        assert timers.turn() is None
    assert rings(house) == ["a"]


def test_setting_a_timer_again_moves_it(house, desk):
    timers = Timers(desk, {"ring": ring})
    put(house, "a", 60)
    put(house, "a", 10)
    assert len(house.all(select(Timer))) == 1
    house.tick(10)
    timers.turn()
    house.tick(60)
    timers.turn()
    assert rings(house) == ["a"]


def test_a_timer_can_be_set_again_after_it_rang(house, desk):
    timers = Timers(desk, {"ring": ring})
    for _ in range(2):
        put(house, "a", 1)
        house.tick(1)
        timers.turn()
    assert rings(house) == ["a", "a"]


def test_a_cleared_timer_never_rings(house, desk):
    put(house, "a", 1)
    with house.tx() as tx:
        clear_timer(tx, "ring", "a")
        clear_timer(tx, "ring", "unknown")
    house.tick(1)
    assert Timers(desk, {"ring": ring}).turn() is None
    assert rings(house) == []


def test_a_timer_that_was_due_while_nobody_was_there_rings_afterwards(house, desk):
    put(house, "a", 1)
    house.tick(7 * 24 * 3600)
    Timers(desk, {"ring": ring}).turn()
    assert rings(house) == ["a"]


def test_an_action_that_fails_is_undone_and_tried_again_later_and_the_others_are_done(house, desk):
    tries = []

    def fail_first(tx, data):
        ring(tx, data)
        tries.append(tx.now)
        if len(tries) == 1:
            raise RuntimeError("not yet")

    put(house, "a", 1)
    with house.tx() as tx:
        set_timer(tx, "shaky", "b", tx.now, {"key": "b"})
    house.tick(1)
    timers = Timers(desk, {"ring": ring, "shaky": fail_first})
    assert timers.turn() == RETRY_S[0]
    assert rings(house) == ["a"]
    assert house.one(select(Timer.last_error).where(Timer.key == "b")) == "not yet"
    house.tick(RETRY_S[0])
    timers.turn()
    assert rings(house) == ["a", "b"]


def test_a_kind_that_this_version_does_not_know_waits_for_one_that_does(house, desk):
    put(house, "a", 1)
    house.tick(1)
    assert Timers(desk, {}).turn() is None
    assert house.one(select(Timer.done_at)) is None


def test_two_workers_at_once_do_a_timer_once(house, desk):
    for number in range(40):
        put(house, str(number), 1)
    house.tick(1)
    workers = [Timers(desk, {"ring": ring}) for _ in range(3)]
    threads = [threading.Thread(target=worker.turn) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.turn()
    assert sorted(rings(house), key=int) == [str(number) for number in range(40)]
