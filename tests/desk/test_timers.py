"""What is to be done at a time is done once, however often it was asked for and whoever dies meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select, text

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


def test_setting_a_timer_takes_one_statement_besides_its_event_and_moving_it_one(house):
    with house.tx() as tx, said_over(tx.session) as said:
        set_timer(tx, "ring", "a", tx.now)
        new = len(said)
        set_timer(tx, "ring", "a", tx.now + timedelta(seconds=1))
    assert len(said) - new == 1
    assert new == (2 if house.settings.on_sqlite else 1)  # who writes alone in the same process looks first: that costs nothing
    assert house.kinds("timer") == ["timer.set"]


def test_two_who_set_a_new_timer_at_once_set_it_once_and_the_later_moment_counts(postgres_house):
    house = postgres_house
    meet(house, lambda tx: set_at(tx, 60), lambda tx: set_at(tx, 10))
    assert [(timer.data["key"], left_s(house, timer)) for timer in house.all(select(Timer))] == [(10, 10)]
    assert house.kinds("timer") == ["timer.set"]


def test_two_who_move_a_timer_at_once_leave_one_as_the_later_set_it(postgres_house):
    house = postgres_house
    put(house, "a", 300)
    meet(house, lambda tx: set_at(tx, 60), lambda tx: set_at(tx, 10))
    assert [left_s(house, timer) for timer in house.all(select(Timer))] == [10]


def test_who_sets_a_timer_that_another_clears_just_now_finds_it_set_afterwards(postgres_house):
    house = postgres_house
    put(house, "a", 300)
    meet(house, lambda tx: clear_timer(tx, "ring", "a"), lambda tx: set_at(tx, 10))
    assert [left_s(house, timer) for timer in house.all(still_to_do())] == [10]
    assert house.kinds("timer") == ["timer.set", "timer.set"]  # so that a worker hears of the new one


def test_who_clears_a_timer_that_another_moves_just_now_finds_it_cleared_afterwards(postgres_house):
    house = postgres_house
    put(house, "a", 300)
    meet(house, lambda tx: set_at(tx, 60), lambda tx: clear_timer(tx, "ring", "a"))
    assert house.all(still_to_do()) == []


def test_a_timer_that_is_set_again_while_it_rings_rings_again(postgres_house):
    house = postgres_house
    put(house, "a", 300)

    def ringing(tx):
        tx.session.scalars(select(Timer).with_for_update()).one().done_at = tx.now
        tx.session.flush()

    meet(house, ringing, lambda tx: set_at(tx, 10))
    assert [left_s(house, timer) for timer in house.all(still_to_do())] == [10]


def test_many_who_set_the_same_few_timers_at_once_all_come_through(house):
    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(lambda number: put(house, str(number % 3), number), range(60)))
    assert Counter(timer.key for timer in house.all(still_to_do())) == {"0": 1, "1": 1, "2": 1}
    assert house.kinds("timer") == ["timer.set"] * 3


def set_at(tx, seconds):
    set_timer(tx, "ring", "a", tx.now + timedelta(seconds=seconds), {"key": seconds})


def left_s(house, timer):
    return (timer.due_at - house.clock.now()).total_seconds()


def still_to_do():
    return select(Timer).where(Timer.done_at.is_(None))


def meet(house, first, second):
    """`first` has changed the timer and not committed when `second` comes to it; commits only when `second` waits for it."""
    with ThreadPoolExecutor(1) as other:
        with house.tx() as tx:
            first(tx)
            tx.session.flush()
            later = other.submit(alone, house, second)
            while not later.done() and not house.one(WAITING):
                pass
            assert not later.done()
        later.result(timeout=60)


def alone(house, act):
    with house.tx() as tx:
        act(tx)


WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@contextmanager
def said_over(session):
    said = []
    connection = session.connection()

    def note(*given):
        said.append(given[2])

    event.listen(connection, "before_cursor_execute", note)
    yield said
    event.remove(connection, "before_cursor_execute", note)


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
