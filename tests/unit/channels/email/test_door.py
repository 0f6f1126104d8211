"""The SMTP door to clients of every kind: those in a hurry, those that guess, those that try to slip a second mail in."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest

from channels.email import listener as listener_module
from channels.email.batch import Reply
from channels.email.clients import Clients, Limits, network_of
from channels.email.listener import MailListener
from desk.config import Settings
from desk.work.mail_tls import smtp_tls

AT = datetime(2026, 11, 21, tzinfo=UTC)


@contextmanager
def door(**more):
    taken = []

    def accept(batch):
        taken.extend(batch)
        return [Reply(250, "2.0.0 kept")] * len(batch)

    listener = MailListener("127.0.0.1", 0, accept, now=lambda: AT, **more)
    listener.start()
    try:
        yield listener.port, taken
    finally:
        listener.stop()


def pour(client):
    """Without end: how much the system takes before the other side has read anything is its own affair."""
    while True:
        client.sendall(b"x" * 65536)


def talk(port, *lines: bytes) -> bytes:
    """Say everything at once and hear all answers."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as client:
        client.sendall(b"".join(lines) + b"QUIT\r\n")
        heard = b""
        # A door that sends us away before it has read all that we said resets the connection after its answers.
        with suppress(ConnectionResetError):
            while piece := client.recv(65536):
                heard += piece
    return heard


def test_commands_sent_together_are_answered_in_order_and_two_mails_are_two():
    one = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nSubject: 1\r\n\r\nhi\r\n.\r\n"
    with door() as (port, taken):
        heard = talk(port, b"EHLO me\r\n", one, one)
    assert b"PIPELINING" in heard
    assert b"SIZE 26214400" in heard
    assert b"SMTPUTF8" in heard
    assert b"8BITMIME" in heard
    assert b"AUTH" not in heard
    assert heard.count(b"250 2.0.0 kept") == 2
    assert len(taken) == 2


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\n.\n\n"])
def test_only_a_dot_on_a_line_of_its_own_ends_a_mail(end):
    smuggled = b"MAIL FROM:<boss@y.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nSubject: forged\r\n\r\nhi"
    with door() as (port, taken):
        start = b"EHLO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nSubject: one\r\n\r\nhi"
        talk(port, start, end, smuggled, b"\r\n.\r\n")
    assert len(taken) == 1
    assert b"forged" in taken[0].data


def test_a_hundred_recipients_are_one_mail_and_the_next_is_asked_to_come_separately():
    with door() as (port, taken), smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        refused = client.sendmail("a@x.example", [f"r{number}@y.example" for number in range(101)], b"Subject: all\r\n\r\nhi")
        assert {code for code, _ in refused.values()} == {452}
        assert len(taken[0].rcpt_tos) == 100


def test_who_is_wrong_too_often_is_sent_away():
    with door(limits=Limits(errors=5), recipient_ok=lambda _address: False) as (port, _taken):
        heard = talk(port, b"EHLO me\r\nMAIL FROM:<a@x.example>\r\n", *[b"RCPT TO:<b@y.example>\r\n"] * 9)
    assert heard.count(b"550 ") == 5
    assert b"421 4.7.0 Too many errors" in heard


def test_data_without_an_end_is_cut_off():
    with door(size_limit=1000) as (port, taken), closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as client:
        client.sendall(b"EHLO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n")
        with pytest.raises(ConnectionError):
            pour(client)
    assert taken == []


def test_mail_is_taken_only_from_who_signs_in_where_that_is_asked():
    words = b"Subject: x\r\n\r\nhi"
    with door(sign_in="relay:long enough") as (port, taken):
        heard = talk(port, b"EHLO me\r\n", b"MAIL FROM:<a@x.example>\r\n")
        assert b"AUTH" in heard
        assert b"530 5.7.0" in heard
        heard = talk(
            port, b"EHLO me\r\n", b"AUTH PLAIN " + base64.b64encode(b"\0relay\0wrong") + b"\r\n", b"MAIL FROM:<a@x.example>\r\n"
        )
        assert b"535" in heard
        assert b"530 5.7.0" in heard
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.login("relay", "long enough")
            client.sendmail("a@x.example", ["b@y.example"], words)
    assert len(taken) == 1


def test_a_client_may_take_so_much_of_the_door_and_no_more():
    now = [0.0]
    clients = Clients(Limits(connections=2, mails_per_minute=3), lambda: now[0])
    assert [clients.come("192.0.2.1") for _ in range(3)] == [True, True, False]
    clients.go("192.0.2.1")
    clients.go("192.0.2.1")
    assert clients.come("192.0.2.1")
    assert [clients.may_send("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert clients.may_send("192.0.2.2")
    now[0] = 61
    assert clients.may_send("192.0.2.1")
    assert all(clients.may_send("127.0.0.1") for _ in range(10))


def test_an_ipv6_customer_is_known_by_the_network_they_have():
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::1") == network_of("") == ""


def test_starttls_with_a_certificate_of_our_own(tmp_path):
    settings = Settings.from_env({"DESK_DATA_DIR": str(tmp_path), "DESK_SMTP_TLS_CERT": "self-signed"})
    certificate = tmp_path / "smtp.pem"
    with door(tls_context=smtp_tls(settings), hostname="desk.example") as (port, taken):
        assert certificate.stat().st_mode & 0o077 == 0
        trust = ssl.create_default_context(cafile=str(certificate))
        trust.check_hostname = False
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.starttls(context=trust)
            client.sendmail("a@x.example", ["b@y.example"], b"Subject: x\r\n\r\nhi")
        assert len(taken) == 1
    first = certificate.read_bytes()
    smtp_tls(settings)
    assert certificate.read_bytes() == first


def test_a_door_that_closes_waits_for_no_client_that_hears_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(listener_module, "GOODBYE_S", 0.2)
    settings = Settings.from_env({"DESK_DATA_DIR": str(tmp_path), "DESK_SMTP_TLS_CERT": "self-signed"})
    with ExitStack() as clients:
        with door(tls_context=smtp_tls(settings)) as (port, _taken):
            trust = ssl.create_default_context(cafile=str(tmp_path / "smtp.pem"))
            trust.check_hostname = False
            for secure in (True, False):
                client = smtplib.SMTP("127.0.0.1", port, timeout=60)
                clients.callback(client.close)
                if secure:
                    client.starttls(context=trust)
                client.ehlo()
            began = time.monotonic()
        assert time.monotonic() - began < 60  # who says nothing may stay for minutes
