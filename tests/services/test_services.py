"""The servers and the browser that other tests rely on are there and cut off from the world."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import Error
from pytest_socket import SocketConnectBlockedError
from redis import Redis
from sqlalchemy import create_engine, text


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
