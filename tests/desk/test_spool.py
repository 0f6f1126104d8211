"""From the bytes that were kept to the row that says what became of them; and what people do when they cannot be read."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from desk.actions.mail import placing, quarantine
from desk.actions.mail.spool import Delivery
from desk.app import install
from desk.config import Settings
from desk.errors import Conflict, Invalid
from desk.events import SYSTEM
from desk.models import MailSilence, MailTally, Message, RawMail, SpooledMail, Ticket, WorkItem
from desk.queries.mail import ledger
from desk.work import mail_pool
from desk.work.mail_in import MailDoor
from desk.work.mail_pool import Pool
from desk.work.mail_reading import MailReading
from desk.work.mail_wire import Job, Reading, Unread
from tests.shape.source import ROOT

LI = "li.na@customers.example"
MB = 1024 * 1024


class Post:
    """A desk with nothing running: the test keeps and reads mail itself."""

    def __init__(self, house, folder):
        self.desk = install(Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": house.url}), clock=house.clock)
        self.house = house
        self.door = MailDoor(self.desk)
        self.door.addresses.refresh()
        self.reading = MailReading(self.desk, self.door.addresses, pool=Pool(2, deadline_s=20, most_memory=1024**3))

    def close(self):
        self.reading.close()
        self.door.stop_keeping()
        self.desk.store.engine.dispose()

    def keep(self, *mails, to="support@desk.example"):
        at = self.desk.clock.now()
        self.door.keep([Delivery("smtp", to, LI, (to,), "192.0.2.1", at, mail) for mail in mails])

    def read(self):
        self.reading.turn()

    def outcomes(self):
        return self.house.all(select(RawMail.outcome).order_by(RawMail.id))


@pytest.fixture
def post(house, tmp_path):
    post = Post(house, tmp_path)
    yield post
    post.close()


def mail(number, text="My router is dead.", sender=LI, **headers):
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: {sender}\r\nTo: support@desk.example\r\nSubject: Question {number}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0800\r\n"
        f"Message-ID: <{number}@customers.example>\r\n{more}\r\n{text}\r\n"
    ).encode()


def adds_up(post):
    with post.desk.store.read() as session:
        lines = ledger.ledger(session, post.desk.clock.now(), post.desk.settings.timezone)
    assert [line.missing for line in lines] == [0] * len(lines)
    return lines


def test_what_was_kept_is_read_once_and_the_ledger_adds_up_before_and_after(post):
    post.keep(*(mail(number) for number in range(5)), mail(0), mail(9, In_Reply_To="<1@customers.example>"))
    [line] = adds_up(post)
    assert (line.received, line.waiting) == (7, 7)
    post.read()
    assert post.house.all(select(SpooledMail.id)) == []
    assert sorted(post.outcomes()) == ["appended", "duplicate", *["opened"] * 5]
    assert len(post.house.all(select(Message.id))) == 6
    assert len(post.house.all(select(WorkItem.id))) == 5
    [line] = adds_up(post)
    assert (line.received, line.waiting, line.outcomes) == (7, 0, {"opened": 5, "appended": 1, "duplicate": 1})


def test_a_batch_costs_statements_by_the_table_and_not_by_the_mail(post):
    post.keep(mail(100))
    post.read()

    asked = []
    event.listen(post.desk.store.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    post.keep(*(mail(number) for number in range(24)))
    post.read()
    assert len(post.house.all(select(Ticket.id))) == 25
    assert len(asked) < 60, asked


def test_who_reads_mails_carries_nothing_of_the_database(tmp_path):
    """Each of these processes has what it imports, and strangers' mails have what is left of its bounds."""
    looks = "import sys, desk.work.mail_child; print([name for name in ('sqlalchemy', 'flask', 'twilio') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", looks], cwd=ROOT, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


class Stubborn(Pool):
    """Reading processes that die or stall over some mails: by the real means, with bounds small enough for a test."""

    def __init__(self, how):
        super().__init__(1, deadline_s=0.5 if how == "stalls" else 20, most_memory=150 * 1024 * 1024)


@pytest.mark.parametrize("how", ["takes all memory", "stalls"])
def test_a_mail_that_ends_its_reader_becomes_a_ticket_as_it_came_and_holds_up_nobody(sqlite_house, tmp_path, how):
    post = Post(sqlite_house, tmp_path)
    post.reading.close()
    post.reading = MailReading(post.desk, post.door.addresses, pool=Stubborn(how))
    bad = mail(1, "x" * 60_000_000) if how == "takes all memory" else mail(1, "> " * 5_000_000)
    if how == "stalls":
        post.reading._pool._deadline_s = 0.001
    post.keep(bad)
    for _ in range(4):
        post.read()
        post.house.tick(100)
    post.reading._pool._deadline_s = 20
    post.keep(mail(2))
    post.read()
    assert post.house.all(select(SpooledMail.id)) == []
    assert post.outcomes() == ["quarantined", "opened"]
    bad_row = post.house.one(select(RawMail).where(RawMail.outcome == "quarantined"))
    assert bad_row.verdict == "unreadable"
    assert bad_row.reasons
    assert post.desk.files.get(bad_row.sha256) == bad
    assert bad_row.ticket_id is not None
    adds_up(post)
    # Later it can be read, and joins the ticket that it has.
    with post.desk.store.tx(SYSTEM) as tx:
        quarantine.read_again(tx, tx.session.get_one(RawMail, bad_row.id), mail(1, "Readable after all."))
    post.reading.close()
    post.reading = MailReading(post.desk, post.door.addresses, pool=Pool(1))
    post.read()
    assert post.outcomes() == ["appended", "opened"]
    assert len(post.house.all(select(Ticket.id))) == 2
    adds_up(post)
    post.close()


def test_what_goes_round_waits_in_quarantine_until_somebody_lets_it_in_or_puts_it_away(post):
    post.keep(mail(1, sender="support@desk.example"), mail(2, sender="support@desk.example"))
    post.read()
    assert post.outcomes() == ["quarantined", "quarantined"]
    assert post.house.all(select(Ticket.id)) == []
    first, second = post.house.all(select(RawMail).order_by(RawMail.id))
    with post.desk.store.tx(SYSTEM) as tx:
        raw = post.desk.files.get(first.sha256)
        quarantine.read_again(tx, tx.session.get_one(RawMail, first.id), raw, as_person=True)
        with pytest.raises(Invalid):
            quarantine.discard(tx, tx.session.get_one(RawMail, second.id), " ")
        quarantine.discard(tx, tx.session.get_one(RawMail, second.id), "our own copy")
    post.read()
    assert post.outcomes() == ["opened", "refused"]
    with post.desk.store.tx(SYSTEM) as tx, pytest.raises(Conflict):
        quarantine.discard(tx, tx.session.get_one(RawMail, second.id), "again")
    adds_up(post)


def test_a_flood_from_one_sender_ends_automatic_mail_to_them(post):
    post.keep(*(mail(number) for number in range(20)))
    post.read()
    assert post.house.all(select(MailSilence.address)) == []
    post.keep(mail(20))
    post.read()
    assert post.house.all(select(MailSilence.address)) == [LI]


def test_a_message_moved_to_the_wrong_ticket_is_put_back_and_its_ticket_opens_again(post):
    post.keep(mail(1), mail(2, "Another matter."))
    post.read()
    first, second = post.house.all(select(Message).order_by(Message.id))
    old = second.ticket_id
    with post.desk.store.tx(SYSTEM) as tx:
        placing.attach(tx, tx.session.get_one(Message, second.id), tx.session.get_one(Ticket, first.ticket_id))
    assert post.house.one(select(Ticket.status).where(Ticket.id == old)) == "merged"
    assert post.house.one(select(RawMail.ticket_id).where(RawMail.message_id == second.id)) == first.ticket_id
    with post.desk.store.tx(SYSTEM) as tx:
        placing.attach(tx, tx.session.get_one(Message, second.id), tx.session.get_one(Ticket, old))
    assert post.house.one(select(Ticket.status).where(Ticket.id == old)) == "open"
    assert post.house.one(select(Message.ticket_id).where(Message.id == second.id)) == old
    waiting = select(func.count()).select_from(WorkItem).where(WorkItem.ticket_id == old, WorkItem.state == "waiting")
    assert post.house.one(waiting) == 1


def test_a_reader_that_stops_amid_a_full_spool_is_done_at_once_and_leaves_the_rest_as_it_was(post):
    post.keep(*(mail(number) for number in range(400)))
    turn = threading.Thread(target=post.read)
    turn.start()
    while not post.outcomes():
        assert turn.is_alive()
    post.reading.stop()
    turn.join(timeout=60)
    assert not turn.is_alive()
    waiting = post.house.all(select(SpooledMail.attempts))
    assert len(waiting) + len(post.outcomes()) == 400
    assert len(waiting) > 100
    assert set(waiting) == {0}
    post.reading.close()
    post.reading = MailReading(post.desk, post.door.addresses, pool=Pool(2))
    post.read()
    assert post.outcomes() == ["opened"] * 400
    adds_up(post)


def test_a_pool_that_is_closed_amid_a_mail_blames_nobody(tmp_path):
    pool = Pool(1)
    job = Job(mail(1), LI, frozenset(), frozenset(), tmp_path)
    assert isinstance(pool.begin([job])[0].result(), Reading)
    (child,) = pool._children
    os.kill(child._process.pid, signal.SIGSTOP)  # it does not come to an end of the next one
    answers = pool.begin([job] * 5)
    while not answers[0].running():
        pass
    pool.close()
    assert answers[0].result() == Unread("the desk is stopping", by_mail=False)
    assert all(answer.cancelled() for answer in answers[1:])
    assert all(answer.cancelled() for answer in pool.begin([job]))


def test_who_stops_with_mails_in_hand_waits_for_none_of_them(post):
    post.reading.close()
    pool = Pool(1)
    post.reading = MailReading(post.desk, post.door.addresses, pool=pool)
    post.keep(mail(1))
    post.read()
    (child,) = pool._children
    os.kill(child._process.pid, signal.SIGSTOP)
    post.keep(*(mail(number) for number in range(2, 7)))
    reading = threading.Thread(target=post.read)
    reading.start()
    while pool._threads._work_queue.qsize() < 4:  # one is being read
        pass
    post.reading.stop()
    reading.join(60)
    assert not reading.is_alive()
    assert post.outcomes() == ["opened"]


def test_a_reader_that_the_machine_gives_no_time_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(mail_pool, "PATIENCE", 10_000)
    pool = Pool(1)
    job = Job(mail(1), LI, frozenset(), frozenset(), tmp_path)
    assert isinstance(pool.begin([job])[0].result(), Reading)
    (child,) = pool._children
    os.kill(child._process.pid, signal.SIGSTOP)
    pool._deadline_s = 0.4
    (answer,) = pool.begin([job])
    assert wait([answer], timeout=1.0).not_done
    os.kill(child._process.pid, signal.SIGCONT)
    assert isinstance(answer.result(), Reading)
    pool.close()


def test_a_mail_that_does_not_even_fit_into_its_readers_memory_is_to_blame_and_holds_up_no_other(tmp_path):
    job = Job(mail(1), LI, frozenset(), frozenset(), tmp_path)
    roomy = Pool(1)
    assert isinstance(roomy.begin([job])[0].result(), Reading)
    needs = peak_bytes(roomy._children[0]._process.pid)
    roomy.close()
    narrow = Pool(1, most_memory=needs + 64 * MB)
    huge = replace(job, raw=bytes(needs + 64 * MB))
    answers = [answer.result() for answer in narrow.begin([job, huge, job])]
    assert isinstance(answers[0], Reading)
    assert answers[1] == Unread("the mail is too large for the memory of a reading process")
    assert answers[1].by_mail
    assert isinstance(answers[2], Reading)
    narrow.close()


def test_a_reader_that_does_not_start_blames_no_mail(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    pool = Pool(1)
    job = Job(mail(1) + bytes(MB), LI, frozenset(), frozenset(), tmp_path)  # more than a pipe holds
    assert pool.begin([job])[0].result() == Unread("the reading process does not start", by_mail=False)
    pool.close()


def peak_bytes(pid):
    """The most address space that a process has had."""
    told = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.search(r"VmPeak:\s+(\d+) kB", told)[1])


def test_the_tally_is_counted_at_the_door_alone(post):
    post.keep(mail(1), mail(2), to="billing@desk.example")
    assert post.house.one(select(MailTally.received).where(MailTally.mailbox == "billing@desk.example")) == 2


def test_a_reading_process_answers_each_mail_and_keeps_its_files_to_itself_until_they_are_settled(tmp_path):
    pool = Pool(2)
    job = Job(mail(1), LI, frozenset(), frozenset(), tmp_path)
    answers = [answer.result() for answer in pool.begin([job, job])]
    assert all(isinstance(answer, Reading) for answer in answers)
    assert not (tmp_path / answers[0].raw.sha256[:2]).exists()
    pool.close()
