"""What is committed on SQLite is on the disk before anybody is told, with one flush for many."""

from __future__ import annotations

import threading

import pytest

from desk.durable import Log


class SlowDisk(Log):
    """A log whose disk waits to be let on."""

    def __init__(self, database):
        super().__init__(database)
        self.flushes = 0
        self.began, self.may_end = threading.Semaphore(0), threading.Semaphore(0)

    def _bring(self):
        self.flushes += 1
        self.began.release()
        assert self.may_end.acquire(timeout=60)
        super()._bring()


def commit(log):
    with log.committing():
        pass


def test_who_commits_while_the_disk_works_shares_the_next_flush(tmp_path):
    log = SlowDisk(str(tmp_path / "desk.db"))
    threads = [threading.Thread(target=commit, args=[log]) for _ in range(6)]
    threads[0].start()
    assert log.began.acquire(timeout=60)
    for thread in threads[1:]:
        thread.start()
    while log._asked < len(threads):  # each says so as the first thing
        threading.Event().wait(0.001)
    assert all(thread.is_alive() for thread in threads), "nobody goes on before the disk has it"

    log.may_end.release(2)
    for thread in threads:
        thread.join(timeout=60)

    assert not any(thread.is_alive() for thread in threads)
    assert log.flushes == 2


def test_a_disk_that_does_not_keep_it_is_told(tmp_path):
    (tmp_path / "desk.db-wal").mkdir()

    with pytest.raises(OSError, match="could not be brought to the disk"):
        commit(Log(str(tmp_path / "desk.db")))


def test_a_log_that_was_carried_over_meanwhile_is_no_failure(tmp_path):
    commit(Log(str(tmp_path / "desk.db")))


def test_who_answers_by_what_another_has_just_committed_waits_until_the_disk_has_it(tmp_path):
    log = SlowDisk(str(tmp_path / "desk.db"))
    with log.settling():
        pass
    assert log.flushes == 0, "nothing was on its way"
    writer = threading.Thread(target=commit, args=[log])
    writer.start()
    assert log.began.acquire(timeout=60)
    answered = threading.Event()

    def answer():
        with log.settling():
            pass
        answered.set()

    reader = threading.Thread(target=answer)
    reader.start()
    while log._asked < 2:
        threading.Event().wait(0.001)
    assert not answered.is_set()
    log.may_end.release(2)
    for thread in (writer, reader):
        thread.join(timeout=60)
    assert answered.is_set()
