"""What strangers and colleagues try on the sockets: foreign chats, calls and telephones, and input that breaks things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select

from channels.chat.secret import new_token
from desk.actions import intake
from desk.actions.people import teams
from desk.actions.people.customers import identify
from desk.actions.tickets import tickets
from desk.models import Agent, Chat, Message, Team, Ticket
from tests.desk.chat_world import question
from tests.live.staff_wire import cookie_of, screen
from tests.live.wire import Wire
from tests.services.postgres import new_database
from tests.world import World, running, settings_for

NONSENSE = (
    None,
    [],
    [1],
    "x",
    7,
    {"topics": 7},
    {"topics": "board"},
    {"token": {}},
    {"client_id": []},
    {"call_sid": ["x"]},
    {"from": 7},
)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, tmp_path) -> Iterator[World]:
    if request.param == "sqlite":
        with running(settings_for(tmp_path)) as world:
            yield world
        return
    server = request.getfixturevalue("postgres_server")
    with new_database(server) as url, running(settings_for(tmp_path, DESK_DATABASE_URL=url)) as world:
        yield world


@pytest.fixture
def desk(tmp_path) -> Iterator[World]:
    with running(replace(settings_for(tmp_path), demo=True)) as world:
        yield world


def opened(world: World, **answers: object) -> tuple[Wire, str]:
    """A visitor's window with a chat of its own."""
    window, token = Wire(world.url, "/visitor"), new_token()
    answer = window.call("open", question(token=token, **answers))
    assert answer["ok"], answer
    return window, token


def ticket_of_ours(world: World) -> Ticket:
    with world.tx() as tx:
        customer = identify(tx, "email", "li.na@customers.example")
        return tickets.open_ticket(
            tx, customer=customer, queue=intake.find_queue(tx, "general"), subject="Question", channel="email"
        )


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "<img src=x onerror=alert(1)>", "😀 عربي \u202e", "x" * 5000])
def test_a_visitor_of_any_name_is_kept_clean(world, name):
    world.agent(available=True)
    window, _ = opened(world, name=name + "!", text=f"hello {name}"[:4000])
    kept = world.one(select(Chat.visitor_name)) + world.one(select(Message.text))
    assert "\x00" not in kept
    kept.encode()
    assert window.call("say", {"client_id": str(uuid4()), "text": f"again {name}"[:4000]})["ok"]
    window.close()


def test_a_window_without_or_with_a_foreign_token_reaches_no_chat(desk):
    desk.agent(available=True)
    window, token = opened(desk)
    said = {"client_id": str(uuid4()), "text": "I should not be here"}
    for other in ("", "x", new_token(), token[:-1], token.partition(".")[0], token.partition(".")[0] + ".another12345"):
        stranger = Wire(desk.url, "/visitor", {"token": other})
        assert stranger.call("say", said)["status"] == 404
        assert stranger.call("since", {"after": 0, "token": other}).get("messages") is None
        for event in ("got", "typing", "here", "end", "rate"):
            assert stranger.call(event, {"up_to": 99, "score": 5, "chat": 1, "chat_id": 1})["status"] == 404
        stranger.close()
    assert window.call("since", {"after": 0})["state"]["state"] == "queued"
    window.close()


def test_nonsense_to_the_visitors_door_is_answered_and_breaks_nothing(desk):
    desk.agent(available=True)
    window, _ = opened(desk)
    for event in ("since", "open", "leave", "say", "got", "typing", "here", "rate"):
        for nonsense in NONSENSE:
            answer = window.call(event, nonsense)
            assert answer.get("status", 200) < 500, (event, nonsense, answer)
    window.close()


def test_nonsense_to_the_telephones_and_screens_is_answered(desk):
    maya = desk.agent()
    phone, wire = Wire(desk.url, "/phone"), screen(desk, maya.email)
    for nonsense in NONSENSE:
        for event in ("line", "dial", "press", "say", "answer", "reject", "hang_up", "resume", "audio", "signal", "voice"):
            assert phone.call(event, nonsense)["error"]["code"] in ("bad_request", "bad_number", "no_such_call", "not_ringing")
        assert wire.call("watch", nonsense)["ok"] == []
        wire.call("typing", nonsense)
    phone.close()
    wire.close()


def test_a_packet_nested_without_end_ends_only_its_own_connection(desk):
    maya = desk.agent()
    for namespace in ("/visitor", "/phone"):
        bad = Wire(desk.url, namespace)
        bad._socket.send(f'42{namespace},1["since",' + "[" * 50_000)
        bad.close()
    wire = screen(desk, maya.email)
    assert wire.call("watch", {"topics": ["articles"]})["ok"] == ["articles"]
    wire.close()


def test_a_foreign_call_can_neither_be_heard_nor_spoken_into(desk):
    mine, other = Wire(desk.url, "/phone"), Wire(desk.url, "/phone")
    call_sid = mine.call("dial", {"from": "+8613800138000"})["call_sid"]
    for event, more in (("say", {"text": "x"}), ("press", {"digit": "1"}), ("hang_up", {}), ("answer", {}), ("reject", {})):
        assert "error" in other.call(event, {"call_sid": call_sid, **more})
    for guess in ("CA" + "0" * 32, call_sid[:-1], "line +8613800138000", "/phone", ""):
        assert "error" in other.call("resume", {"call_sid": guess})
    assert mine.call("hang_up", {"call_sid": call_sid})["ok"]
    mine.close()
    other.close()


def test_the_demonstration_telephone_is_not_there_without_the_demo(tmp_path):
    with running(settings_for(tmp_path)) as world:
        assert Wire(world.url, "/phone").refused


def test_nobody_takes_anothers_softphone(desk):
    maya, ben = desk.agent("Maya"), desk.agent("Ben")
    browsers = {agent.name: desk.browser(agent.email) for agent in (maya, ben)}
    passes = {name: browser.get("/desk/softphone").json()["token"] for name, browser in browsers.items()}
    for auth, headers in (
        ({"token": passes["Maya"]}, cookie_of(browsers["Ben"])),
        ({"token": passes["Maya"]}, {}),
        ({}, cookie_of(browsers["Maya"])),
        ({"token": passes["Maya"][:-1]}, cookie_of(browsers["Maya"])),
        ({"token": "\ud800"}, cookie_of(browsers["Maya"])),
        ({"token": ["x"]}, cookie_of(browsers["Maya"])),
    ):
        assert Wire(desk.url, "/softphone", auth, headers=headers).refused
    own = Wire(desk.url, "/softphone", {"token": passes["Maya"]}, headers=cookie_of(browsers["Maya"]))
    assert not own.refused
    own.close()


def test_signing_out_takes_the_softphone_and_the_screen_away(desk):
    maya = desk.agent("Maya")
    browser = desk.browser(maya.email)
    token, headers = browser.get("/desk/softphone").json()["token"], cookie_of(browser)
    phone = Wire(desk.url, "/softphone", {"token": token}, headers=headers)
    wire = Wire(desk.url, "/desk", headers=headers)
    staff = desk.app.extensions["staff"]
    browser.post("/logout")
    sids = [(sid, "/softphone") for sid in staff._softphones]
    desk.until(lambda: not any(staff._socketio.server.manager.is_connected(*each) for each in sids) and not staff._screens)
    assert Wire(desk.url, "/softphone", {"token": token}, headers=headers).refused
    assert Wire(desk.url, "/desk", headers=headers).refused
    phone.close()
    wire.close()


def test_whoever_changes_teams_hears_no_more_of_the_old_ones_tickets(desk):
    ticket, maya = ticket_of_ours(desk), desk.agent("Maya")
    topic = f"ticket:{ticket.number}"
    wire = screen(desk, maya.email)
    assert wire.call("watch", {"topics": [topic]})["ok"] == [topic]
    with desk.tx() as tx:
        care = tx.session.scalar(select(Team).where(Team.key == "care"))
        teams.set_team(tx, tx.session.get_one(Agent, maya.id), care)
    assert wire.heard("refused")["topics"] == [topic]
    wire.close()


def test_only_those_who_may_answer_are_seen_typing(desk):
    ticket = ticket_of_ours(desk)
    topic = f"ticket:{ticket.number}"
    maya, auditor, stranger = desk.agent("Maya"), desk.agent("Audit", roles=("auditor",)), desk.agent("Ben", team="care")
    wires = [screen(desk, agent.email) for agent in (maya, auditor, stranger)]
    for wire in wires:
        wire.call("watch", {"topics": [topic]})
    for wire in wires[1:]:
        wire.call("typing", {"topic": topic})
    seen = screen(desk, desk.agent("Lin").email)
    seen.call("watch", {"topics": [topic]})
    wires[0].call("typing", {"topic": topic})
    assert seen.heard("typing")["name"] == "Maya"
    assert wires[0].all_heard("typing") == []
    for wire in (*wires, seen):
        wire.close()
