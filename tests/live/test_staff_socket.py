"""The staff's screens: who may watch what, hints after the commit only, and out with whoever may not look any more."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from http.client import HTTPConnection
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.chats import chats
from desk.actions.people import agents
from desk.actions.tickets import tickets
from desk.actions.work import answering, presence, work_items
from desk.actions.work.presence import set_presence
from desk.events import Event
from desk.models import Agent, Chat, Offer, Queue, Ticket, WorkItem
from tests.desk.chat_world import question
from tests.live.staff_wire import cookie_of, screen
from tests.live.wire import Wire
from tests.world import running, settings_for


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(presence, "GRACE_S", 0.05)
    with running(settings_for(tmp_path)) as world:
        yield world


def mail(world, number=1, queue="general"):
    with world.tx() as tx:
        inbound = Inbound(
            channel="email", external_id=f"m{number}", sender=Contact("email", f"c{number}@x.example"), text="Help."
        )
        return intake.receive(tx, inbound, queue_key=queue).ticket


@contextlib.contextmanager
def screens(world, *emails):
    wires = [screen(world, email) for email in emails]
    try:
        yield wires
    finally:
        for wire in wires:
            wire.close()


def topics(wire):
    return [topic for data in wire.all_heard("changed") for topic in data["topics"]]


def changed(wire, topic):
    return wire.heard("changed", lambda data: topic in data["topics"])


@pytest.mark.parametrize("headers", [None, {"Cookie": "desk=forged"}])
def test_strangers_are_not_let_in(world, headers):
    assert Wire(world.url, "/desk", headers=headers).refused


def test_a_page_of_another_site_is_not_let_in_with_our_cookie(world):
    maya = world.agent()
    headers = {
        **cookie_of(world.browser(maya.email)),
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answers = []
    for origin in ("https://evil.example", world.url):
        with contextlib.closing(HTTPConnection("127.0.0.1", world.desk.settings.http_port, timeout=60)) as connection:
            connection.request("GET", "/socket.io/?EIO=4&transport=websocket", headers={**headers, "Origin": origin})
            answers.append(connection.getresponse().status)
    assert answers == [400, 101]


def test_everybody_watches_what_their_rights_allow_and_nothing_else(world):
    general, complaint = mail(world, 1), mail(world, 2, "complaints")
    maya, sara = world.agent("Maya"), world.agent("Sara", roles=("supervisor",))
    ben = world.agent("Ben", roles=("knowledge_editor",))
    wanted = [
        f"ticket:{general.number}",
        f"ticket:{complaint.number}",
        f"worklist:{maya.id}",
        f"worklist:{sara.id}",
        f"customer:{general.customer_id}",
        f"customer:{complaint.customer_id}",
        *("board", "tickets", "complaints", "articles", "admin"),
        *("ticket:abc", "ticket:99999999999999999999999", "ticket:", "nonsense", "/desk", "ticket"),
    ]
    with screens(world, maya.email, sara.email, ben.email) as wires:
        ok = [set(wire.call("watch", {"topics": wanted})["ok"]) for wire in wires]
    assert ok[0] == {f"ticket:{general.number}", f"worklist:{maya.id}", f"customer:{general.customer_id}", "tickets", "articles"}
    assert ok[1] == set(wanted[:2]) | set(wanted[4:6]) | {
        f"worklist:{sara.id}",
        "board",
        "tickets",
        "complaints",
        "articles",
        "admin",
    }
    assert ok[2] == {"articles"}


def test_the_answer_to_watching_names_what_was_refused_and_the_last_event(world):
    ticket, maya = mail(world, 1, "complaints"), world.agent()
    with screens(world, maya.email) as [wire]:
        answer = wire.call("watch", {"topics": [f"ticket:{ticket.number}", "articles"]})
        assert answer["refused"] == [f"ticket:{ticket.number}"]
        assert answer["ok"] == ["articles"]
        assert answer["at"] == world.one(select(func.max(Event.id)))


@pytest.mark.parametrize("nonsense", [None, {}, {"topics": []}, {"topics": [None, 7, {}]}, {"topics": ["board"] * 500}])
def test_nonsense_is_answered_and_joins_nothing(world, nonsense):
    maya = world.agent()
    with screens(world, maya.email) as [wire]:
        assert wire.call("watch", nonsense)["ok"] == []


def test_a_hint_comes_after_the_commit_and_none_after_a_rollback(world):
    ticket, maya = mail(world), world.agent()
    topic = f"ticket:{ticket.number}"
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": [topic]})

        def give_up():
            with world.tx() as tx:
                tickets.note(tx, tx.session.get_one(Ticket, ticket.id), None, "Never said.")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            give_up()
        with world.tx() as tx:
            tickets.note(tx, tx.session.get_one(Ticket, ticket.id), None, "Said.")
            # What is sent on this connection keeps its order: had a hint gone out before this answer, it would be here.
            wire.call("watch", {"topics": [topic]})
            assert topics(wire) == []
        hint = changed(wire, topic)
        assert hint["at"] == world.one(select(func.max(Event.id)).where(Event.ticket_id == ticket.id))
        assert wire.call("watch", {"topics": [topic]})["ok"] == [topic]
        assert len(wire.all_heard("changed")) == 1


def test_a_hint_holds_nothing_but_the_topic_and_the_event(world):
    ticket, maya = mail(world), world.agent()
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": [f"ticket:{ticket.number}"]})
        with world.tx() as tx:
            tickets.note(tx, tx.session.get_one(Ticket, ticket.id), None, "The card number is 4711.")
        assert changed(wire, f"ticket:{ticket.number}").keys() == {"topics", "at"}


def test_watching_anew_leaves_what_was_watched_before(world):
    first, second, maya = mail(world, 1), mail(world, 2), world.agent()
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": [f"ticket:{first.number}"]})
        wire.call("watch", {"topics": [f"ticket:{second.number}"]})
        with world.tx() as tx:
            tickets.note(tx, tx.session.get_one(Ticket, first.id), None, "Not for this screen.")
            tickets.note(tx, tx.session.get_one(Ticket, second.id), None, "For this screen.")
        changed(wire, f"ticket:{second.number}")
        wire.call("watch", {"topics": []})
        assert topics(wire) == [f"ticket:{second.number}"]


def test_a_screen_that_comes_back_learns_from_the_event_id_that_it_missed_something(world):
    ticket, maya = mail(world), world.agent()
    console = world.browser(maya.email)
    wire = Wire(world.url, "/desk", headers=cookie_of(console))
    before = wire.call("watch", {"topics": [f"ticket:{ticket.number}"]})["at"]
    wire.drop()
    with world.tx() as tx:
        tickets.note(tx, tx.session.get_one(Ticket, ticket.id), None, "While nobody watched.")
    again = Wire(world.url, "/desk", headers=cookie_of(console))
    assert again.call("watch", {"topics": [f"ticket:{ticket.number}"]})["at"] > before
    assert "While nobody watched." in console.get(f"/desk/tickets/{ticket.number}").text
    again.close()


def test_a_ticket_that_moves_to_another_team_leaves_the_screens_of_the_first(world):
    ticket, maya = mail(world), world.agent()
    topic = f"ticket:{ticket.number}"
    with screens(world, maya.email) as [wire]:
        assert wire.call("watch", {"topics": [topic]})["ok"] == [topic]
        with world.tx() as tx:
            row = tx.session.get_one(Ticket, ticket.id)
            tickets.move(tx, row, tx.session.scalars(select(Queue).where(Queue.key == "complaints")).one())
        assert wire.heard("refused")["topics"] == [topic]
        heard = len(topics(wire))
        with world.tx() as tx:
            tickets.note(tx, tx.session.get_one(Ticket, ticket.id), None, "Not for the first team.")
        assert wire.call("watch", {"topics": [topic]})["refused"] == [topic]
        assert len(topics(wire)) == heard


def test_a_change_of_roles_a_lock_out_and_a_sign_out_end_the_connection(world):
    people = [world.agent(name) for name in ("Roles", "Locked", "Leaves", "Stays")]
    consoles = [world.browser(person.email) for person in people]
    wires = [Wire(world.url, "/desk", headers=cookie_of(console)) for console in consoles]
    for wire in wires:
        assert wire.call("watch", {"topics": ["articles"]})["ok"] == ["articles"]
    with world.tx() as tx:
        agents.set_roles(tx, tx.session.get_one(Agent, people[0].id), ["auditor"])
        agents.set_active(tx, tx.session.get_one(Agent, people[1].id), False)
    assert consoles[2].post("/logout").status_code == 302
    ended = [wire.ended() for wire in wires[:3]]
    assert ended == [True, True, True]
    assert wires[3].call("watch", {"topics": ["articles"]})["ok"] == ["articles"]
    wires[3].close()


def test_offers_of_an_agent_whose_last_screen_has_gone_are_taken_back_and_given_to_another(world):
    maya = world.agent("Maya", available=True)
    with screens(world, maya.email, maya.email) as [first, second]:
        world.send("Help.")
        offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
        first.drop()
        second.drop()
        world.until(lambda: world.one(select(Offer.state).where(Offer.id == offer.id)) == "rescinded")
    gone = world.one(select(Agent).where(Agent.id == maya.id))
    assert (gone.presence, gone.presence_reason, gone.desired) == ("offline", "no_connection", "available")
    assert world.one(select(WorkItem.state)) == "waiting"
    tom = world.agent("Tom", available=True)
    assert world.until(lambda: world.one(select(Offer).where(Offer.state == "offered"))).agent_id == tom.id


def test_an_agent_whose_screen_comes_back_is_where_they_had_been(world):
    maya = world.agent(available=True)
    with screens(world, maya.email) as [wire]:
        wire.drop()
        world.until(lambda: world.one(select(Agent.presence)) == "offline")
    with screens(world, maya.email):
        world.until(lambda: world.one(select(Agent.presence)) == "available")


def test_whoever_let_an_offer_run_out_is_not_made_available_by_a_lost_screen(world):
    maya = world.agent(available=True)
    with screens(world, maya.email) as [wire]:
        with world.tx() as tx:
            tx.session.get_one(Agent, maya.id).presence = "not_responding"
        wire.drop()
        world.until(lambda: world.one(select(Agent.presence)) == "offline")
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": []})
        assert world.one(select(Agent.presence)) == "not_responding"
    world.until(lambda: world.one(select(Agent.presence)) == "offline")
    with world.tx() as tx:
        set_presence(tx, tx.session.get_one(Agent, maya.id), "available")
    assert world.one(select(Agent.presence)) == "available"


def test_one_of_two_screens_may_go_without_effect(world):
    maya = world.agent(available=True)
    with screens(world, maya.email, maya.email) as [first, second]:
        first.drop()
        mail(world)
        offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
        assert offer.agent_id == maya.id
        assert second.call("watch", {"topics": [f"worklist:{maya.id}"]})["ok"]
        assert world.one(select(Agent.presence)) == "available"


def test_an_offer_and_its_end_are_told_to_the_agents_work_list(world):
    maya = world.agent(available=True)
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": [f"worklist:{maya.id}"]})
        mail(world)
        world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
        changed(wire, f"worklist:{maya.id}")
        made = world.one(select(func.max(Event.id)).where(Event.kind == "offer.made"))
        with world.tx() as tx:
            work_items.abandon(tx, tx.session.scalars(select(WorkItem)).one())
        wire.heard("changed", lambda data: data["at"] > made and f"worklist:{maya.id}" in data["topics"])


def test_typing_is_told_to_the_others_on_the_same_ticket_only(world):
    ticket = mail(world)
    maya, tom, sara = world.agent("Maya"), world.agent("Tom"), world.agent("Sara", roles=("supervisor",))
    topic = f"ticket:{ticket.number}"
    with screens(world, maya.email, tom.email, sara.email) as [mine, same, other]:
        mine.call("watch", {"topics": [topic]})
        same.call("watch", {"topics": [topic]})
        other.call("watch", {"topics": ["board"]})
        mine.tell("typing", {"topic": topic})
        assert same.heard("typing") == {"topic": topic, "name": "Maya"}
        other.call("watch", {"topics": ["board"]})
        other.tell("typing", {"topic": topic})  # from somebody who does not watch it
        other.call("watch", {"topics": ["board"]})
        mine.call("watch", {"topics": [topic]})
        assert mine.all_heard("typing") == other.all_heard("typing") == []


def test_typing_to_a_visitor_is_kept_for_the_router_of_who_is_slow_at_it(world, monkeypatch):
    monkeypatch.setattr(chats, "_check_there", lambda _there: None)  # at whatever hour this runs
    maya = world.agent("Maya")
    with world.tx() as tx:
        now, mine = tx.now, tx.session.get_one(Agent, maya.id)
        tx.now = now - timedelta(seconds=600)
        chat, _ = chats.open_chat(tx, question())
        answering.take_item(tx, chat.item_id, mine)
        for minutes in (8, 6, 4):
            tx.now = now - timedelta(minutes=minutes)
            chats.agent_says(tx, chat, mine, str(uuid4()), "Which one?")
            chats.visitor_says(tx, chat, str(uuid4()), "The blue one.")
        topic = f"ticket:{tx.session.get_one(Ticket, chat.ticket_id).number}"
    with screens(world, maya.email) as [wire]:
        wire.call("watch", {"topics": [topic]})
        wire.tell("typing", {"topic": topic})
        world.until(lambda: world.one(select(Chat.composing_until)) is not None)
    assert world.one(select(func.count()).where(Event.kind == "composing.began")) == 1
