"""The servers and the browser that other tests rely on are there and cut off from the world."""

from __future__ import annotations

import socket
import threading

import pytest
from playwright.sync_api import Error
from pytest_socket import SocketConnectBlockedError
from redis import Redis
from sqlalchemy import create_engine, text

from tests.world import put_away


def test_a_database_is_empty_and_understands_chinese(database_url):
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_one (words TEXT)"))
        connection.execute(text("INSERT INTO only_one VALUES ('投诉')"))
        assert connection.scalar(text("SELECT words FROM only_one WHERE length(words) = 2")) == "投诉"
    engine.dispose()


@pytest.mark.parametrize("time", ["first", "second"])
def test_postgresql_is_empty_for_every_test(postgres_url, time):
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
        connection.execute(text(f"CREATE TABLE only_{time} (words TEXT)"))
    engine.dispose()


def test_of_a_desk_that_ends_while_somebody_is_served_no_connection_stays_open(postgres_url):
    ending, others = create_engine(postgres_url), create_engine(postgres_url)
    asked, go, waiting = threading.Event(), threading.Event(), threading.Event()

    def be_served():
        with ending.connect() as connection:
            asked.set()
            assert go.wait(60)
            connection.execute(text("SELECT 1"))

    served = threading.Thread(target=be_served)
    served.start()
    assert asked.wait(60)
    end = threading.Thread(target=put_away, args=[ending])
    end.start()
    go.set()
    end.join(60)
    served.join(60)
    with ending.connect() as late:
        late.execute(text("SELECT 1"))
    there = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    with others.connect() as connection:
        for _ in range(6_000):  # a server's process ends a moment after its client has gone
            left = connection.scalar(there)
            connection.rollback()
            if not left or waiting.wait(0.01):
                break
    others.dispose()
    assert left == 0


@pytest.mark.parametrize("time", ["first", "second"])
def test_redis_is_empty_for_every_test(redis_url, time):
    with Redis.from_url(redis_url) as redis:
        assert redis.dbsize() == 0
        redis.set("left", time)


def test_the_browser_draws_chinese_and_has_the_accessibility_checker(chromium, axe_source):
    with chromium.new_context(locale="zh-CN") as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.set_content("<html lang='zh'><title>工单</title><main><h1>工单</h1></main></html>")
        page.evaluate(axe_source)
        assert page.title() == "工单"
        assert page.evaluate("axe.run().then(found => found.violations.map(each => each.id))") == []


def test_the_browser_reaches_nothing_outside(chromium):
    with chromium.new_context() as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            page.goto("http://desk.example/")


def test_tests_reach_nothing_outside():
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
