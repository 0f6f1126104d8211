"""Two who answer the same customer: whoever is second is shown the first answer before theirs leaves, once."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from desk.models import Agent, Message, UnsentReply
from tests.web.console_world import HX, mail
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("crossed")), background=False) as world:
        world.agent(undo_s=0)
        world.agent("Ben", undo_s=0)
        yield world


@pytest.fixture(scope="module")
def desks(world):
    return {name: world.browser(f"{name}@desk.example") for name in ("maya", "ben")}


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def seen(browser, ticket):
    page = browser.get(f"/desk/tickets/{ticket.number}/timeline").text
    return page.split('id="timeline-seen" hidden data-seen="', 1)[1].split('"', 1)[0]


def send(browser, ticket, text, seen="", **more):
    data = {"kind": "email", "text": text, "client_id": f"id-{ticket.number}-{len(text)}", "seen": seen, **more}
    return browser.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX)


def answers(world, ticket):
    return world.one(select(func.count()).where(Message.ticket_id == ticket.id, Message.direction == "out"))


def test_the_second_is_asked_once_and_then_sends(world, desks, ticket):
    before = seen(desks["maya"], ticket)
    assert send(desks["ben"], ticket, "We <b>refund</b> it.", before).status_code == 204
    asked = send(desks["maya"], ticket, "We refund nothing.", before, then="pending_customer")
    assert asked.status_code == 409
    assert "colleague has answered" in asked.json()["detail"]
    assert json.loads(asked.headers["HX-Trigger"]) == {"reply:crossed": {"then": "pending_customer"}}
    assert answers(world, ticket) == 1
    shown = desks["maya"].get(f"/desk/tickets/{ticket.number}/crossed?seen={before}").text
    assert "Ben" in shown
    assert "We &lt;b&gt;refund&lt;/b&gt; it." in shown
    now = shown.split('id="crossed-seen" value="', 1)[1].split('"', 1)[0]
    assert send(desks["maya"], ticket, "We refund nothing.", now).status_code == 204
    assert answers(world, ticket) == 2


def test_an_answer_that_can_still_be_taken_back_counts_and_no_longer_when_it_was(world, desks, ticket):
    before = seen(desks["maya"], ticket)
    with world.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Ben")).one().undo_s = 60
    send(desks["ben"], ticket, "Wait for me", before)
    assert send(desks["maya"], ticket, "I am second", before).status_code == 409
    assert "leaves in a moment" in desks["maya"].get(f"/desk/tickets/{ticket.number}/crossed?seen={before}").text
    unsent = world.one(select(UnsentReply).where(UnsentReply.ticket_id == ticket.id))
    desks["ben"].post(f"/desk/tickets/{ticket.number}/unsent/{unsent.id}/undo", headers=HX)
    assert "It has been taken back." in desks["maya"].get(f"/desk/tickets/{ticket.number}/crossed?seen={before}").text
    assert send(desks["maya"], ticket, "I am second", before).status_code == 204
    with world.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Ben")).one().undo_s = 0


def test_what_is_not_a_colleagues_answer_asks_nothing(world, desks, ticket):
    before = seen(desks["maya"], ticket)
    send(desks["maya"], ticket, "My own first", before)
    send(desks["ben"], ticket, "A note", before, kind="note")
    mail(world, "The customer once more", external_id="once more", in_reply_to="")
    assert send(desks["maya"], ticket, "My own second one", before).status_code == 204


def test_a_note_needs_no_question(desks, ticket):
    before = seen(desks["maya"], ticket)
    send(desks["ben"], ticket, "Answered", before)
    assert send(desks["maya"], ticket, "Only a note", before, kind="note").status_code == 204


@pytest.mark.parametrize("said", ["", "x", "1", "-1.0", "1.2.3", "9" * 40 + ".1", "１.２"])
def test_who_says_nothing_of_use_about_what_they_have_seen_is_not_stopped(world, desks, ticket, said):
    send(desks["ben"], ticket, "First", seen(desks["ben"], ticket))
    assert send(desks["maya"], ticket, "Second", said).status_code == 204
    assert desks["maya"].get(f"/desk/tickets/{ticket.number}/crossed", params={"seen": said}).status_code == 200
    assert answers(world, ticket) == 2


def test_a_draft_remembers_what_was_seen_when_it_was_begun(world, desks, ticket):
    before = seen(desks["maya"], ticket)
    data = {"kind": "email", "text": "Slowly", "draft": "0", "seen": before}
    desks["maya"].post(f"/desk/tickets/{ticket.number}/draft", data=data, headers=HX)
    send(desks["ben"], ticket, "Quickly", before)
    assert f'data-seen="{before}"' in desks["maya"].get(f"/desk/tickets/{ticket.number}/draft").text
