"""The list of promised calls and of messages: who sees it, what it says, what can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions import call_arrival, callbacks, customers, intake, voicemails
from desk.models import Callback
from tests.world import World, running, settings_for

NUMBER, OTHER, OURS = "+8613800138000", "+8613911112222", "+862155501234"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with running(settings_for(tmp_path_factory.mktemp("promises")), background=False) as world:
        world.agent("Maya")
        world.agent("Sam", roles=("supervisor",))
        world.agent("Olga", team="care")
        world.agent("Edda", roles=("knowledge_editor",))
        with world.tx() as tx:
            queue = intake.find_queue(tx, "general")
            for number, name in ((NUMBER, "Li Na"), (OTHER, "Wang <b>Wu</b>")):
                customer = customers.identify(tx, "phone", number, name=name, locale="en")
                callbacks.promise_later(tx, number=number, customer=customer, queue=queue, source="web")
            call = call_arrival.arrive(tx, CallEvent("CA1", NUMBER, OURS, "ringing", "inbound"))
            voicemails.begin(tx, call)
            voicemails.left(tx, call, "RE1", 42)
        yield world


def promise(world, number=NUMBER):
    return world.one(select(Callback).where(Callback.number == number).order_by(Callback.id.desc()).limit(1))


@pytest.mark.parametrize(("name", "sees"), [("maya", True), ("sam", True), ("olga", False)])
def test_a_team_sees_its_own_promises_and_messages(world, name, sees):
    page = world.browser(f"{name}@desk.example").get("/desk/callbacks")
    assert page.ok
    assert ("Li Na" in page.text) is sees
    assert ("is being fetched" in page.text) is sees
    assert "<b>Wu" not in page.text


def test_numbers_are_whole_only_for_whoever_may_see_them(world):
    assert NUMBER not in world.browser("maya@desk.example").get("/desk/callbacks").text
    assert NUMBER in world.browser("sam@desk.example").get("/desk/callbacks").text


def test_whoever_reads_no_tickets_does_not_read_this(world):
    assert world.browser("edda@desk.example").get("/desk/callbacks").status_code == 403


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_page_and_fragment_are_the_same_words(world, lang):
    sam = world.browser("sam@desk.example")
    sam.post("/language", data={"locale": lang})
    page, part = sam.get("/desk/callbacks"), sam.get("/desk/callbacks/rows", headers={"X-Fragment": "1"})
    assert 'id="open-title"' in part.text
    assert part.text.strip().splitlines()[0].strip() in page.text


def test_a_promise_is_taken_back_and_made_again(world):
    maya = world.browser("maya@desk.example")
    one = promise(world, OTHER)
    assert world.browser("olga@desk.example").post(f"/desk/callbacks/{one.id}/withdraw").status_code == 404
    assert maya.post(f"/desk/callbacks/{one.id}/withdraw").ok
    assert promise(world, OTHER).state == "withdrawn"
    assert maya.post(f"/desk/callbacks/{one.id}/withdraw").status_code == 409
    assert maya.post(f"/desk/callbacks/{one.id}/again").ok
    assert promise(world, OTHER).state in ("waiting", "planned")
    assert maya.post(f"/desk/callbacks/{one.id}/again").status_code == 409


def test_a_visitor_asks_to_be_called_now_or_at_an_hour(world):
    visitor = world.browser()
    page = visitor.get("/call-back")
    times = re.findall(r'<option value="(20[^"]+)"', page.text)
    assert len(times) == 8
    sent = visitor.post("/call-back", data={"phone": "13922223333", "name": "Zhao", "at": times[3], "about": "Bill"})
    assert sent.ok, sent.text
    made = promise(world, "+8613922223333")
    assert (made.source, made.state, made.waiting_since.isoformat()) == ("web", "planned", times[3])
    assert visitor.post("/call-back", data={"phone": "139 2222 3333"}).ok
    assert promise(world, "+8613922223333").id != made.id
    assert [each.state for each in world.all(select(Callback).where(Callback.id == made.id))] == ["withdrawn"]


@pytest.mark.parametrize(
    "form",
    [
        {"phone": ""}, {"phone": "110"}, {"phone": "+441632960961"}, {"phone": "13922224444", "at": "2020-01-01T00:00:00+00:00"},
        {"phone": "13922224444", "at": "tomorrow"}, {"phone": "13922224444", "website": "x"}, {"phone": "\x00" * 50},
    ],
)  # fmt: skip
def test_a_wrong_form_promises_nothing_and_says_why(world, form):
    before = len(world.all(select(Callback.id)))
    answer = world.browser().post("/call-back", data=form)
    assert answer.status_code == 422
    assert 'class="error' in answer.text
    assert len(world.all(select(Callback.id))) == before


def test_nobody_has_a_number_rung_again_and_again(world):
    visitor = world.browser()
    answers = [visitor.post("/call-back", data={"phone": "13922225555"}).status_code for _ in range(5)]
    assert answers[:3] == [200, 200, 200]
    assert answers[4] == 429
