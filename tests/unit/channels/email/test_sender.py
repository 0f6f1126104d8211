"""Sending through a relay, and the fakes that stand in for one; against real SMTP servers on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from channels.email.batch import Reply
from channels.email.listener import MailListener
from channels.email.sender import RecipientResult, RelayAway, SmtpSender, sender_to
from channels.fake import MemorySender
from channels.message import SendFailed
from tests.unit.channels.email.mails import mail

TAKEN = Reply(250, "2.0.0 OK")


@contextmanager
def relay(answer=TAKEN, **more) -> Iterator[tuple[SmtpSender, list]]:
    taken: list = []

    def accept(batch):
        taken.extend(batch)
        return [answer] * len(batch)

    listener = MailListener("127.0.0.1", 0, accept, now=lambda: datetime(2024, 3, 5, tzinfo=UTC), **more)
    listener.start()
    try:
        with closing(SmtpSender("127.0.0.1", listener.port, timeout=60)) as sender:
            yield sender, taken
    finally:
        listener.stop()


@contextmanager
def scripted(*answers: bytes) -> Iterator[SmtpSender]:
    """A server that greets and then gives these answers, whatever it is told; it hangs up after the last."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 ready\r\n")
            for answer in answers:
                lines.readline()
                connection.sendall(answer + b"\r\n")
            connection.shutdown(socket.SHUT_WR)
            lines.read()

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        with closing(SmtpSender("127.0.0.1", server.getsockname()[1], timeout=60)) as sender:
            yield sender
    finally:
        thread.join(60)
        server.close()


def test_a_mail_arrives_with_its_envelope():
    raw = mail()
    with relay() as (sender, taken):
        results = sender.send("", ["Wang@example.com", "li@例子.cn"], raw)
    assert {address: result.accepted for address, result in results.items()} == {"Wang@example.com": True, "li@例子.cn": True}
    assert (taken[0].mail_from, taken[0].rcpt_tos, taken[0].data) == ("", ("Wang@example.com", "li@xn--fsqu00a.cn"), raw)


def test_an_address_outside_ascii_goes_as_smtputf8():
    with relay() as (sender, taken):
        sender.send("support@desk.example", ["王@example.com"], mail())
    assert taken[0].rcpt_tos == ("王@example.com",)


def test_a_relay_without_smtputf8_cannot_take_such_an_address():
    with scripted(b"250 plain", b"221 bye") as sender, pytest.raises(SendFailed, match="SMTPUTF8") as failure:
        sender.send("support@desk.example", ["王@example.com"], mail())
    assert not failure.value.retryable


def test_one_refused_recipient_does_not_stop_the_others():
    with relay(recipient_ok=lambda address: not address.startswith("bad")) as (sender, taken):
        results = sender.send("support@desk.example", ["bad@example.com", "good@example.com"], mail())
    assert (results["bad@example.com"].code, results["bad@example.com"].retryable) == (550, False)
    assert results["good@example.com"].accepted
    assert taken[0].rcpt_tos == ("good@example.com",)


def test_when_all_recipients_are_refused_each_has_its_reason():
    with relay(recipient_ok=lambda _address: False) as (sender, taken):
        [result] = sender.send("support@desk.example", ["bad@example.com"], mail()).values()
    assert (result.code, result.accepted, result.retryable) == (550, False, False)
    assert taken == []


@pytest.mark.parametrize(("code", "retryable"), [(451, True), (452, True), (550, False), (554, False)])
def test_the_answer_to_the_data_says_whether_to_try_again(code, retryable):
    with relay(Reply(code, "not now")) as (sender, _):
        [result] = sender.send("support@desk.example", ["wang@example.com"], mail()).values()
    assert result == RecipientResult(code, "not now")
    assert result.retryable is retryable


@pytest.mark.parametrize(
    ("answer", "status", "retryable"), [(b"451 4.7.1 Greylisted", "4.7.1", True), (b"553 5.1.8 Not you", "5.1.8", False)]
)
def test_the_answer_to_the_sender_says_whether_to_try_again(answer, status, retryable):
    with scripted(b"250 plain", answer, b"221 bye") as sender:
        [result] = sender.send("support@desk.example", ["wang@example.com"], mail()).values()
    assert (result.status, result.retryable) == (status, retryable)


def test_a_connection_that_breaks_can_be_tried_again():
    with scripted(b"250 plain", b"250 sender", b"250 recipient") as sender, pytest.raises(SendFailed) as failure:
        sender.send("support@desk.example", ["wang@example.com"], mail())
    assert failure.value.retryable


def test_a_relay_that_is_away_can_be_tried_again():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # ours, so that nobody else can listen there meanwhile
        with pytest.raises(RelayAway) as failure:
            SmtpSender("127.0.0.1", held.getsockname()[1], timeout=60).send("support@desk.example", ["wang@example.com"], mail())
    assert failure.value.retryable


def test_a_relay_that_cannot_encrypt_is_not_trusted_with_the_mail():
    with scripted(b"250 plain") as sender, pytest.raises(RelayAway, match="STARTTLS"):
        SmtpSender(sender.host, sender.port, security="starttls", timeout=60).send("a@b.example", ["wang@example.com"], mail())


def test_a_relay_that_closes_is_left():
    with scripted(b"250 plain", b"250 sender", b"421 4.3.2 Closing") as sender:
        [result] = sender.send("support@desk.example", ["wang@example.com"], mail()).values()
        assert (result.code, result.retryable) == (421, True)
        assert sender._relay is None


@pytest.mark.parametrize(
    ("url", "port", "security", "username", "password"),
    [
        ("smtp://relay.example", 25, "none", "", ""),
        ("smtp+starttls://desk:se%40cret@relay.example", 587, "starttls", "desk", "se@cret"),
        ("smtps://desk%40b.example:pa55@relay.example:4650", 4650, "tls", "desk@b.example", "pa55"),
    ],
)
def test_the_address_of_a_relay_says_how_to_speak_to_it(url, port, security, username, password):
    sender = sender_to(url)
    assert (sender.host, sender.port, sender.security) == ("relay.example", port, security)
    assert (sender.username, sender.password) == (username, password)
    assert password == "" or password not in repr(sender)


@pytest.mark.parametrize("recipients", [[], ["not an address"], ["x@y.example\r\nRCPT TO:<thief@evil.example>"]])
def test_recipients_that_are_none_are_an_error_for_good(recipients):
    with relay() as (sender, taken):
        with pytest.raises(SendFailed) as failure:
            sender.send("support@desk.example", recipients, mail())
        assert not failure.value.retryable
    assert taken == []


def test_the_memory_sender_keeps_what_it_was_given():
    sender = MemorySender(refuse={"bad@example.com": (550, "no")})
    results = sender.send("", ["wang@example.com", "bad@example.com"], mail("Subject: hi"))
    assert results == {"wang@example.com": RecipientResult(250, "OK"), "bad@example.com": RecipientResult(550, "no")}
    assert [one.subject for one in sender.inbox("Wang@example.com")] == ["hi"]
    assert sender.inbox("bad@example.com") == []
    assert sender.send("", ["bad@example.com"], mail())["bad@example.com"].code == 550
    assert len(sender.sent) == 1


def test_the_memory_sender_can_fail_like_a_relay():
    sender = MemorySender(failure=SendFailed("away", retryable=True))
    with pytest.raises(SendFailed, match="away"):
        sender.send("", ["wang@example.com"], mail())
    assert sender.sent == []
