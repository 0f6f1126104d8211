"""Redis is killed and comes back empty: work goes on without it, nothing counts as gone, and company is right again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.live import together
from desk.models import Agent
from tests.faults.chaos.stage import Redis
from tests.live.staff_wire import cookie_of
from tests.live.wire import Wire
from tests.world import running, settings_for

pytestmark = pytest.mark.nightly


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    server.start()
    yield server
    server.kill()


def test_while_redis_is_gone_work_goes_on_and_afterwards_all_know_again_who_is_where(tmp_path, redis, monkeypatch):
    monkeypatch.setattr(together, "BEAT_S", 0.05)
    monkeypatch.setattr(together, "AWAY_S", 0.05)
    with running(settings_for(tmp_path, DESK_REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")) as world:
        both = world.app.extensions["together"]
        both.start()
        world.agent("Maya", available=True)
        console = world.browser("maya@desk.example")
        screen = Wire(world.url, "/desk", headers=cookie_of(console))
        world.send("Where is it?")
        number = world.ticket().number
        topic = f"ticket:{number}"
        screen.call("watch", {"topics": [topic]})
        screen.tell("here", {"topic": topic, "turn": 1})
        screen.heard("company")

        redis.kill()
        answer = {"kind": "email", "text": "Here it is.", "client_id": "an-answer-0001"}
        assert console.post(f"/desk/tickets/{number}/messages", data=answer).ok
        screen.heard("changed", lambda data: topic in data["topics"])
        assert both.company.at(topic)[0]["name"] == "Maya"  # by what this process knows itself
        assert world.one(select(Agent.presence).where(Agent.name == "Maya")) == "available"

        redis.start()
        present = both._line.key("present")
        world.until(lambda: both._line.ask(lambda server: server.zcard(present)) == 1)
        world.until(lambda: [each["name"] for each in both.company.at(topic)] == ["Maya"])
        assert world.one(select(Agent.presence).where(Agent.name == "Maya")) == "available"
        screen.close()
        both.close()
