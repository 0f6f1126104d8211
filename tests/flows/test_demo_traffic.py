"""The demo's own customers at a running desk, and the pages from which a newcomer plays them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from desk.actions.chats import chats
from desk.actions.people.agents import add_agent
from desk.actions.tickets.tickets import reply
from desk.actions.work import work_items
from desk.demo import customers, traffic
from desk.demo.people import patrons
from desk.demo.seed import PASSWORD
from desk.demo.traffic import Traffic, TrafficSwitch
from desk.events import SYSTEM
from desk.models import Agent, Call, Chat, Complaint, MailboxMail, Message, Offer, StaffSession, Ticket, WorkItem
from tests.world import World, running, settings_for

HURRY = 60.0
TELEPHONE = "calls by the demo's telephone, whose carrier is a part of `serve --demo`, which is one process"


class Street:
    """Where the customers come from: an event loop in a thread of its own."""

    def __init__(self, world: World, impatience: float = 1.0) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.traffic = Traffic(world.desk.settings, 3600, chance=Random(7), hurry=HURRY, impatience=impatience)

    def send(self, channel: str) -> Future[None]:
        async def come() -> None:
            await self.traffic.arrive(channel)

        return asyncio.run_coroutine_threadsafe(come(), self.loop)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.loop.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """On a busy machine the desk's answers take their time, and a customer who goes without one proves nothing."""
    monkeypatch.setattr(customers, "ANSWER_S", 60.0)


@pytest.fixture
def world(tmp_path):
    with running(replace(settings_for(tmp_path), demo=True)) as world:
        yield world


@pytest.fixture
def street(world, request):
    """Customers who give up as soon as the test says, else as people do."""
    street = Street(world, getattr(request, "param", 1.0))
    yield street
    street.close()


def test_a_customer_writes_a_mail_and_it_becomes_a_ticket(world, street):
    street.send("email").result(60)
    ticket = world.until(world.ticket)
    assert (ticket.channel, ticket.status) == ("email", "new")
    sender = world.one(select(Message.from_address).where(Message.ticket_id == ticket.id))
    assert sender.endswith(".example")
    assert street.traffic.outcomes == {"sent": 1}


def test_a_customer_complains_by_the_form_in_their_language(world, street):
    for _ in range(3):
        street.send("form").result(60)
    complaints = world.all(select(Complaint))
    assert len(complaints) == 3
    for complaint in complaints:
        chinese = any("\u4e00" <= sign <= "\u9fff" for sign in complaint.statement)
        assert world.one(select(Ticket.locale).where(Ticket.id == complaint.ticket_id)) == ("zh" if chinese else "en")


@pytest.mark.one_process(TELEPHONE)
@pytest.mark.parametrize("street", [HURRY], indirect=True)
def test_a_caller_chooses_from_the_menu_waits_and_gives_up(world, street):
    done = street.send("voice")
    call = world.until(lambda: world.one(select(Call).where(Call.queued_at.is_not(None))))
    assert call.topic in ("billing", "technical", "general")
    done.result(60)
    assert street.traffic.outcomes == {"gave_up": 1}
    world.until(lambda: world.one(select(Call).where(Call.state == "abandoned")))
    assert world.one(select(WorkItem.state)) == "abandoned"


def test_a_chat_visitor_answers_the_agent_ends_and_rates(world, street):
    agent = world.agent(available=True)
    done = street.send("chat")
    offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
    with world.tx() as tx:
        item = work_items.accept(tx, offer.id)
        chat = chats.chat_accepted(tx, item, tx.session.get_one(Agent, agent.id))
    for number in range(9):
        with world.tx() as tx:
            row = tx.session.get_one(Chat, chat.id)
            if row.state == "ended":
                break
            chats.agent_says(tx, row, tx.session.get_one(Agent, agent.id), f"answer-{number}", "I am looking into it.")
        world.until(lambda number=number: _heard(world) >= number + 2 or world.one(select(Chat.state)) == "ended")
    done.result(60)
    ended = world.one(select(Chat))
    assert (ended.state, ended.ended_by) == ("ended", "customer")
    assert ended.rating in range(2, 6)
    assert street.traffic.outcomes == {"helped": 1}


def test_a_visitor_whom_nobody_can_chat_with_leaves_a_message(world, street):
    street.send("chat").result(60)
    assert street.traffic.outcomes == {"left_message": 1}
    assert world.until(world.ticket).channel == "form"


def test_the_flow_ends_by_itself(world):
    asyncio.run(Traffic(world.desk.settings, 600, chance=Random(3), hurry=HURRY).flow(0.1))


def test_the_flow_ends_when_it_is_told_to_and_says_who_came(world):
    class UntilSomebodyComes(Traffic):
        async def _attend(self, channel, visit):
            self.stop()
            await super()._attend(channel, visit)

    flow = UntilSomebodyComes(world.desk.settings, 600, chance=Random(3), hurry=HURRY)
    asyncio.run(flow.flow(3600))
    assert flow.came.total() >= 1
    assert flow.failed == 0
    assert flow.summary().startswith(f"{flow.came.total()} contacts: voice ")


def test_a_desk_that_is_away_is_said_in_one_line(tmp_path, capsys, monkeypatch):
    class OneCustomer(Traffic):
        """It is over when the first has tried."""

        async def _attend(self, channel, visit):
            await super()._attend(channel, visit)
            self.stop()

    monkeypatch.setattr(traffic, "SHARES", {"email": 1})
    monkeypatch.setattr(traffic, "Traffic", OneCustomer)
    assert traffic.run(settings_for(tmp_path), rate_per_h=0.1, minutes=5) == 1  # nobody else comes meanwhile
    assert "could not get in" in capsys.readouterr().out


def test_the_switch_lets_customers_come_and_stops(world, monkeypatch):
    monkeypatch.setattr(traffic, "SHARES", {"email": 1})
    switch = TrafficSwitch(world.desk.settings, world.desk.clock)
    assert not switch.state().on
    switch.start(600)
    assert switch.state().on
    assert switch.state().ends_at - world.desk.clock.now() <= timedelta(minutes=30)
    world.until(world.ticket)
    switch.stop()
    assert not switch.state().on
    switch.stop()


def test_the_pages_of_the_demo_are_not_there_without_it(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        for path in ("/try", "/mailbox", "/mailbox/1", "/try/traffic", "/mailbox/list"):
            assert world.browser().get(path).status_code == 404, path
        for path in ("/try/sign-in/maya", "/try/mail", "/try/traffic", "/mailbox/1/answer"):
            assert world.browser().post(path).status_code == 404, path
        assert world.all(select(StaffSession)) == []


def test_with_a_relay_there_is_no_mailbox(tmp_path):
    settings = replace(settings_for(tmp_path, DESK_MAIL_RELAY="smtp://127.0.0.1:1"), demo=True)
    with running(settings, background=False) as world:
        assert world.browser().get("/mailbox").status_code == 404
        assert "/mailbox" not in world.browser().get("/try").text


def test_one_click_signs_in_as_a_colleague(world):
    with world.tx() as tx:
        add_agent(tx, email="maya@lakelight.example", name="Maya", password=PASSWORD, roles=["agent"], team=None)
    newcomer = world.browser()
    assert "Maya Lindqvist" in newcomer.get("/try").text
    assert newcomer.post("/try/sign-in/maya").headers["Location"] == "/login"
    assert newcomer.get("/login", allow_redirects=False).headers["Location"] == "/desk"
    assert newcomer.post("/try/sign-in/nobody").status_code == 404


def test_a_colleague_whose_password_was_changed_is_not_signed_in(world):
    with world.tx() as tx:
        add_agent(tx, email="maya@lakelight.example", name="Maya", password="another one now", roles=["agent"], team=None)
    newcomer = world.browser()
    assert newcomer.post("/try/sign-in/maya").headers["Location"] == "/try"
    assert newcomer.get("/login", allow_redirects=False).status_code == 200


def test_the_try_page_sends_a_mail_in_the_name_of_a_customer(world):
    newcomer, patron = world.browser(), patrons()[0]
    filled = {"sender": patron.email, "subject": "路由器", "text": "红灯一直亮"}
    assert newcomer.post("/try/mail", data=filled).status_code == 303
    ticket = world.until(world.ticket)
    assert (ticket.subject, ticket.locale) == ("路由器", "zh")
    wrong = newcomer.post("/try/mail", data={**filled, "text": " ", "sender": "somebody@else.example"})
    assert wrong.status_code == 422
    assert len(world.all(select(Ticket))) == 1


@pytest.mark.one_process("changes the demo's customers, who come out of the process that serves its page")
def test_traffic_is_switched_from_the_page(world, monkeypatch):
    monkeypatch.setattr(traffic, "SHARES", {"email": 1})
    newcomer = world.browser()
    assert newcomer.post("/try/traffic", data={"rate": "7"}).status_code == 422
    assert newcomer.post("/try/traffic", data={"rate": "240"}).status_code == 303
    world.until(world.ticket)
    assert 'value="stop"' in newcomer.get("/try/traffic").text
    assert newcomer.post("/try/traffic", data={"do": "stop"}).status_code == 303
    assert 'value="stop"' not in newcomer.get("/try/traffic").text


def test_a_mail_in_the_mailbox_is_read_and_answered_into_its_ticket(world):
    agent, patron = world.agent(), patrons()[0]
    world.send("Where is my parcel?", sender=patron.email)
    ticket = world.until(world.ticket)
    with world.tx() as tx:
        row, person = tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, agent.id)
        reply(tx, row, person, "It comes tomorrow. See http://shop.example/track/1.", channel="email")
    mail = world.until(lambda: world.one(select(MailboxMail)))
    newcomer = world.browser()
    assert patron.name in newcomer.get("/mailbox").text
    page = newcomer.get(f"/mailbox/{mail.id}").text
    assert 'href="http://shop.example/track/1"' in page
    assert newcomer.post(f"/mailbox/{mail.id}/answer", data={"text": "  "}).status_code == 422
    assert (
        newcomer.post(f"/mailbox/{mail.id}/answer", data={"text": "It has come, thanks! But the box was open."}).status_code
        == 303
    )
    last = select(Message).where(Message.direction == "in").order_by(Message.id.desc()).limit(1)
    answer = world.until(lambda: (found := world.one(last)).reply_text.startswith("It has come") and found)
    assert (answer.ticket_id, answer.threaded_by) == (ticket.id, "reply_address")
    assert answer.reply_text == "It has come, thanks! But the box was open."
    assert "wrote:" in answer.text


def test_the_list_of_mails_says_nothing_new_until_there_is(world):
    newcomer = world.browser()
    assert newcomer.get("/mailbox/list?after=0").status_code == 204
    with world.desk.store.tx(SYSTEM) as tx:
        raw = b"From: support@desk.example\r\nSubject: Hello\r\n\r\nText\r\n"
        tx.session.add(MailboxMail(at=tx.now, envelope_from="", recipient="li@mail.example", subject="<b>Hello</b>", raw=raw))
    listed = newcomer.get("/mailbox/list?after=0")
    assert listed.status_code == 200
    assert "&lt;b&gt;Hello" in listed.text
    assert newcomer.get("/mailbox/list?after=1").status_code == 204
    assert newcomer.get("/mailbox/99").status_code == 404


def _heard(world: World) -> int:
    """How many messages customers have written."""
    return world.one(select(func.count()).select_from(Message).where(Message.direction == "in"))


@pytest.mark.one_process(TELEPHONE)
def test_the_carriers_network_is_made_bad_and_good_from_the_page(world):
    newcomer = world.browser()
    assert newcomer.post("/try/network", data={"latency_s": "0.5", "loss": "1", "outage": "1"}).status_code == 303
    faults = world.desk.carrier.faults
    assert (faults.latency_s, faults.loss, faults.duplicate, faults.reorder, faults.outage) == (0.5, 0.1, 0.0, 0.0, True)
    assert "Faults are on" in newcomer.get("/try", headers={"Accept-Language": "en"}).text
    assert newcomer.post("/try/network", data={"latency_s": "nan", "do": "mend"}).status_code == 303
    assert not world.desk.carrier.faults.any
    newcomer.post("/try/network", data={"latency_s": "1e9"})
    assert not world.desk.carrier.faults.any
