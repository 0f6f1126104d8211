"""The SMTP server, spoken to over real sockets by the standard client."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from channels.email.batch import Envelope, GroupCommit, Reply
from channels.email.listener import MailListener
from tests.unit.channels.email.mails import mail

NOW = datetime(2024, 3, 5, 6, 20, 11, tzinfo=UTC)
STORED = Reply(250, "2.0.0 Stored")


class Store:
    """Accepts mails into lists; `hold` makes it wait, `poison` makes it fail for a batch that holds such a mail."""

    def __init__(self) -> None:
        self.batches: list[list[Envelope]] = []
        self.mails: list[Envelope] = []
        self.threads: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.poison = b"\x00no such bytes\x00"

    def accept(self, batch):
        self.batches.append(list(batch))
        self.threads.add(threading.current_thread().name)
        self.entered.release()
        assert self.open.wait(60)
        if any(self.poison in one.data for one in batch):
            raise RuntimeError("the store cannot take this")
        self.mails += batch
        return [STORED] * len(batch)


@contextmanager
def listening(accept, **more) -> Iterator[MailListener]:
    listener = MailListener("127.0.0.1", 0, accept, now=lambda: NOW, **more)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@contextmanager
def client(listener) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", listener.port, "relay.example.com", timeout=60) as smtp:
        yield smtp


@pytest.fixture
def store():
    return Store()


def test_a_mail_is_stored_on_another_thread_before_it_is_answered(store):
    raw = mail("Subject: 投诉", body="您好\r\n.leading dot\r\n")
    with listening(store.accept) as listener, client(listener) as smtp:
        assert smtp.sendmail("wang@example.com", ["support@desk.example", "b@desk.example"], raw) == {}
        (stored,) = store.mails
    assert stored == Envelope(
        "wang@example.com", ("support@desk.example", "b@desk.example"), raw, "127.0.0.1", NOW, "relay.example.com"
    )
    assert store.threads == {"mail-accept"}


def test_a_bounce_has_an_empty_sender(store):
    with listening(store.accept) as listener, client(listener) as smtp:
        smtp.sendmail("", ["support@desk.example"], mail())
    assert store.mails[0].mail_from == ""


def test_an_address_outside_ascii_is_taken(store):
    with listening(store.accept) as listener, client(listener) as smtp:
        smtp.ehlo()
        smtp.sendmail("王@example.com", ["客服@desk.example"], mail(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert store.mails[0].mail_from == "王@example.com"


def test_a_line_longer_than_the_standard_allows_is_taken(store):
    with listening(store.accept) as listener, client(listener) as smtp:
        smtp.sendmail("a@b.example", ["support@desk.example"], mail(body=b"x" * 100_000 + b"\r\n"))
    assert len(store.mails[0].data) > 100_000


def test_while_the_store_is_down_the_sender_is_told_to_try_later():
    def broken(_batch):
        raise ConnectionError("database away")

    with listening(broken) as listener, client(listener) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            smtp.sendmail("a@b.example", ["support@desk.example"], mail())
        assert refusal.value.smtp_code == 451
        assert b"4.3.0" in refusal.value.smtp_error
        assert b"database" not in refusal.value.smtp_error


def test_a_store_that_answers_too_few_mails_is_a_store_that_failed():
    with listening(lambda _batch: []) as listener, client(listener) as smtp, pytest.raises(smtplib.SMTPDataError) as refusal:
        smtp.sendmail("a@b.example", ["support@desk.example"], mail())
    assert refusal.value.smtp_code == 451


def test_an_answer_of_the_store_reaches_the_sender_on_one_line():
    answer = Reply(554, "5.7.1 No\r\n250 thanks")
    with listening(lambda batch: [answer] * len(batch)) as listener, client(listener) as smtp:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            smtp.sendmail("a@b.example", ["support@desk.example"], mail())
        assert (refusal.value.smtp_code, refusal.value.smtp_error) == (554, b"5.7.1 No 250 thanks")


def test_a_mail_over_the_limit_is_refused_when_announced_and_when_not(store):
    with listening(store.accept, size_limit=2000) as listener, client(listener) as smtp:
        smtp.ehlo()
        with pytest.raises(smtplib.SMTPSenderRefused) as announced:
            smtp.sendmail("a@b.example", ["support@desk.example"], b"x" * 3000)
        assert announced.value.smtp_code == 552
        smtp.mail("a@b.example")
        smtp.rcpt("support@desk.example")
        code, _ = smtp.data(b"line\r\n" * 1000)
        assert code == 552
        smtp.sendmail("a@b.example", ["support@desk.example"], mail())
    assert len(store.mails) == 1


def test_mail_for_others_is_not_relayed(store):
    with (
        listening(store.accept, recipient_ok=lambda address: address.endswith("@desk.example")) as listener,
        client(listener) as smtp,
    ):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            smtp.sendmail("a@b.example", ["victim@elsewhere.example"], mail())
        assert refusal.value.recipients["victim@elsewhere.example"][0] == 550
        refused = smtp.sendmail("a@b.example", ["victim@elsewhere.example", "support@desk.example"], mail())
        assert list(refused) == ["victim@elsewhere.example"]
    assert [one.rcpt_tos for one in store.mails] == [("support@desk.example",)]


def test_a_recipient_check_that_fails_is_no_refusal_for_good(store):
    with listening(store.accept, recipient_ok=lambda address: 1 // 0) as listener, client(listener) as smtp:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
            smtp.sendmail("a@b.example", ["support@desk.example"], mail())
        assert refusal.value.recipients["support@desk.example"][0] == 451


def test_the_hundred_and_first_recipient_waits_for_another_mail(store):
    recipients = [f"r{number}@desk.example" for number in range(101)]
    with listening(store.accept) as listener, client(listener) as smtp:
        refused = smtp.sendmail("a@b.example", recipients, mail())
    assert refused == {"r100@desk.example": (452, b"4.5.3 Too many recipients, send the rest separately")}


def test_mails_that_arrive_during_a_commit_share_the_next_one(store):
    store.open.clear()
    with listening(store.accept) as listener:
        senders = [threading.Thread(target=send, args=(listener, b"first"))]
        senders[0].start()
        assert store.entered.acquire(timeout=60)
        senders += [threading.Thread(target=send, args=(listener, b"later")) for _ in range(7)]
        for sender in senders[1:]:
            sender.start()
        wait_until(lambda: listener.commits._waiting.qsize() == 7)
        store.open.set()
        for sender in senders:
            sender.join(60)
    assert [len(batch) for batch in store.batches] == [1, 7]


def test_a_poisonous_mail_does_not_refuse_its_neighbours(store):
    store.poison = b"poison"
    commits = GroupCommit(store.accept)
    futures = [commits.submit(envelope(body)) for body in (b"good", b"poison", b"fine")]
    commits.start()
    assert [future.result(60).code for future in futures] == [250, 451, 250]
    assert [one.data for one in store.mails] == [b"good", b"fine"]
    commits.stop()


def test_when_the_store_is_away_a_full_batch_is_not_tried_mail_by_mail(store):
    store.poison = b""
    commits = GroupCommit(store.accept)
    futures = [commits.submit(envelope(b"x")) for _ in range(50)]
    commits.start()
    assert {future.result(60).code for future in futures} == {451}
    assert [len(batch) for batch in store.batches] == [50, 1, 1, 1]
    commits.stop()


def test_a_batch_has_a_largest_size(store):
    commits = GroupCommit(store.accept, largest=4)
    futures = [commits.submit(envelope(b"x")) for _ in range(10)]
    commits.start()
    assert {future.result(60).code for future in futures} == {250}
    assert [len(batch) for batch in store.batches] == [4, 4, 2]
    commits.stop()


def test_stopping_first_answers_what_is_under_way(store):
    store.open.clear()
    listener = MailListener("127.0.0.1", 0, store.accept, now=lambda: NOW)
    listener.start()
    answers = []
    smtp = smtplib.SMTP("127.0.0.1", listener.port, timeout=60)
    sender = threading.Thread(target=lambda: answers.append(smtp.sendmail("a@b.example", ["support@desk.example"], mail())))
    sender.start()
    assert store.entered.acquire(timeout=60)
    stopper = threading.Thread(target=listener.stop)
    stopper.start()
    wait_until(lambda: listener.stopping)
    store.open.set()
    sender.join(60)
    stopper.join(60)
    smtp.close()
    assert answers == [{}]
    assert len(store.mails) == 1
    with pytest.raises(OSError):  # noqa: PT011 - refused, reset or unreachable: the system chooses
        socket.create_connection(("127.0.0.1", listener.port), timeout=60)


def test_an_idle_client_is_dismissed_when_stopping(store):
    listener = MailListener("127.0.0.1", 0, store.accept, now=lambda: NOW)
    listener.start()
    with socket.create_connection(("127.0.0.1", listener.port), timeout=60) as idle:
        assert idle.recv(1000).startswith(b"220 ")
        listener.stop()
        assert idle.recv(1000).startswith(b"421 ")
        assert idle.recv(1000) == b""


def test_one_connection_too_many_is_told_to_come_back(store):
    with listening(store.accept, connections=1) as listener, client(listener) as smtp:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=60) as second:
            assert second.recv(1000).startswith(b"421 4.7.0")
            assert second.recv(1000) == b""
        smtp.sendmail("a@b.example", ["support@desk.example"], mail())
    assert len(store.mails) == 1


def test_a_client_that_says_nothing_is_dropped(store):
    with (
        listening(store.accept, timeout=0.05) as listener,
        socket.create_connection(("127.0.0.1", listener.port), timeout=60) as silent,
    ):
        silent.recv(1000)
        assert silent.recv(1000) == b""


def test_a_session_has_an_end_however_busy_it_is(store):
    with (
        listening(store.accept, session_limit=0.05) as listener,
        socket.create_connection(("127.0.0.1", listener.port), timeout=60) as busy,
    ):
        heard = b""
        while piece := busy.recv(1000):  # the greeting may come with the good-bye, or not at all
            heard += piece
        assert heard.splitlines()[-1].startswith(b"421 ")


def test_a_client_that_hangs_up_while_storing_does_not_stop_the_others(store):
    store.open.clear()
    with listening(store.accept) as listener:
        gone = socket.create_connection(("127.0.0.1", listener.port), timeout=60)
        for line in (b"HELO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<s@desk.example>", b"DATA", b"Subject: gone\r\n\r\nx\r\n."):
            gone.recv(1000)
            gone.sendall(line + b"\r\n")
        assert store.entered.acquire(timeout=60)
        gone.close()
        wait_until(lambda: not listener.open)
        store.open.set()
        assert send(listener, b"next") == {}
    assert len(store.mails) == 2


def test_an_address_in_use_is_an_error_at_the_start(store):
    with listening(store.accept) as listener, pytest.raises(OSError, match="in use"):
        MailListener("127.0.0.1", listener.port, store.accept, now=lambda: NOW).start()


def envelope(data: bytes) -> Envelope:
    return Envelope("a@b.example", ("support@desk.example",), data, "127.0.0.1", NOW)


def send(listener, body: bytes):
    with client(listener) as smtp:
        return smtp.sendmail("a@b.example", ["support@desk.example"], mail(body=body))


def wait_until(holds) -> None:
    """Spin without sleeping; the test's own time limit ends a wait in vain."""
    turn = threading.Event()
    while not holds():
        turn.wait(0.005)
