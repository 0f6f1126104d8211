"""Who comes first at the door, and when SQLite's log is carried over: both told by a clock that only the test moves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from desk.actions.mail.spool import Delivery
from desk.app import install
from desk.clock import FrozenClock
from desk.config import Settings
from desk.work import checkpoint
from desk.work.checkpoint import EVERY_S, Checkpoint
from desk.work.mail_in import MailDoor
from desk.work.pace import AT_LEISURE, HURRIED, LONGEST_REST_S, RECENT_S, Pace


class Waits(threading.Event):
    """Notes for how long somebody would have waited, and does not."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def wait(self, timeout=None):
        self.asked.append(timeout)
        return self.is_set()


@pytest.fixture
def pace():
    pace = Pace(FrozenClock(datetime(2026, 11, 21, tzinfo=UTC)))
    pace._stopping = Waits()
    return pace


def test_reading_gives_way_while_somebody_is_at_the_door_and_a_moment_longer(pace):
    assert not pace.is_busy()
    assert pace.batch() == AT_LEISURE
    with pace.hurrying():
        assert pace.is_busy()
        assert pace.batch() == HURRIED
        with pace.hurrying():
            pass
        assert pace.is_busy()
    assert pace.is_busy()
    pace._clock.tick(RECENT_S - 0.01)
    assert pace.is_busy()
    pace._clock.tick(0.02)
    assert not pace.is_busy()
    assert pace.batch() == AT_LEISURE


def test_a_mail_that_could_not_be_kept_counts_as_somebody_at_the_door_and_then_no_more(pace):
    with pytest.raises(OSError, match="full"), pace.hurrying():
        raise OSError("the disk is full")
    assert pace.is_busy()
    pace._clock.tick(1)
    assert not pace.is_busy()


def test_it_rests_nine_times_as_long_as_it_worked_and_never_long(pace):
    pace.rest(0.1)
    assert pace._stopping.asked == []
    with pace.hurrying():
        pace.rest(0.1)
        pace.rest(60)
    assert pace._stopping.asked == [pytest.approx(0.9), LONGEST_REST_S]


def test_nobody_rests_once_the_desk_stops():
    pace = Pace(FrozenClock(datetime(2026, 11, 21, tzinfo=UTC)))
    pace.stop()
    with pace.hurrying():
        pace.rest(1_000)  # would be felt


class Desk:
    """An installation with nothing but a log to carry over."""

    def __init__(self, folder: Path) -> None:
        self.desk = install(Settings.from_env({"DESK_DATA_DIR": str(folder)}))
        self.hurried = False
        self.checkpoint = Checkpoint(self.desk, hurried=lambda: self.hurried)
        with self.desk.store.engine.begin() as connection:
            connection.execute(text("CREATE TABLE thing (words TEXT)"))

    def write(self, size: int) -> None:
        with self.desk.store.engine.begin() as connection:
            connection.execute(text("INSERT INTO thing VALUES (:words)"), {"words": "x" * size})

    def database_size(self) -> int:
        return (self.desk.settings.data_dir / "desk.db").stat().st_size


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.checkpoint.close()
    desk.desk.store.engine.dispose()


def test_the_log_is_carried_over_when_nobody_is_in_a_hurry(desk):
    desk.write(300_000)
    assert desk.database_size() < 300_000
    assert desk.checkpoint.turn() == EVERY_S
    assert desk.database_size() > 300_000


def test_while_mail_is_delivered_it_waits_until_the_log_is_long(desk, monkeypatch):
    desk.hurried = True
    desk.write(300_000)
    desk.checkpoint.turn()
    assert desk.database_size() < 300_000
    monkeypatch.setattr(checkpoint, "MOST_BYTES", 200_000)
    desk.checkpoint.turn()
    assert desk.database_size() > 300_000


def test_it_waits_for_no_reader_and_no_writer(desk):
    desk.write(300_000)
    with desk.desk.store.read() as reading, desk.desk.store.engine.begin() as writing:
        reading.execute(text("SELECT count(*) FROM thing")).scalar()
        writing.execute(text("INSERT INTO thing VALUES ('y')"))
        assert desk.checkpoint.turn() == EVERY_S
    desk.checkpoint.turn()
    assert desk.database_size() > 300_000


def test_after_it_was_closed_it_begins_again_and_without_a_log_there_is_nothing_to_do(desk):
    desk.checkpoint.turn()
    desk.checkpoint.close()
    desk.checkpoint.close()
    desk.hurried = True
    assert desk.checkpoint.turn() == EVERY_S


def test_a_mail_is_kept_while_the_log_is_carried_over_again_and_again(tmp_path):
    from desk.app import prepare

    desk = install(Settings.from_env({"DESK_DATA_DIR": str(tmp_path)}))
    prepare(desk)
    door, carrying, over = MailDoor(desk), Checkpoint(desk), threading.Event()

    def carry() -> None:
        while not over.is_set():
            carrying.turn()

    thread = threading.Thread(target=carry)
    thread.start()
    at = desk.clock.now()
    for _ in range(50):
        door.keep([Delivery("smtp", "support@desk.example", "a@b.example", ("support@desk.example",), "", at, b"x" * 50_000)])
    over.set()
    thread.join()
    with desk.store.read() as session:
        assert session.execute(text("SELECT count(*), sum(length(raw)) FROM spooled_mail")).one() == (50, 2_500_000)
    door.stop_keeping()
    carrying.close()
    desk.store.engine.dispose()
