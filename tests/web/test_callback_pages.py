"""The list of promised calls and of messages: who sees it, what it says, what can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from channels.voice.events import CallEvent
from desk.actions import intake
from desk.actions.calls import arrival, callback_outcomes, callbacks, voicemails
from desk.actions.people import customers
from desk.events import Event
from desk.models import Callback, ContactLimit, Ticket, WorkItem
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
            call = arrival.arrive(tx, CallEvent("CA1", NUMBER, OURS, "ringing", "inbound"))
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


def test_who_reaches_us_in_writing_only_is_told_so_and_what_they_wrote_is_passed_on(world):
    number = "+8613922228888"
    with world.tx() as tx:
        customer = customers.identify(tx, "phone", number, name="Zhou")
        times = {"set_at": tx.now, "review_at": tx.now + timedelta(days=20), "until": tx.now + timedelta(days=40)}
        tx.session.add(ContactLimit(customer_id=customer.id, kind="channel", reason="Names.", set_by="Sam", **times))
        customer_id = customer.id
    visitor = world.browser()
    visitor.post("/language", data={"locale": "zh"})
    sent = visitor.post("/call-back", data={"phone": number, "name": "Zhou", "about": "账单不对"})
    assert sent.status_code == 409
    assert "我们暂时以书面方式处理您的事宜" in sent.text
    assert "账单不对" in sent.text
    assert world.all(select(Callback).where(Callback.number == number)) == []
    assert [each.subject for each in world.all(select(Ticket).where(Ticket.customer_id == customer_id))] == ["账单不对"]


def test_a_visitor_who_does_not_want_the_call_any_more_takes_it_back(world):
    visitor, number = world.browser(), "13922226666"
    sent = visitor.post("/call-back", data={"phone": number, "name": "Qian", "about": "Nothing urgent"})
    address = sent.headers["Location"]
    assert re.fullmatch(r"/call-back/[\w.-]+", address)
    page = visitor.get(address)
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.text.count('action="' + address) == 1
    for wrong in (address[:-1], address + "x", "/call-back/1", "/call-back/%00"):
        assert visitor.get(wrong).status_code == 404
        assert visitor.post(wrong).status_code == 404
    assert promise(world, f"+86{number}").ended_at is None
    other = world.browser()
    assert other.post(address).headers["Location"] == address, "the address is enough, from wherever"
    assert "Nobody will ring you" in other.get(address).text
    one = promise(world, f"+86{number}")
    assert one.state == "withdrawn"
    ticket = world.one(select(Ticket).where(Ticket.id == one.ticket_id))
    assert ticket.status == "solved", "it was opened for the call alone"
    assert world.all(select(WorkItem.state).where(WorkItem.ticket_id == ticket.id, WorkItem.ended_at.is_(None))) == []
    told = select(func.count()).select_from(Event).where(Event.kind == "callback.withdrawn", Event.ticket_id == ticket.id)
    assert visitor.post(address).status_code == 303, "twice is once"
    assert world.one(told) == 1


def test_a_call_that_is_being_made_cannot_be_taken_back_on_the_page(world):
    address = world.browser().post("/call-back", data={"phone": "13922227777"}).headers["Location"]
    with world.tx() as tx:
        one = tx.session.scalar(select(Callback).where(Callback.number == "+8613922227777"))
        one.state = "dialling"
    late = world.browser().post(address)
    assert late.status_code == 409
    assert "We are calling you now" in late.text
    assert "Do not call me" not in late.text
    with world.tx() as tx:
        assert callback_outcomes.withdraw(tx, tx.session.get_one(Callback, one.id)) is False
        one = tx.session.get_one(Callback, one.id)
        one.state, one.ended_at = "reached", tx.now
    assert "This is settled" in world.browser().get(address).text


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
    assert answers[:3] == [303, 303, 303]
    assert answers[4] == 429
