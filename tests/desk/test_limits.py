"""What takes PostgreSQL too long is stopped, nothing of it stays, and whoever waits is told in a sentence."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from desk import db, migrate
from desk.app import create_app, install
from desk.config import Settings
from desk.db import NO_LIMITS, Limits, make_engine
from desk.errors import Conflict
from desk.events import SYSTEM, Event
from desk.limits import report_limits, web_limits, work_limits
from desk.models import Agent
from desk.store import ATTEMPTS, Collided, Overrun, Store, StoreAway, TooSlow


@contextmanager
def store_within(house, limits: Limits):
    store = Store(make_engine(house.url, limits=limits), house.clock, house.settings)
    yield store
    store.engine.dispose()


@contextmanager
def another(house):
    """A connection of somebody else's, whose every statement commits by itself."""
    address = make_url(house.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@contextmanager
def locked(house, table: str):
    """Nobody else may even read the table."""
    with another(house) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_statement_that_takes_too_long_is_stopped_and_nothing_stays(postgres_house):
    def act(tx):
        tx.emit("agent.changed")
        tx.session.execute(text("SELECT pg_sleep(600)"))

    with store_within(postgres_house, Limits(statement_s=0.05)) as store, pytest.raises(TooSlow) as told:
        store.write(SYSTEM, act)
    assert (told.value.status, told.value.retry_after) == (503, StoreAway.retry_after)
    assert postgres_house.all(select(Event.id).where(Event.kind == "agent.changed")) == []


def test_who_waits_for_what_another_holds_tries_anew_and_then_gives_up(postgres_house):
    turns, agent = [], postgres_house.agent().id

    def act(tx):
        turns.append(tx)
        tx.session.get_one(Agent, agent, with_for_update=True)

    with store_within(postgres_house, Limits(lock_s=0.02)) as store, postgres_house.tx() as tx:
        tx.session.get_one(Agent, agent, with_for_update=True)
        with pytest.raises(Collided):
            store.write(SYSTEM, act)
    assert len(turns) == ATTEMPTS


def test_a_transaction_that_stands_still_is_ended_and_what_it_held_is_free(postgres_house):
    agent = postgres_house.agent().id

    def stand_still(tx):
        tx.session.get_one(Agent, agent, with_for_update=True).name = "Never"
        with postgres_house.tx() as other:
            other.session.get_one(Agent, agent, with_for_update=True).name = "Free"

    with store_within(postgres_house, Limits(idle_s=0.1)) as store, pytest.raises(TooSlow):
        store.write(SYSTEM, stand_still)
    assert postgres_house.one(select(Agent.name).where(Agent.id == agent)) == "Free"


def test_who_gets_no_connection_is_told_that_the_desk_is_busy(postgres_house, monkeypatch):
    monkeypatch.setattr(db, "POOL_WAIT_S", 0.02)
    with store_within(postgres_house, NO_LIMITS) as store:
        held = [store.engine.connect() for _ in range(30)]
        with pytest.raises(Overrun), store.read() as reading:
            reading.scalar(select(Agent.id))
        for connection in held:
            connection.close()
        with store.read() as reading:
            assert reading.scalar(select(Agent.id).where(Agent.id == 0)) is None


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [(Limits(statement_s=0.05), TooSlow.says), (Limits(lock_s=0.05), Collided.says)],
    ids=["statement", "lock"],
)
def test_a_page_says_what_has_happened_and_when_to_ask_again(postgres_house, limits, sentence):
    desk = install(postgres_house.settings, limits=limits)
    app, _socketio = create_app(desk)
    with locked(postgres_house, "article"):
        answer = app.test_client().get("/", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(StoreAway.retry_after))
    assert sentence in answer.text
    desk.store.engine.dispose()


def test_a_migration_does_not_wait_for_a_process_that_will_not_let_go(postgres_house, monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 0.05)
    with locked(postgres_house, "alembic_version"), pytest.raises(Conflict, match="would not let go"):
        migrate.upgrade(postgres_house.store.engine)
    migrate.upgrade(postgres_house.store.engine)


def test_each_process_has_the_limits_of_its_settings():
    env = {"DESK_WEB_STATEMENT_S": "1", "DESK_REPORT_STATEMENT_S": "2", "DESK_WORK_STATEMENT_S": "3", "DESK_LOCK_WAIT_S": "0.5"}
    settings = Settings.from_env({**env, "DESK_IDLE_TRANSACTION_S": "4"})
    assert web_limits(settings) == Limits(1, 0.5, 4)
    assert report_limits(settings) == Limits(2, 0.5, 4)
    assert work_limits(settings) == Limits(3, 0, 4)
    named = "-c statement_timeout=1000 -c lock_timeout=500 -c idle_in_transaction_session_timeout=4000"
    assert web_limits(settings).options == named
    assert NO_LIMITS.options == ""
