"""Reports are read from a streaming copy of the database and say how old it is; without one they are read all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from desk import replica
from desk.models import Tag
from desk.store import Store
from tests.services.postgres import StreamingCopy, new_database
from tests.world import World, running, settings_for

MARK = "data-as-of"
REPORTS = (
    *("/desk/learning/figures", "/desk/learning/trends", "/desk/learning/surveys"),
    *("/board/staffing", "/board/what-if", "/board/chats", "/board/chats/reply_gap"),
)


@pytest.fixture(scope="module")
def streaming(services_folder):
    servers = StreamingCopy(services_folder)
    yield servers
    servers.end()


@pytest.fixture(scope="module")
def asked_each_time():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replica, "LEFT_ALONE_S", 0)
        yield


@pytest.fixture(scope="module")
def world(streaming, asked_each_time, tmp_path_factory):
    with new_database(streaming.server) as url:
        copied = make_url(url).set(query=streaming.copy.query).render_as_string(hide_password=False)
        settings = settings_for(tmp_path_factory.mktemp("copied"), DESK_DATABASE_URL=url, DESK_REPORTS_DATABASE_URL=copied)
        with running(settings, background=False) as world:
            follows(world)
            yield world
            world.desk.store.replica.engine.dispose()


def follows(world: World) -> None:
    """Wait until reports come from the copy, and it has everything."""

    def has_all() -> bool:
        before = world.desk.clock.now()
        with world.desk.store.reports() as reading:
            return reading.info["as_of"] is not None and reading.info["as_of"] >= before

    world.until(has_all)


def tag(world: World, name: str) -> None:
    with world.tx() as tx:
        tx.session.add(Tag(word=name, folded=name, created_at=tx.now))


def found(store: Store, name: str):
    """Of when the report is, and whether the tag is in it."""
    with store.reports() as reading:
        return reading.info["as_of"], reading.scalar(select(Tag.id).where(Tag.folded == name)) is not None


def test_reports_are_read_from_the_copy_and_nothing_can_be_written_there(world):
    with world.desk.store.reports() as reading:
        assert reading.scalar(text("SELECT pg_is_in_recovery()")) is True
        with pytest.raises(DBAPIError, match="read-only"):
            reading.execute(insert(Tag).values(word="never", folded="never", colour="", created_at=world.desk.clock.now()))
    with world.desk.store.read() as reading:
        assert reading.scalar(text("SELECT pg_is_in_recovery()")) is False


def test_a_copy_that_lags_says_of_when_it_is(world, streaming, monkeypatch):
    streaming.ask("SELECT pg_wal_replay_pause()")
    world.until(lambda: streaming.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")
    before = world.desk.clock.now()
    tag(world, "late")
    as_of, is_there = found(world.desk.store, "late")
    assert (as_of < before, is_there) == (True, False)
    with monkeypatch.context() as strict:
        strict.setattr(replica, "MOST_AGE", timedelta(0))
        assert found(world.desk.store, "late") == (None, True)  # too old: the database itself is read
    streaming.ask("SELECT pg_wal_replay_resume()")
    follows(world)
    assert found(world.desk.store, "late")[1]


def test_pages_that_reckon_over_much_say_of_when_they_are_and_others_are_of_now(world):
    client = world.browser(world.agent(roles=("supervisor",)).email)
    follows(world)
    for path in REPORTS:
        answer = client.get(path)
        assert (answer.status_code, MARK in answer.text, "X-As-Of" in answer.headers) == (200, True, True), path
    answer = client.get("/board")
    assert (answer.status_code, MARK in answer.text, "X-As-Of" in answer.headers) == (200, False, False)


def test_while_the_copy_is_away_reports_come_from_the_database_itself(world, streaming):
    client = world.browser(world.agent("Noor", roles=("supervisor",)).email)
    streaming.stop()
    answer = client.get("/desk/learning/figures")
    assert (answer.status_code, MARK in answer.text) == (200, False)
    assert requests.get(world.url + "/readyz", timeout=60).json()["parts"]["database"] is True
    streaming.start()
    follows(world)


def test_a_database_that_follows_nobody_is_not_taken_for_a_copy(world):
    settings = world.desk.settings
    mistaken = Store(world.desk.store.engine, world.desk.clock, settings)
    mistaken.replica = replica.Replica(settings.database_url, replica.Limits(), world.desk.clock)
    with mistaken.reports() as reading:
        assert reading.info["as_of"] is None
    mistaken.replica.engine.dispose()
