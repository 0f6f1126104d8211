"""Mail through real relays: slow, full, greylisting, hanging up, wanting TLS and a password; and a desk killed while it sends."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from contextlib import closing, contextmanager

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import select

from channels.email.parse import parse
from channels.email.sender import RelayAway, SmtpSender
from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.mail import outbox
from desk.actions.tickets import tickets
from desk.app import install
from desk.events import SYSTEM
from desk.models import Message, OutboxMail, OutboxRecipient
from desk.work.mail_out import MailOut
from tests.desk.conftest import house, postgres_house, prepared_postgres, prepared_sqlite, sqlite_house  # noqa: F401 - fixtures
from tests.faults.child import Child
from tests.flows.certificate import certificate
from tests.world import free_port

CUSTOMER = "li.na@customers.example"


class Relay:
    """Answers as it is told: `rcpt` maps an address to the answers it gets in turn, `data` are the answers to the mails."""

    def __init__(self, rcpt=None, data=(), slow_s=0.0):
        self.rcpt = {address: list(answers) for address, answers in (rcpt or {}).items()}
        self.data, self.slow_s = list(data), slow_s
        self.taken: list[tuple[str, tuple[str, ...], bytes]] = []
        self.sessions: set[int] = set()
        self.got_one = threading.Event()

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.sessions.add(id(session))
        if self.rcpt.get(address):
            return self.rcpt[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self.data.pop(0) if self.data else "250 2.0.0 OK"
        if answer.startswith("250") or answer == "drop":
            self.taken.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
            self.got_one.set()
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if answer == "drop":
            server.transport.abort()
        return answer

    def ids(self):
        return Counter(parse(raw).message_id for _, _, raw in self.taken)


@contextmanager
def serving(relay, **more):
    controller = Controller(relay, hostname="127.0.0.1", port=free_port(), ready_timeout=60, **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def sending(house, port, **more):
    desk = install(house.settings, clock=house.clock)
    with closing(desk.knowledge), closing(SmtpSender("127.0.0.1", port, timeout=60, **more)) as sender:
        yield MailOut(desk, sender)
    desk.store.engine.dispose()


def answered(house, number=1, cc=()):
    with house.tx() as tx:
        inbound = Inbound("email", f"in-{number}", Contact("email", CUSTOMER), "It is dead.", subject="Router")
        return tickets.reply(tx, intake.receive(tx, inbound).ticket, None, "Please press reset.", channel="email", cc=cc)


def states(house):
    return {row.address: row.state for row in house.all(select(OutboxRecipient))}


def test_one_of_three_recipients_who_is_refused_for_now_gets_it_later_alone(house):
    relay = Relay(rcpt={"busy@b.example": ["451 4.2.1 mailbox busy", "450 4.2.1 still busy"]})
    message = answered(house, cc=("wang@a.example", "busy@b.example"))
    with serving(relay) as port, sending(house, port) as out:
        for _ in range(3):
            wait = out.turn()
            house.tick(wait or 0)
    assert [recipients for _, recipients, _ in relay.taken] == [(CUSTOMER, "wang@a.example"), ("busy@b.example",)]
    assert len(relay.ids()) == 1
    assert set(states(house).values()) == {"sent"}
    assert house.again(message).delivery == "sent"


def test_a_relay_that_hangs_up_after_the_text_gets_it_again_under_the_same_message_id(sqlite_house):
    relay = Relay(data=["drop"])
    answered(sqlite_house)
    with serving(relay) as port, sending(sqlite_house, port) as out:
        wait = out.turn()
        assert "broke" in sqlite_house.one(select(OutboxMail)).last_error
        sqlite_house.tick(wait)
        out.turn()
    assert list(relay.ids().values()) == [2]
    assert states(sqlite_house) == {CUSTOMER: "sent"}


def test_a_relay_that_greylists_is_asked_again(sqlite_house):
    relay = Relay(rcpt={CUSTOMER: ["450 4.7.1 Greylisted, come back"]})
    message = answered(sqlite_house)
    with serving(relay) as port, sending(sqlite_house, port) as out:
        wait = out.turn()
        assert "Greylisted" in sqlite_house.again(message).delivery_error
        sqlite_house.tick(wait)
        assert out.turn() is None
    assert len(relay.taken) == 1


def test_a_text_that_is_refused_for_good_is_not_sent_again(sqlite_house):
    relay = Relay(data=["554 5.7.1 we call this spam"])
    message = answered(sqlite_house)
    with serving(relay) as port, sending(sqlite_house, port) as out:
        assert out.turn() is None
    assert relay.taken == []
    assert (sqlite_house.again(message).delivery, sqlite_house.one(select(OutboxRecipient.status))) == ("failed", "5.7.1")


def test_many_mails_go_over_one_connection(sqlite_house):
    relay = Relay()
    for number in range(20):
        answered(sqlite_house, number)
    with serving(relay) as port, sending(sqlite_house, port) as out:
        out.turn()
    assert (len(relay.taken), len(relay.sessions)) == (20, 1)


def test_a_relay_that_wants_tls_and_a_password_gets_both(sqlite_house, tmp_path):
    ours, theirs = certificate(tmp_path)
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(theirs)
    relay = Relay()

    def who(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"desk", b"secret"), handled=False)

    message = answered(sqlite_house)
    tls = {
        "tls_context": server_tls,
        "require_starttls": True,
        "auth_require_tls": True,
        "auth_required": True,
        "authenticator": who,
    }
    trusted = ssl.create_default_context(cafile=str(ours))
    with serving(relay, **tls) as port:
        with sending(sqlite_house, port, security="starttls", username="desk", password="wrong", tls_context=trusted) as out:
            assert out.turn() > 0
        assert "user name and password" in sqlite_house.again(message).delivery_error
        stranger = SmtpSender("127.0.0.1", port, security="starttls", username="desk", password="secret", timeout=60)
        with pytest.raises(RelayAway, match="certificate"):
            stranger.send("", [CUSTOMER], b"Subject: x\r\n\r\ny\r\n")  # never to a relay that cannot prove its name
        sqlite_house.tick(outbox.BACKOFF_S[0])
        with sending(sqlite_house, port, security="starttls", username="desk", password="secret", tls_context=trusted) as out:
            out.turn()
    assert len(relay.taken) == 1
    assert sqlite_house.again(message).delivery == "sent"


def test_a_relay_that_speaks_tls_from_the_first_byte(sqlite_house, tmp_path):
    ours, theirs = certificate(tmp_path)
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(theirs)
    relay, trusted = Relay(), ssl.create_default_context(cafile=str(ours))
    answered(sqlite_house)
    with serving(relay, ssl_context=server_tls) as port, sending(sqlite_house, port, security="tls", tls_context=trusted) as out:
        out.turn()
    assert len(relay.taken) == 1


@pytest.mark.parametrize("moment", ["before the relay has answered", "after the relay has answered"])
def test_a_desk_killed_while_it_sends_loses_no_mail(tmp_path, moment):
    relay = Relay(slow_s=30 if moment.startswith("before") else 0)
    with serving(relay) as port, Child(tmp_path, DESK_MAIL_RELAY=f"smtp://127.0.0.1:{port}", DESK_MAIL_TRUST="off") as child:
        child.start()
        desk = child.installation()
        with closing(desk.knowledge):
            sent = [answered(_House(desk), number) for number in range(3)]
            assert relay.got_one.wait(60)
            child.kill()
            relay.slow_s = 0
            child.start()
            for message in sent:
                _until_sent(desk, message)
        desk.store.engine.dispose()
        assert child.stop() == 0
    ids = relay.ids()
    assert set(ids) == {message.mail_message_id for message in sent}
    assert max(ids.values()) <= 2
    assert sum(ids.values()) <= 4  # only the one that was in hand


class _House:
    """Enough of a house for `answered`, on the store of a desk in another process."""

    def __init__(self, desk):
        self.tx = lambda: desk.store.tx(SYSTEM)


def _until_sent(desk, message):
    waiting = threading.Event()
    for _ in range(1800):
        with desk.store.read() as reading:
            if reading.get(Message, message.id).delivery == "sent":
                return
        waiting.wait(0.1)
    raise AssertionError("the mail has not left")
