"""Screens, windows and forms while the database is away, or sent twice at once: nobody is left waiting, nothing is doubled."""

from __future__ import annotations

import re
import threading
from contextlib import suppress

import pytest
from simple_websocket import Client, ConnectionClosed
from sqlalchemy import func, select, text

from channels.chat.secret import new_token
from channels.form import enquiry
from desk.actions import intake
from desk.actions.people import customers
from desk.events import SYSTEM
from desk.live.attendance import Attendance
from desk.models import Calendar, Message, Ticket
from desk.store import StoreAway
from tests.desk.chat_world import question
from tests.faults.test_database_away import away
from tests.live.staff_wire import cookie_of
from tests.live.wire import Wire
from tests.services.postgres import new_database
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory, postgres_server):
    folder = tmp_path_factory.mktemp("away")
    with new_database(postgres_server) as url, running(settings_for(folder, DESK_DATABASE_URL=url)) as world:
        world.agent("Maya")
        yield world


def is_hung_up_on(world, namespace, auth, headers=None):
    """Connect as a browser does, and see the line end; what was said before that does not matter."""
    line = Client(world.url.replace("http://", "ws://") + "/socket.io/?EIO=4&transport=websocket", headers=headers)
    with suppress(ConnectionClosed):
        line.send(f"40{namespace},{auth}")
        while line.receive(timeout=60) is not None:
            pass
    return not line.connected


def test_a_screen_that_comes_while_the_database_is_away_is_hung_up_on_and_let_in_when_it_comes_again(world, postgres_server):
    cookie = cookie_of(world.browser("maya@desk.example"))
    with away(world, postgres_server):
        assert is_hung_up_on(world, "/desk", "{}", cookie)
    screen = Wire(world.url, "/desk", headers=cookie)
    assert screen.call("watch", {"topics": ["tickets"]})["ok"] == ["tickets"]
    screen.close()


def test_a_screen_that_asks_for_its_topics_while_the_database_is_away_comes_again(world, postgres_server):
    """Else it would look live and hear nothing for ever."""
    screen = Wire(world.url, "/desk", headers=cookie_of(world.browser("maya@desk.example")))
    with away(world, postgres_server):
        screen.tell("watch", {"topics": ["tickets"]})
        assert screen.ended()


def test_a_visitors_window_that_comes_while_the_database_is_away_comes_again_and_finds_its_chat(world, postgres_server):
    with world.tx() as tx:
        for calendar in tx.session.scalars(select(Calendar)):
            calendar.week = [[["00:00", "24:00"]]] * 7
    world.agent("Tom", available=True)
    token = new_token()
    window = Wire(world.url, "/visitor", {"token": "", "locale": "en"})
    assert window.call("open", question(token=token))["ok"]
    with away(world, postgres_server):
        assert is_hung_up_on(world, "/visitor", f'{{"token": "{token}"}}')
    again = Wire(world.url, "/visitor", {"token": token, "locale": "en"})
    assert again.call("since", {"after": 0})["ok"]
    for each in (window, again):
        each.close()


def test_who_left_while_the_database_was_away_is_noted_when_it_is_back(monkeypatch):
    monkeypatch.setattr("desk.live.attendance.LATER_S", 0.0)
    attendance, told, answers = Attendance(), threading.Event(), iter([StoreAway(), StoreAway(), None])

    def gone(_key):
        answer = next(answers)
        if answer is not None:
            raise answer
        told.set()

    attendance.gone["agent"] = gone
    attendance.left("agent", 1, 0.0)
    assert told.wait(60)


def test_after_the_end_of_the_process_nobody_is_waited_for():
    attendance = Attendance()
    attendance.left("agent", 1, 60.0)
    attendance.close()
    attendance.left("agent", 2, 60.0)
    assert not attendance._leaving


def test_a_form_that_is_sent_twice_at_the_same_moment_is_one_ticket_and_both_are_told_so(world):
    browser = world.browser()
    page = browser.get("/write").text
    token = re.search(r'name="token"[^>]*value="([^"]+)"', page)[1]
    form = {"token": token, "name": "Li Na", "email": "li.na@customers.example", "text": "Where is it?"}
    answers = []
    second = threading.Thread(target=lambda: answers.append(browser.post("/write", data=form)))
    with world.tx() as tx:
        customers.identify(tx, "email", form["email"], locale="en")
    with world.desk.store.tx(SYSTEM) as tx:
        intake.receive(tx, enquiry(form, "en"), [])
        tx.session.flush()
        second.start()
        world.until(lambda: _waits_for_another(world))
    second.join(60)
    assert [answer.status_code for answer in answers] == [303]
    assert world.one(select(func.count(Message.id)).where(Message.external_id == f"enquiry:{token}")) == 1
    assert world.one(select(func.count(Ticket.id)).where(Ticket.channel == "form")) == 1


def _waits_for_another(world):
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with world.desk.store.engine.connect() as connection:
        return connection.scalar(waiting)
