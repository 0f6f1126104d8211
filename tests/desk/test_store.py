"""The store: one unit of writing, events after commit and in order, and a clear word when the database is away."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from desk.clock import FrozenClock
from desk.config import Settings
from desk.db import make_engine
from desk.errors import Conflict
from desk.events import SYSTEM, Event
from desk.models import Agent, Customer, Setting, Timer
from desk.store import ATTEMPTS, Collided, Store, StoreAway
from tests.desk.house import MORNING
from tests.desk.racers import race


def test_listeners_hear_of_events_only_after_the_commit(house):
    seen = []

    def look(events):
        with house.store.read() as reading:
            seen.append([reading.get(Event, event.id).kind for event in events])

    house.store.subscribe(look)
    with house.tx() as tx:
        tx.emit("customer.added")
        tx.emit("customer.tier_set")
        assert seen == []
    assert seen == [["customer.added", "customer.tier_set"]]


def test_what_is_rolled_back_is_neither_stored_nor_told(house):
    told = []
    house.store.subscribe(told.append)
    before = len(house.kinds())

    def change_my_mind():
        with house.tx() as tx:
            tx.session.add(Customer(name="Nobody", created_at=tx.now))
            tx.emit("customer.added")
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        change_my_mind()
    assert told == []
    assert len(house.kinds()) == before
    assert house.one(select(Customer).where(Customer.name == "Nobody")) is None


def test_a_commit_that_the_database_refuses_tells_nobody(house):
    told = []
    house.store.subscribe(told.append)

    def add_a_second_company():
        with house.tx() as tx:
            tx.emit("setting.changed")
            tx.session.add(Setting(key="company", value={}))

    with pytest.raises(DBAPIError):
        add_a_second_company()
    assert told == []
    assert "setting.changed" not in house.kinds()


def test_a_failing_listener_neither_undoes_the_write_nor_silences_the_others(house, caplog):
    told = []

    def fail(_events):
        raise RuntimeError("the screen is gone")

    house.store.subscribe(fail)
    house.store.subscribe(told.extend)
    with house.tx() as tx:
        tx.emit("customer.added", data={"a": 1})
    assert [event.data for event in told] == [{"a": 1}]
    assert house.kinds()[-1] == "customer.added"
    assert "a listener failed after commit" in caplog.text
    with house.tx() as tx:  # and the store goes on
        tx.emit("customer.added")


def test_a_listener_may_open_a_transaction_of_its_own(house):
    def answer(events):
        if events[0].kind == "question.asked":
            with house.tx() as tx:
                tx.emit("question.answered")

    house.store.subscribe(answer)
    with house.tx() as tx:
        tx.emit("question.asked")
    assert house.kinds("question.") == ["question.asked", "question.answered"]


def test_the_rows_of_an_event_have_their_ids_when_it_is_emitted(house):
    with house.tx() as tx:
        customer = Customer(name="Li Na", created_at=tx.now)
        tx.session.add(customer)
        tx.emit("customer.added", customer=customer)
    event = house.one(select(Event).order_by(Event.id.desc()).limit(1))
    assert event.customer_id == customer.id
    assert event.at == house.clock.now()
    assert (event.actor_kind, event.actor_name) == ("system", "system")


@pytest.mark.parametrize("change", [update(Event).values(kind="forged"), delete(Event)])
def test_the_database_refuses_to_change_or_delete_events(house, change):
    with house.tx() as tx:
        tx.emit("customer.added")
    before = house.kinds()
    with pytest.raises(DBAPIError, match="append-only"), house.tx() as tx:
        tx.session.execute(change)
    assert house.kinds() == before


def test_a_time_without_a_zone_is_refused(house):
    with pytest.raises(Exception, match="without a zone"), house.tx() as tx:
        tx.session.add(Timer(kind="test", key="1", due_at=datetime(2026, 11, 20)))  # noqa: DTZ001
    assert house.one(select(Timer)) is None


def test_a_time_comes_back_as_the_same_moment_whatever_zone_the_machine_is_in(house):
    moment = datetime.fromisoformat("2026-03-29T02:30:00.123456+13:45")
    with house.tx() as tx:
        tx.session.add(Timer(kind="test", key="1", due_at=moment))
    kept = house.one(select(Timer)).due_at
    assert kept == moment
    assert kept.utcoffset().total_seconds() == 0


def test_event_ids_become_visible_in_order_while_many_write(postgres_house):
    house, writers, each = postgres_house, 8, 40
    after, seen, done = 0, [], threading.Event()

    def write():
        for _ in range(each):
            with house.tx() as tx:
                tx.emit("test.written")
                tx.emit("test.written_too")

    def follow():
        """Read as a consumer does: everything after the last id. What became visible late would be missed for good."""
        nonlocal after
        while True:
            last_round = done.is_set()
            new = house.all(select(Event.id).where(Event.id > after).order_by(Event.id))
            seen.extend(new)
            after = seen[-1] if seen else 0
            if last_round:
                return

    threads = [threading.Thread(target=write) for _ in range(writers)]
    reader = threading.Thread(target=follow)
    for thread in [*threads, reader]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert seen == house.all(select(Event.id).order_by(Event.id))
    assert len(seen) >= writers * each * 2


def write_once(tx, key):
    tx.session.add(Timer(kind="race", key=key, due_at=tx.now))
    tx.emit("test.written")
    return "written"


def test_writers_in_several_processes_wait_for_one_another_instead_of_failing(house, tmp_path):
    rounds = [[f"{turn}.{number}" for number in range(3)] for turn in range(40)]
    outcomes = race(house, tmp_path, [write_once] * 3, rounds)
    assert {outcome for turn in outcomes for outcome in turn} == {"written"}
    assert len(house.all(select(Timer))) == 120


def test_threads_of_one_process_wait_for_one_another_instead_of_failing(house):
    failures = []

    def write(number):
        try:
            for turn in range(20):
                with house.tx() as tx:
                    write_once(tx, f"{number}.{turn}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the failure
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(house.all(select(Timer))) == 160


def test_a_reader_sees_one_moment_however_much_is_written_meanwhile(sqlite_house):
    house = sqlite_house
    with house.store.read() as reading:
        before = len(reading.scalars(select(Event.id)).all())
        with house.tx() as tx:
            tx.emit("test.written")
        assert len(reading.scalars(select(Event.id)).all()) == before
    assert len(house.kinds()) == before + 1


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_database_that_is_away_is_told_as_such(tmp_path, kind):
    settings = Settings.from_env({"DESK_DATA_DIR": str(tmp_path), "DESK_DATABASE_URL": "postgresql://desk@127.0.0.1:1/desk"})
    store = Store(make_engine(settings.database_url), FrozenClock(MORNING), settings)
    block = store.read() if kind == "read" else store.tx(SYSTEM)
    with pytest.raises(StoreAway), block as unit:
        (unit if kind == "read" else unit.session).execute(select(1))


def test_a_connection_that_the_database_ends_is_told_and_the_next_one_is_good(postgres_house):
    house = postgres_house

    def lose_the_connection():
        with house.tx() as tx:
            tx.emit("test.lost")
            mine = tx.session.scalar(select(func.pg_backend_pid()))
            with house.store.read() as other:
                other.scalar(select(func.pg_terminate_backend(mine)))
            tx.session.execute(select(1))

    with pytest.raises(StoreAway):
        lose_the_connection()
    with house.tx() as tx:
        tx.emit("test.kept")
    assert house.kinds("test.") == ["test.kept"]


def locking(house, first, second, both, ended):
    """Lock two agents' rows in this order; the first time wait in between until somebody else has one of them too.

    Another time begin when that other one has ended: who tries again at once may come in between once more.
    """
    turns = []

    def act(tx):
        turns.append(first)
        if len(turns) > 1:
            ended.wait(60)
        tx.session.get_one(Agent, first, with_for_update=True)
        if len(turns) == 1:
            both.wait(60)
        tx.session.get_one(Agent, second, with_for_update=True).name += "."
        tx.emit("agent.changed", agent=second)

    return lambda: (house.store.write(SYSTEM, act), ended.set(), len(turns))[-1]


def test_two_changes_that_wait_for_each_other_both_happen_once(postgres_house):
    house = postgres_house
    one, other = house.agent("One").id, house.agent("Two").id
    both, ended = threading.Barrier(2), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        turns = [pool.submit(locking(house, *order, both, ended)) for order in ((one, other), (other, one))]
        assert sorted(each.result(120) for each in turns) == [1, 2]  # the database ended one of them, which was done again
    assert sorted(house.all(select(Agent.name))) == ["One.", "Two."]
    assert len(house.all(select(Event.id).where(Event.kind == "agent.changed"))) == 2


def test_a_change_that_collides_every_time_is_given_up(postgres_house):
    house, turns = postgres_house, []
    agent = house.agent().id

    def act(tx):
        turns.append(tx)
        tx.session.execute(text("SET LOCAL lock_timeout = '20ms'"))
        tx.session.get_one(Agent, agent, with_for_update=True).name = "Never"

    with house.tx() as tx:
        tx.session.get_one(Agent, agent, with_for_update=True)
        with pytest.raises(Collided):
            house.store.write(SYSTEM, act)
    assert len(turns) == ATTEMPTS
    assert house.store.write(SYSTEM, lambda tx: tx.session.get_one(Agent, agent).name) == "Maya"


def test_what_is_no_collision_is_not_done_again(house):
    turns = []

    def act(tx):
        turns.append(tx)
        raise Conflict("Somebody else has taken this work.")

    with pytest.raises(Conflict):
        house.store.write(SYSTEM, act)
    assert len(turns) == 1
