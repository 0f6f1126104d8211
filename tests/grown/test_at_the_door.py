"""What a proxy may say, the id of a request, and who is shown the figures."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from desk import logs
from desk.commands import web
from desk.commands.part_door import open_door
from desk.config import Settings
from desk.errors import Invalid
from desk.models import SignIn
from tests.world import World, free_port, running, settings_for

TOKEN = "a token for prometheus"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """Behind one proxy of our own."""
    settings = settings_for(tmp_path_factory.mktemp("door"), DESK_TRUSTED_PROXIES="1", DESK_METRICS_TOKEN=TOKEN)
    with running(settings) as world:
        world.agent("Maya", available=True)
        yield world


def figures(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def asked(world) -> str:
    return requests.get(f"{world.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60).text


def test_of_the_addresses_that_a_request_names_only_our_proxys_is_believed(world):
    browser = world.browser()
    told = {"X-Forwarded-For": "9.9.9.9, 203.0.113.7"}
    browser.post("/login", data={"email": "nobody@desk.example", "password": "wrong"}, headers=told)
    assert world.one(select(SignIn.address).order_by(SignIn.id.desc()).limit(1)) == "203.0.113.7"


def test_an_id_that_the_proxy_gave_comes_back_and_a_strange_one_does_not(world):
    for given, kept in (("abc-123", True), ("a b", False), ("x" * 200, False), ("", False)):
        answer = requests.get(f"{world.url}/healthz", headers={"X-Request-Id": given}, timeout=60)
        told = answer.headers["X-Request-Id"]
        assert (told == given) is kept
        assert re.fullmatch(r"[\w.:-]{1,80}", told)


def test_without_a_proxy_nobody_names_their_own_request(tmp_path):
    with running(settings_for(tmp_path), background=False) as alone:
        answer = requests.get(f"{alone.url}/healthz", headers={"X-Request-Id": "mine"}, timeout=60)
        assert answer.headers["X-Request-Id"] != "mine"
        through = requests.get(f"{alone.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, timeout=60)
        assert through.status_code == 403
        here = requests.get(f"{alone.url}/metrics", timeout=60)
        assert here.status_code == 200
        assert figures(here.text)["desk_database_answers", frozenset()] == 1


def test_figures_are_for_whoever_has_the_token(world):
    for said in ("", "Bearer wrong", f"Basic {TOKEN}", TOKEN):
        assert requests.get(f"{world.url}/metrics", headers={"Authorization": said}, timeout=60).status_code == 403


def test_the_figures_tell_what_waits_and_what_was_offered(world):
    before = figures(asked(world)).get(("desk_offers_total", frozenset({("outcome", "made")})), 0.0)
    world.send("Where is my parcel?")
    made = ("desk_offers_total", frozenset({("outcome", "made")}))
    world.until(lambda: figures(asked(world)).get(made, 0.0) > before)
    now = figures(asked(world))
    assert now["desk_database_answers", frozenset()] == 1
    assert now["desk_agents", frozenset({("presence", "available")})] == 1
    assert now["desk_carrier_answers", frozenset()] == 1
    world.until(lambda: figures(asked(world))["desk_part_healthy", frozenset({("part", "router")})] == 1)
    route = frozenset({("method", "GET"), ("route", "/metrics"), ("class", "2")})
    assert now["desk_request_seconds_count", route] > 0


def test_a_part_without_pages_answers_at_its_own_door(tmp_path):
    settings = settings_for(tmp_path, DESK_METRICS_PORT=str(free_port()))
    with running(settings) as world:
        door = open_door(world.desk, world.background.health)
        try:
            at = f"http://127.0.0.1:{settings.metrics_port}"
            assert requests.get(f"{at}/healthz", timeout=60).json() == {"status": "ok"}
            world.until(lambda: requests.get(f"{at}/readyz", timeout=60).status_code == 200)
            assert requests.get(f"{at}/desk", timeout=60).status_code == 404
            assert ("desk_part_healthy", frozenset({("part", "router")})) in figures(
                requests.get(f"{at}/metrics", timeout=60).text
            )
        finally:
            door.shutdown()
            door.server_close()


def test_sqlite_under_gevent_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DESK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(web, "gevent_runs", lambda: True)
    with pytest.raises(SystemExit) as ended:
        web.begin()
    assert ended.value.code == web.DOES_NOT_LOAD
    assert "SQLite cannot be used under gevent" in capsys.readouterr().err


def test_a_line_of_the_json_log_carries_the_request_and_what_was_given():
    record = logging.makeLogRecord({"name": "desk.x", "levelname": "INFO", "msg": "told %s", "args": ("all",), "events": [5, 6]})
    token = logs.doing.set("abc")
    try:
        line = json.loads(logs.JsonLines().format(record))
    finally:
        logs.doing.reset(token)
    assert (line["message"], line["request"], line["events"], line["level"]) == ("told all", "abc", [5, 6], "info")


@pytest.mark.parametrize(
    ("name", "value"),
    [("DESK_TRUSTED_PROXIES", "many"), ("DESK_METRICS_TOKEN", "short"), ("DESK_LOG", "xml"), ("DESK_LEAVE_S", "-1")],
)
def test_what_cannot_be_used_is_told_at_start(name, value):
    with pytest.raises(Invalid, match=name):
        Settings.from_env({name: value})
