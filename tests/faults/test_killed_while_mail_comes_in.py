"""The process is killed again and again while mail pours in: what was answered 250 is there, and there once."""

from __future__ import annotations

import hashlib
import queue
import random
import smtplib
import threading
from collections import Counter
from email.message import EmailMessage

import pytest

from desk.events import Event
from desk.models import Attachment, ContactPoint, Customer, MailTally, Message, RawMail, SpooledMail, Ticket, WorkItem
from desk.work.mail_reading import MailReading
from desk.work.our_addresses import OurAddresses
from tests.faults.child import Child, all_of

MAILS, CUSTOMERS, CONNECTIONS, KILLS = 500, 50, 4, 3


@pytest.mark.timeout(900)  # half a minute on a machine that is not busy with other things
def test_every_mail_answered_250_is_there_once_after_the_process_was_killed_at_random_moments(tmp_path):
    with Child(tmp_path) as child:
        child.start()
        senders = Senders(child)
        chance = random.Random(20261121)
        for at in sorted(chance.sample(range(40, MAILS - 40), KILLS)):
            senders.wait_for(at)
            child.kill()
            child.start()
            senders.knock()
        senders.finish()
        assert senders.broken >= KILLS, "no connection broke: the kills came too late to prove anything"
        assert child.stop() == 0
        desk = child.installation()
        try:
            read_the_rest(desk)
            check(desk)
        finally:
            desk.store.engine.dispose()


def read_the_rest(desk):
    """What the stopped desk had answered for and not read yet, any other process reads."""
    reading = MailReading(desk, OurAddresses(desk))
    reading.turn()
    reading.close()
    assert all_of(desk, SpooledMail.id) == []


def check(desk, mails=MAILS):
    ids = sorted(f"mail-{number}@customers.example" for number in range(mails))
    assert sorted(all_of(desk, Message.mail_message_id)) == ids
    # A sender that did not hear our answer sent the mail again: that is a row too, but nothing else.
    outcomes = Counter(all_of(desk, RawMail.outcome))
    assert outcomes.pop("opened") == mails
    assert outcomes.keys() <= {"duplicate"}
    received = sum(all_of(desk, MailTally.received))
    assert received == mails + outcomes["duplicate"]
    assert len(all_of(desk, Ticket.id)) == len(all_of(desk, WorkItem.id)) == mails
    assert len(all_of(desk, Customer.id)) == len(all_of(desk, ContactPoint.id)) == CUSTOMERS
    told = Counter(all_of(desk, Event.kind))
    assert told["mail.received"] == received
    assert told["ticket.opened"] == told["item.queued"] == told["message.added"] == mails
    assert told["customer.added"] == CUSTOMERS
    assert all(number == 10_000 + row_id for row_id, number in all_of(desk, Ticket.id, Ticket.number))
    for sha256 in [*all_of(desk, RawMail.sha256), *all_of(desk, Attachment.sha256)]:
        assert hashlib.sha256(desk.files.get(sha256)).hexdigest() == sha256
    assert len(all_of(desk, Attachment.id)) == mails // 10


def mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"customer{number % CUSTOMERS}@customers.example"
    message["To"] = "support@desk.example"
    message["Subject"] = f"Question {number}"
    message["Message-ID"] = f"<mail-{number}@customers.example>"
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0800"
    message.set_content(f"This is mail number {number}.\n" * 20)
    if number % 10 == 0:
        message.add_attachment(f"attachment {number}".encode() * 50, maintype="text", subtype="plain", filename="a.txt")
    return message


class Senders:
    """Mail servers of strangers: each keeps its mail until it is answered 250, and comes again when the line breaks."""

    def __init__(self, child: Child, mails: int = MAILS, connections: int = CONNECTIONS) -> None:
        self._port = child.smtp_port
        self._mails = mails
        self._todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(mails):
            self._todo.put(number)
        self._answered = 0
        self.broken = 0
        self._change = threading.Condition()
        self._threads = [threading.Thread(target=self._deliver, daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int, patience: float = 60) -> None:
        """Until so many mails are answered: as long as that takes, while one is answered within `patience` now and then."""
        with self._change:
            while self._answered < count:
                before = self._answered
                assert self._change.wait_for(lambda before=before: self._answered > before, timeout=patience)

    def knock(self) -> None:
        """The desk is back: come again."""
        with self._change:
            self._change.notify_all()

    def finish(self, patience: float = 60) -> None:
        self.wait_for(self._mails, patience)
        for thread in self._threads:
            thread.join(timeout=patience)
        assert self._answered == self._mails

    def _deliver(self) -> None:
        number: int | None = None
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self._port, timeout=60) as smtp:
                    while True:
                        number = self._todo.get_nowait() if number is None else number
                        smtp.send_message(mail(number))
                        number = None
                        with self._change:
                            self._answered += 1
                            self._change.notify_all()
            except queue.Empty:
                return
            except (smtplib.SMTPException, OSError):
                with self._change:
                    self.broken += 1
                    self._change.wait(0.2)


def test_a_mail_that_broke_off_before_its_end_is_not_there(tmp_path):
    with Child(tmp_path) as child:
        child.start()
        broken = [smtplib.SMTP("127.0.0.1", child.smtp_port, timeout=60) for _ in range(2)]
        for smtp in broken:
            smtp.ehlo()
            smtp.mail("li.na@customers.example")
            smtp.rcpt("support@desk.example")
            smtp.docmd("DATA")
        broken[1].send(mail(1).as_bytes())  # of which the end never comes
        child.kill()
        for smtp in broken:
            smtp.close()
        child.start()
        assert child.stop() == 0
        desk = child.installation()
        assert all_of(desk, SpooledMail.id) == all_of(desk, Message.id) == []
        desk.store.engine.dispose()
