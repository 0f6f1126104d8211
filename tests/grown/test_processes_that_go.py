"""A web process that ends, or is killed, leaves its screens to the other; and Redis may go and come."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from desk.models import Agent
from tests.grown.grown_world import Grown, grown
from tests.live.wire import Wire
from tests.services.redis import private_server

pytestmark = pytest.mark.nightly


@pytest.fixture
def world(tmp_path, postgres_server) -> Iterator[Grown]:
    from tests.services.postgres import new_database

    with new_database(postgres_server) as url, private_server(tmp_path) as redis_url, grown(tmp_path, url, redis_url) as world:
        world.agent("Maya")
        yield world


def presence(world) -> str:
    return world.one(select(Agent.presence).where(Agent.name == "Maya"))


def test_a_process_that_is_told_to_end_sends_its_screens_away_and_ends_well(world):
    maya = world.a.browser("maya@desk.example")
    screen = world.a.screen(maya)
    assert maya.post("/desk/presence", data={"presence": "available"}).ok
    world.a.tell(signal.SIGTERM)
    assert screen.ended()
    elsewhere = world.b.screen(maya)
    assert world.a.process.wait(60) == 0
    assert "Traceback" not in world.a.log
    assert elsewhere.call("watch", {"topics": ["tickets"]})["ok"] == ["tickets"]
    assert presence(world) == "available"
    elsewhere.close()


def test_who_was_at_a_process_that_was_killed_is_gone_unless_they_come_back_elsewhere(world):
    maya = world.a.browser("maya@desk.example")
    screen = world.a.screen(maya)
    assert maya.post("/desk/presence", data={"presence": "available"}).ok
    world.a.tell(signal.SIGKILL)
    assert screen.ended()
    world.until(lambda: presence(world) == "offline", seconds=120)
    back = world.b.screen(maya)
    assert presence(world) == "available"
    world.send("After the fall", sender="li@customers.example")
    topic = f"ticket:{world.ticket().number}"
    back.call("watch", {"topics": [topic]})
    assert "After the fall" in _at(world.b, maya, f"/desk/tickets/{world.ticket().number}/timeline")
    back.close()


def test_while_redis_is_away_work_goes_on_and_when_it_is_back_company_is_right(tmp_path, postgres_server):
    from tests.services.postgres import new_database

    with new_database(postgres_server) as url, private_server(tmp_path) as redis_url, grown(tmp_path, url, redis_url) as world:
        world.agent("Maya")
        maya = world.a.browser("maya@desk.example")
        screen: Wire = world.a.screen(maya)
        world.send("Where is it?")
        number = world.ticket().number
        screen.call("watch", {"topics": [f"ticket:{number}"]})
        from redis import Redis

        with Redis.from_url(redis_url) as redis:
            redis.flushall()
            redis.client_kill_filter(_type="normal", skipme=True)
            redis.client_kill_filter(_type="pubsub", skipme=True)
        screen.tell("here", {"topic": f"ticket:{number}", "turn": 1})
        screen.heard("company", lambda data: [each["name"] for each in data["people"]] == ["Maya"])
        answer = {"kind": "email", "text": "Here it is.", "client_id": "an-answer-0001"}
        assert maya.post(f"/desk/tickets/{number}/messages", data=answer).ok
        screen.heard("changed", lambda data: f"ticket:{number}" in data["topics"])
        screen.close()


def _at(web, client, path: str) -> str:
    client.base = web.url
    return client.get(path).text
