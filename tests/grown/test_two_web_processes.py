"""Two web processes serve one desk: what happens at one is on the screens of the other, once, and nobody is taken for gone."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import select

from channels.chat.secret import new_token
from desk.actions.articles.articles import set_state, write_article
from desk.models import Agent, Calendar, Offer, Ticket, WorkItem
from desk.models.article import PUBLISHED
from tests.desk.chat_world import question
from tests.grown.grown_world import Grown, grown
from tests.services.postgres import new_database
from tests.services.redis import private_server
from tests.world import Browsing


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgres_server) -> Iterator[Grown]:
    folder = tmp_path_factory.mktemp("grown")
    with (
        new_database(postgres_server) as database_url,
        private_server(folder) as redis_url,
        grown(folder, database_url, redis_url) as world,
    ):
        for name in ("Maya", "Tom"):
            world.agent(name)
        with world.tx() as tx:
            for calendar in tx.session.scalars(select(Calendar)):
                calendar.week = [[["00:00", "24:00"]]] * 7
        yield world


@pytest.fixture(scope="module")
def people(world):
    """Both, signed in at different processes."""
    return world.a.browser("maya@desk.example"), world.b.browser("tom@desk.example")


def test_a_page_of_the_help_centre_that_one_process_gave_is_known_by_the_other(world):
    with world.tx() as tx:
        article = write_article(tx, key="refund-en", lang="en", title="Refunds", text="In five days.", audience="public")
        set_state(tx, article, PUBLISHED)
    reader = Browsing(world.a.url)
    reader.get("/articles/refund-en")  # from then on the reader has a session
    first = reader.get("/articles/refund-en")
    reader.base = world.b.url
    again = reader.get("/articles/refund-en", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


def test_an_answer_given_at_one_process_shows_at_the_other(world, people):
    maya, tom = people
    world.send("Where is my parcel?")
    number = world.ticket().number
    topic = f"ticket:{number}"
    screen = world.b.screen(tom)
    screen.call("watch", {"topics": [topic]})
    page = maya.get(f"/desk/tickets/{number}")
    assert page.status_code == 200
    said = {"kind": "email", "text": "It is on its way.", "client_id": str(uuid4())}
    answer = maya.post(f"/desk/tickets/{number}/messages", data=said)
    assert answer.ok, answer.text
    screen.heard("changed", lambda data: topic in data["topics"])
    assert said["text"] in tom.get(f"/desk/tickets/{number}/timeline").text
    screen.close()


def test_who_has_a_ticket_open_and_writes_is_known_at_both(world, people):
    maya, tom = people
    world.send("Second question", subject="Second", sender="wang@customers.example")
    topic = f"ticket:{world.ticket().number}"
    mine, theirs = world.a.screen(maya), world.b.screen(tom)
    for screen in (mine, theirs):
        screen.call("watch", {"topics": [topic]})
    mine.tell("here", {"topic": topic, "turn": 1})
    theirs.tell("here", {"topic": topic, "writing": "reply", "turn": 1})
    both = [("Maya", ""), ("Tom", "reply")]
    for screen in (mine, theirs):
        screen.heard("company", lambda data: [(each["name"], each["writing"]) for each in data["people"]] == both)
    theirs.close()
    world.until(lambda: [each["name"] for each in mine.all_heard("company")[-1]["people"]] == ["Maya"])
    mine.close()


def test_somebody_whose_screen_moves_to_the_other_process_stays_available(world, people):
    maya, _ = people
    agent_id = world.one(select(Agent.id).where(Agent.name == "Maya"))
    here = world.a.screen(maya)
    assert maya.post("/desk/presence", data={"presence": "available"}).ok
    there = world.b.screen(maya)
    here.drop()
    there.call("watch", {"topics": [f"self:{agent_id}"]})
    assert world.one(select(Agent.presence).where(Agent.id == agent_id)) == "available"
    there.close()


def test_a_visitor_at_one_process_and_an_agent_at_the_other_hear_each_word_once(world, people):
    maya, tom = people
    assert maya.post("/desk/presence", data={"presence": "offline"}).ok
    screen = world.b.screen(tom)
    assert tom.post("/desk/presence", data={"presence": "available"}).ok
    window = world.a.window()
    opened = window.call("open", question(token=new_token()))
    assert opened["ok"], opened
    offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered", Offer.channel == "chat")))
    assert tom.post(f"/desk/offers/{offer.id}/accept").ok
    number = world.one(select(Ticket.number).join(WorkItem, WorkItem.ticket_id == Ticket.id).where(WorkItem.id == offer.item_id))
    topic = f"ticket:{number}"
    screen.call("watch", {"topics": [topic]})
    for turn in range(3):
        assert window.call("say", {"client_id": str(uuid4()), "text": f"Question {turn}"})["ok"]
        answer = {"kind": "chat", "text": f"Answer {turn}", "client_id": str(uuid4())}
        assert tom.post(f"/desk/tickets/{number}/messages", data=answer).ok
    window.heard("message", lambda said: said["text"] == "Answer 2")
    told = [said["text"] for said in window.all_heard("message")]
    assert [told.count(f"{word} {turn}") for turn in range(3) for word in ("Question", "Answer")] == [1] * 6
    timeline = tom.get(f"/desk/tickets/{number}/timeline").text
    assert all(f"Question {turn}" in timeline for turn in range(3))
    screen.tell("typing", {"topic": topic})
    assert window.heard("typing")["name"] == "Tom"
    window.call("typing")
    screen.heard("typing", lambda data: data == {"topic": topic, "name": ""})
    window.close()
    screen.close()
