"""Clients that are slow, silent or suddenly gone: they are dropped, keep nothing, and their place is free again."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from channels.email.batch import Reply
from channels.email.listener import MailListener

HURRIED = 0.1  # seconds for a command; to be greeted does not depend on it
PATIENT = 60.0
TO_DATA = (b"EHLO me", b"MAIL FROM:<a@x.example>", b"RCPT TO:<b@y.example>", b"DATA")


@contextmanager
def door(timeout):
    """It has one place."""
    taken = []

    def accept(batch):
        taken.extend(batch)
        return [Reply(250, "2.0.0 kept")] * len(batch)

    listener = MailListener(
        "127.0.0.1", 0, accept, now=lambda: datetime(2026, 11, 21, tzinfo=UTC), timeout=timeout, connections=1
    )
    listener.start()
    try:
        yield listener, taken
    finally:
        listener.stop()


def come(listener):
    client = socket.create_connection(("127.0.0.1", listener.port), timeout=60)
    assert client.recv(1000).startswith(b"220 ")
    return client


def begin_data(client):
    """As far as the `354`; each answer is heard before the next line is said."""
    for line in TO_DATA:
        client.sendall(line + b"\r\n")
        heard = b""
        while not heard.endswith(b"\r\n") or heard.splitlines()[-1][3:4] == b"-":
            piece = client.recv(1000)
            if not piece:
                raise ConnectionAbortedError
            heard += piece
        assert heard[:1] in {b"2", b"3"}


def place_is_free(listener):
    turn = threading.Event()
    while listener.open:
        turn.wait(0.005)
    come(listener).close()  # is greeted, not sent away
    return True


def trickle(client):
    """A byte at a time, each well within the time for a command, until the door has enough."""
    pause = threading.Event()
    while True:
        client.sendall(b"N")
        pause.wait(HURRIED / 10)


def test_a_byte_at_a_time_is_no_command_however_steadily_they_come():
    with door(HURRIED) as (listener, taken):
        with closing(come(listener)) as client, pytest.raises(ConnectionError):
            trickle(client)
        assert place_is_free(listener)
    assert taken == []


def test_who_stops_in_the_middle_of_a_mail_is_dropped_and_nothing_of_it_is_kept():
    for patience in (0.5, 5.0, PATIENT):
        with door(patience) as (listener, taken):
            with closing(come(listener)) as client:
                try:
                    begin_data(client)
                    client.sendall(b"Subject: half\r\n\r\nhalf of")
                except ConnectionError:
                    continue  # this machine is busy: we were too slow ourselves, and come again to a door with more patience
                assert client.recv(1000) == b""
            assert place_is_free(listener)
        assert taken == []
        return
    raise AssertionError("we never came as far as the mail")


@pytest.mark.parametrize("farewell", ["reset", "end"])
def test_who_vanishes_in_the_middle_of_a_mail_leaves_nothing_and_their_place_at_once(farewell):
    with door(PATIENT) as (listener, taken):
        client = come(listener)
        begin_data(client)
        client.sendall(b"Subject: half\r\n\r\nhalf of")
        if farewell == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert place_is_free(listener)
    assert taken == []


def test_who_only_hears_and_never_says_anything_is_dropped():
    with door(HURRIED) as (listener, taken), closing(come(listener)) as client:
        client.shutdown(socket.SHUT_RD)  # half open: nothing comes from there any more
        assert place_is_free(listener)
    assert taken == []
