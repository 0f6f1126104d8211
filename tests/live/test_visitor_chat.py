"""Chats as visitors live them: real sockets, real breaks."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from channels.chat.secret import new_token
from desk.actions.chats import chats
from desk.actions.tickets import tickets
from desk.clock import FrozenClock
from desk.events import SYSTEM
from desk.live.visitors import Limits
from desk.models import Agent, Chat, Message, Ticket
from desk.models.agent import AWAY
from desk.queries.chats import chats as seen
from tests.desk.chat_world import MONDAY, question
from tests.live.chat_site import Site, running_site


@pytest.fixture
def site(tmp_path) -> Site:
    with running_site(tmp_path, FrozenClock(MONDAY)) as site:
        yield site


def opened(site, window, **answers) -> tuple[int, str]:
    token = new_token()
    answer = window.call("open", question(token=token, **answers))
    assert answer["ok"], answer
    return answer["chat"], token


def texts(answer):
    return [message["text"] for message in answer["messages"]]


def test_a_visitor_asks_an_agent_answers_and_both_see_it(site):
    window = site.window()
    chat_id, _ = opened(site, window)
    assert window.call("since", {"after": 0})["state"]["state"] == "queued"
    agent_id = site.accept(chat_id)
    assert window.heard("state", lambda state: state["state"] == "active")["agent"] == "Dan"
    site.answer(chat_id, agent_id, str(uuid4()), "Hello, it comes tomorrow.")
    heard = window.heard("message", lambda message: message["from"] == "agent")
    assert (heard["text"], heard["name"], heard["delivery"]) == ("Hello, it comes tomorrow.", "Dan", "sent")
    assert window.call("got", {"up_to": heard["id"]}) == {"ok": True, "count": 1}
    said = window.call("say", {"client_id": str(uuid4()), "text": "Thank you"})
    assert texts(window.call("since", {"after": heard["id"]})) == ["Thank you"]
    assert said["id"] > heard["id"]
    window.close()


def test_a_message_sent_twice_over_a_broken_connection_is_there_once(site):
    first = site.window()
    _, token = opened(site, first)
    message = {"client_id": str(uuid4()), "text": "Did you get this?"}
    answer = first.call("say", message)
    first.drop()
    second = site.window(token)
    assert second.call("say", message)["id"] == answer["id"]
    assert texts(second.call("since", {"after": 0})) == ["Where is my parcel?", "Did you get this?"]
    second.close()


def test_what_was_said_while_away_is_there_after_coming_back(site):
    window = site.window()
    chat_id, token = opened(site, window)
    agent_id = site.accept(chat_id)
    last = window.call("since", {"after": 0})["messages"][-1]["id"]
    window.drop()
    for n in range(3):
        site.answer(chat_id, agent_id, str(uuid4()), f"answer {n}")
    back = site.window(token)
    assert texts(back.call("since", {"after": last})) == ["answer 0", "answer 1", "answer 2"]
    back.close()


def test_all_windows_of_a_visitor_share_one_chat(site):
    left = site.window()
    chat_id, token = opened(site, left)
    right = site.window(token)
    right.call("since", {"after": 0})
    left.call("say", {"client_id": str(uuid4()), "text": "from the left"})
    assert right.heard("message", lambda message: message["text"] == "from the left")["from"] == "visitor"
    right.call("say", {"client_id": str(uuid4()), "text": "from the right"})
    assert left.heard("message", lambda message: message["text"] == "from the right")
    left.close()
    assert right.call("say", {"client_id": str(uuid4()), "text": "still here"})["ok"]
    with site.desk.store.read() as reading:
        assert seen.is_online(reading, chat_id)
    right.close()


def test_a_note_and_a_mail_never_reach_the_visitor(site):
    window = site.window()
    chat_id, _ = opened(site, window, email="wang@example.com")
    agent_id = site.accept(chat_id)
    with site.desk.store.tx(SYSTEM) as tx:
        ticket = tx.session.get_one(Ticket, tx.session.get_one(Chat, chat_id).ticket_id)
        agent = tx.session.get_one(Agent, agent_id)
        tickets.note(tx, ticket, agent, "SECRET: he is a difficult one")
        tickets.reply(tx, ticket, agent, "SECRET: by mail", channel="email")
    site.answer(chat_id, agent_id, str(uuid4()), "the last word")
    window.heard("message", lambda message: message["text"] == "the last word")
    everything = str([window.all_heard(event) for event in ("message", "state", "typing")]) + str(
        window.call("since", {"after": 0})
    )
    assert "SECRET" not in everything
    window.close()


def test_nothing_is_told_before_it_is_committed(site):
    window = site.window()
    chat_id, _ = opened(site, window)
    agent_id = site.accept(chat_id)

    def say_and_fail():
        with site.desk.store.tx(SYSTEM) as tx:
            chat, agent = tx.session.get_one(Chat, chat_id), tx.session.get_one(Agent, agent_id)
            chats.agent_says(tx, chat, agent, str(uuid4()), "never said")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        say_and_fail()
    site.answer(chat_id, agent_id, str(uuid4()), "said")
    window.heard("message", lambda message: message["text"] == "said")
    assert "never said" not in [message["text"] for message in window.all_heard("message")]
    window.close()


def test_each_visitor_sees_their_own_chat_only(site):
    mine, theirs = site.window(), site.window()
    opened(site, mine)
    their_chat, _ = opened(site, theirs, name="Zhao", text="My secret")
    site.answer(their_chat, site.accept(their_chat), str(uuid4()), "for Zhao")
    theirs.heard("message", lambda message: message["text"] == "for Zhao")
    assert texts(mine.call("since", {"after": 0})) == ["Where is my parcel?"]
    assert "for Zhao" not in [message["text"] for message in mine.all_heard("message")]
    for window in (mine, theirs):
        window.close()


@pytest.mark.parametrize("event", ["say", "got", "end", "rate", "typing", "here"])
def test_without_a_chat_of_ones_own_nothing_can_be_done(site, event):
    window = site.window("A" * 40 + ".nobodys-chat")
    answer = window.call(event, {"client_id": str(uuid4()), "text": "let me in", "score": 5, "up_to": 1})
    assert (answer["ok"], answer["status"]) == (False, 404)
    window.close()


@pytest.mark.parametrize("data", [None, [], "text", 7, {"client_id": 1, "text": 2}, {"after": "x"}, {"text": "\ud800"}])
@pytest.mark.parametrize("event", ["open", "say", "since", "leave", "rate", "got"])
def test_strange_input_gets_an_answer_and_changes_nothing(site, event, data):
    window = site.window()
    answer = window.call(event, data)
    assert answer["ok"] is (event == "since")
    assert answer.get("status") in (None, 404, 422)
    with site.desk.store.read() as reading:
        assert reading.scalar(select(func.count()).where(Message.id > 0)) == 0
    window.close()


def test_a_refused_form_names_its_fields(site):
    window = site.window()
    answer = window.call("open", question(token=new_token(), name="", email="x"))
    assert answer["status"] == 422
    assert sorted(answer["fields"]) == ["email", "name"]
    window.close()


def test_when_nobody_is_there_a_message_becomes_a_ticket(site):
    with site.desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent)):
            agent.presence = AWAY
    window = site.window()
    assert window.call("since", {"after": 0})["reception"]["state"] == "nobody"
    filled = question(token=new_token(), email="wang@example.com")
    assert window.call("open", filled)["allowed"] == ["leave_message"]
    number = window.call("leave", filled)["number"]
    assert window.call("leave", filled)["number"] == number
    with site.desk.store.read() as reading:
        assert reading.scalars(select(Ticket.number)).all() == [number]
    window.close()


def test_the_place_in_the_queue_is_told_when_it_changes(site):
    first, second = site.window(), site.window()
    opened(site, first)
    site.desk.clock.tick(1)
    opened(site, second)
    assert second.call("since", {"after": 0})["state"]["position"] == 2
    assert first.call("end")["ok"]
    assert second.heard("state", lambda state: state.get("position") == 1)["state"] == "queued"
    for window in (first, second):
        window.close()


def test_typing_is_told_both_ways(site):
    window = site.window()
    chat_id, _ = opened(site, window)
    site.accept(chat_id)
    window.heard("state", lambda state: state["state"] == "active")
    assert window.call("typing")["ok"]
    with site.desk.store.read() as reading:
        number = seen.ticket_number(reading, reading.get_one(Chat, chat_id))
    assert site.typing == [(chat_id, number)]
    site.visitors.agent_typing_on(number, "Dan Okafor")
    assert window.heard("typing") == {"name": "Dan"}
    window.close()


def test_a_visitor_who_closes_the_last_window_is_offline_until_they_return(site):
    window = site.window()
    chat_id, token = opened(site, window)
    watcher = site.window(token)
    watcher.call("since", {"after": 0})
    left = threading_event(site, "chat.visitor_left")
    window.close()
    watcher.close()
    assert left.wait(60)
    with site.desk.store.read() as reading:
        assert not seen.is_online(reading, chat_id)
    back = site.window(token)
    back.call("since", {"after": 0})
    with site.desk.store.read() as reading:
        assert seen.is_online(reading, chat_id)
    back.close()


def test_an_ended_chat_can_be_rated_and_the_other_window_sees_it(site):
    window = site.window()
    chat_id, token = opened(site, window)
    site.accept(chat_id)
    site.act(chats.end_chat, chat_id, "agent")
    assert window.heard("state", lambda state: state["state"] == "ended")["by"] == "agent"
    other = site.window(token)
    other.call("since", {"after": 0})
    assert window.call("rate", {"score": 4})["ok"]
    assert other.heard("state", lambda state: state["rating"] == 4)
    assert window.call("say", {"client_id": str(uuid4()), "text": "One more"})["status"] == 409
    for each in (window, other):
        each.close()


def test_who_asks_too_often_is_told_to_wait(tmp_path):
    with running_site(tmp_path, FrozenClock(MONDAY), Limits(open="1 per hour", say="2 per hour")) as site:
        window = site.window()
        opened(site, window)
        answers = [window.call("say", {"client_id": str(uuid4()), "text": "spam"}) for _ in range(3)]
        assert [answer.get("status") for answer in answers] == [None, None, 429]
        other = site.window()
        assert other.call("open", question(token=new_token()))["status"] == 429
        for each in (window, other):
            each.close()


def threading_event(site, kind):
    """An event that is set once this kind of event has been committed."""
    happened = threading.Event()
    site.desk.store.subscribe(lambda events: happened.set() if any(event.kind == kind for event in events) else None)
    return happened
