"""Links that let somebody in by mail: a forgotten password, and a customer's own requests."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from sqlalchemy import select

from desk.actions import intake
from desk.actions.mail.mailed_links import MOST_PER_HOUR
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.app import create_app, install
from desk.clock import FrozenClock
from desk.db import Base
from desk.events import SYSTEM
from desk.models import Agent, MailedLink, Message, OutboxMail, Ticket
from desk.models.message import IN
from desk.passwords import hash_password
from tests.desk.chat_world import MONDAY, people
from tests.world import settings_for

OLD, NEW = "an old password", "a new password of mine"
DAN, LI = "dan@desk.example", "li.na@customers.example"


@pytest.fixture
def desk(tmp_path):
    desk = install(settings_for(tmp_path), clock=FrozenClock(MONDAY))
    Base.metadata.create_all(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        people(tx)
        tx.session.scalars(select(Agent).where(Agent.email == DAN)).one().password_hash = hash_password(OLD)
    yield desk
    desk.store.engine.dispose()


@pytest.fixture
def app(desk):
    app, _ = create_app(desk)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    app.extensions["staff"].close()


def links(desk, path) -> list[str]:
    """The addresses in the mails that were queued, oldest first."""
    with desk.store.read() as reading:
        texts = [mail.payload.get("text", "") for mail in reading.scalars(select(OutboxMail).order_by(OutboxMail.id))]
    return [found[1] for text in texts if (found := re.search(rf"https?://[^/\s]+({path}\S+)", text))]


def sign_in(app, password):
    client = app.test_client()
    return client, client.post("/login", data={"email": DAN, "password": password}).status_code


def choose(client, link, password=NEW, again=None):
    return client.post(link, data={"password": password, "again": password if again is None else again})


def test_a_forgotten_password_is_chosen_anew_and_everybody_else_is_out(desk, app):
    thief, status = sign_in(app, OLD)
    assert status == 302
    client = app.test_client()
    assert "a link is on its way" in client.post("/login/forgot", data={"email": f" {DAN.upper()} "}).text
    first, second = links(desk, "/login/new/"), None
    client.post("/login/forgot", data={"email": DAN})
    second = links(desk, "/login/new/")[1]
    assert client.get(first[0]).status_code == client.get(first[0]).status_code == 200  # a look uses nothing up
    for password, again in (("short", None), (NEW, "another"), ("x" * 201, None)):
        assert choose(client, first[0], password, again).status_code == 422
    assert choose(client, first[0]).status_code == 303
    for link in (first[0], second):
        assert client.get(link).status_code == choose(client, link).status_code == 404
    assert sign_in(app, OLD)[1] == 422
    assert sign_in(app, NEW)[1] == 302
    assert thief.get("/desk/password").status_code == 302


def test_who_asks_learns_nothing_and_cannot_fill_a_mailbox(desk, app):
    with desk.store.tx(SYSTEM) as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Lin Xiaowen")).one().active = False
    client = app.test_client()
    said = {
        client.post("/login/forgot", data={"email": who}).text.replace(who, "X")
        for who in (DAN, "no@body.example", "lin@desk.example")
    }
    assert len(said) == 1
    for _ in range(MOST_PER_HOUR + 2):
        client.post("/login/forgot", data={"email": DAN})
    assert len(links(desk, "/login/new/")) == MOST_PER_HOUR


def test_a_link_is_good_for_half_an_hour(desk, app):
    client = app.test_client()
    client.post("/login/forgot", data={"email": DAN})
    [link] = links(desk, "/login/new/")
    desk.clock.tick(30 * 60)
    assert choose(client, link).status_code == 404
    assert sign_in(app, OLD)[1] == 302


def test_ones_own_password_needs_the_one_before(desk, app):
    client, _ = sign_in(app, OLD)
    other, _ = sign_in(app, OLD)
    assert client.get("/desk/password").status_code == 200
    wrong = client.post("/desk/password", data={"current": "a guess", "password": NEW, "again": NEW})
    assert wrong.status_code == 422
    assert client.post("/desk/password", data={"current": OLD, "password": NEW, "again": NEW}).status_code == 303
    assert other.get("/desk/password").status_code == 302
    assert sign_in(app, NEW)[1] == 302


# A customer's own requests


def ask(desk, sender, text) -> int:
    with desk.store.tx(SYSTEM) as tx:
        customer = customers.identify(tx, "email", sender, name="Li Na")
        ticket = tickets.open_ticket(tx, customer=customer, queue=intake.find_queue(tx, "general"), subject=text, channel="email")
        kept = desk.files.keep(b"the bill", f"{sender}.txt", "text/plain")
        tickets.add_message(
            tx, ticket, Message(channel="email", direction=IN, customer_id=customer.id, from_address=sender, text=text), [kept]
        )
        return ticket.number


def visit(desk, app, email=LI):
    client = app.test_client()
    client.post("/portal", data={"email": email})
    link = links(desk, "/portal/enter/")[-1]
    assert client.get(link).status_code == 200
    assert client.post(link).status_code == 303
    return client, link


def test_a_customer_sees_what_they_asked_and_were_answered_and_nothing_else(desk, app):
    mine, theirs = ask(desk, LI, "Where is my parcel?"), ask(desk, "zhao@customers.example", "My secret")
    with desk.store.tx(SYSTEM) as tx:
        ticket, dan = tx.session.scalars(select(Ticket).where(Ticket.number == mine)).one(), tx.session.get_one(Agent, 2)
        tickets.note(tx, ticket, dan, "SECRET note")
        tickets.reply(tx, ticket, dan, "It comes tomorrow.", channel="email", to=[LI])
        tickets.reply(tx, ticket, dan, "SECRET to the carrier", channel="email", to=["carrier@other.example"])
    client, _ = visit(desk, app)
    listed, page = client.get("/portal").text, client.get(f"/portal/{mine}").text
    assert "Where is my parcel?" in listed
    assert "My secret" not in listed
    assert "It comes tomorrow." in page
    assert "SECRET" not in page
    assert client.get(f"/portal/{theirs}").status_code == 404
    own, others = (re.search(r'/files/(\d+)"', page)[1], "2")
    with client.get(f"/portal/{mine}/files/{own}") as answer:
        assert answer.data == b"the bill"
    assert client.get(f"/portal/{mine}/files/{others}").status_code == 404
    assert client.get(f"/portal/{theirs}/files/{others}").status_code == 404


def test_what_a_customer_adds_is_on_the_ticket_once(desk, app):
    number = ask(desk, LI, "Where is my parcel?")
    client, _ = visit(desk, app)
    token = re.search(r'name="token" value="([^"]+)"', client.get(f"/portal/{number}").text)[1]
    for _ in range(2):
        sent = {"text": "Still nothing.", "token": token, "files": (BytesIO(b"\x89PNG\r\n\x1a\n"), "door.png")}
        assert client.post(f"/portal/{number}", data=sent).status_code == 303
    assert client.post(f"/portal/{number}", data={"text": " ", "token": token}).status_code == 422
    with desk.store.read() as reading:
        assert reading.scalars(select(Message.text).order_by(Message.id)).all() == ["Where is my parcel?", "Still nothing."]
    assert "door.png" in client.get(f"/portal/{number}").text


def test_a_visit_needs_its_link_and_ends(desk, app):
    number = ask(desk, LI, "Where is my parcel?")
    stranger = app.test_client()
    assert stranger.get(f"/portal/{number}").status_code == 302
    assert stranger.post(f"/portal/{number}", data={"text": "x"}).status_code == 401
    client, link = visit(desk, app)
    assert stranger.get(link).status_code == stranger.post(link).status_code == 404
    client.post("/portal/leave")
    assert client.get(f"/portal/{number}").status_code == 302
    late, _ = visit(desk, app)
    desk.clock.tick(12 * 3600)
    assert late.get(f"/portal/{number}").status_code == 302


def test_an_address_that_we_do_not_know_gets_no_link_and_the_same_answer(desk, app):
    ask(desk, LI, "Where is my parcel?")
    client = app.test_client()
    said = {client.post("/portal", data={"email": who}).text for who in (LI, "no@body.example")}
    assert len(said) == 1
    with desk.store.read() as reading:
        assert [link.email for link in reading.scalars(select(MailedLink))] == [LI]
