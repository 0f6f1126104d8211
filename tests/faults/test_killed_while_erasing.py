"""The worker is killed at one moment after another while it erases a customer: in the end all is gone, and all counted once."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.engine import Engine

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.privacy import again
from desk.actions.tickets import solving
from desk.clock import FrozenClock
from desk.events import Event
from desk.files import FileStore
from desk.models import Attachment, Erasure, OutboxMail, RawMail, Ticket, Timer
from desk.models.erasure import DONE
from desk.models.mail import SENT
from desk.queries import doctor
from desk.queries.privacy import erasures
from tests.desk.erasing_world import MAIL, WORD, agreed, chains, complained, figures, traces
from tests.desk.house import House, prepare
from tests.faults.child import PATIENCE_S, WARM
from tests.shape.source import ROOT

LONG_AGO = datetime(2019, 11, 20, 2, 0, tzinfo=UTC)  # what a duty kept has been kept long enough by now
TICKETS = 24  # beside the one with something in every table: three batches
STRIDE = 37  # moments: each worker lives so much longer than the one before


@pytest.mark.timeout(1500)  # less than a minute on a machine that is not busy with other things
def test_a_customer_is_erased_once_and_whole_however_often_the_worker_is_killed(tmp_path, database_url):
    prepare(database_url, tmp_path)
    house = House(database_url, tmp_path, FrozenClock(LONG_AGO))
    files = FileStore(tmp_path / "files")
    customer_id, _ticket, _case = complained(house, files, more=True)
    write_more(house, files)
    agreed(house, customer_id)
    quiet(house)
    before = figures(house)
    tickets = house.one(select(func.count(Ticket.id)).where(Ticket.customer_id == customer_id))
    named = set(house.all(select(Attachment.sha256))) | set(house.all(select(RawMail.sha256)))
    env = {
        "DESK_DATA_DIR": str(tmp_path),
        "DESK_DATABASE_URL": database_url,
        "DESK_SECRET_KEY": "a secret that only this test knows, long enough",
    }
    left = []  # tickets, each time that it was killed
    for moment in count(1, STRIDE):
        killed(env, moment)
        left.append(house.one(select(func.count(Ticket.id)).where(Ticket.erased_at.is_(None))))
        assert figures(house) == before
        if (tmp_path / "idle").exists():
            break
    assert len(set(left)) >= 3, "it was never killed between two batches"
    assert len(left) >= 6, "it was killed too seldom to prove anything"
    done = house.one(select(Erasure))
    assert done.state == DONE
    assert traces(house, files) == []
    told = house.all(select(Event.data).where(Event.kind == "erasure.went_on"))
    assert done.counts["tickets"] == sum(data["tickets"] for data in told) == tickets
    assert done.counts["files"] == len(named)
    bare = [data for data in house.all(select(Event.data)) if data.get("erased") == done.id]
    assert done.counts["entries"] == len(bare)
    assert house.kinds("customer.erased") == ["customer.erased"]
    assert [line["did"] for line in again.read(tmp_path / again.NAME)] == ["agreed", "ended"]
    assert chains(house) == ["ok"]
    with house.store.read() as reading:
        assert [finding.level for finding in doctor.unchanged_events(reading)] == ["ok"]
    house.close()


def write_more(house, files):
    """They wrote often, each time with a file."""
    for number in range(TICKETS):
        kept = files.keep(f"{WORD} for the {number}th time".encode(), f"{WORD}.txt")
        mail = Inbound(channel="email", external_id=f"<more-{number}@x>", sender=Contact("email", MAIL), text=WORD, subject=WORD)
        with house.tx() as tx:
            ticket = intake.receive(tx, mail, [kept]).ticket
            solving.finish_work(tx, ticket)
            solving.settle(tx, ticket, category="other", wrap_up_code="solved", resolution=f"The {WORD} again.")


def quiet(house):
    """Whatever else a worker would do with what is years old has been done."""
    with house.tx() as tx:
        tx.session.execute(update(Timer).values(done_at=tx.now))
        tx.session.execute(update(OutboxMail).values(state=SENT))


def killed(env: dict[str, str], moment: int) -> None:
    """A worker that the power fails at this moment of its erasing, or when nothing is left to be erased."""
    process = WARM.Process(target=_work_until, args=(env, moment), daemon=True)
    process.start()
    process.join(timeout=PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL, Path(env["DESK_DATA_DIR"], "worker.log").read_text()[-3000:]


def _work_until(env: dict[str, str], last: int) -> None:
    """`python -m desk worker`, killed by its own hand where it counts the `last` moment of its erasing.

    A moment is before each statement, after each file that is gone, after each line of the list and after each step. The first
    worker that comes to the last step dies right after it.
    """
    from desk.__main__ import main
    from desk.work.erasing import Erasing

    moments, at_it = count(1), []  # the second holds something while a turn is taken, which are all in one thread

    def tick() -> None:
        if at_it and next(moments) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def ticking(what):
        def then(*given):
            found = what(*given)
            tick()
            return found

        return then

    def stepping(part, erasure_id):
        goes_on = step(part, erasure_id)
        if not goes_on and not Path(env["DESK_DATA_DIR"], "ended").exists():  # the pages of the index still hold its words
            Path(env["DESK_DATA_DIR"], "ended").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        tick()
        return goes_on

    def in_turn(part):
        at_it.append(True)
        rest = turn(part)
        at_it.clear()
        with part._desk.store.read() as reading:
            if rest is None and not erasures.next_due(reading, part._desk.clock.now()):
                Path(env["DESK_DATA_DIR"], "idle").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return rest

    os.chdir(ROOT)
    os.environ.update(env)
    log = os.open(Path(env["DESK_DATA_DIR"], "worker.log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, sys.stderr.fileno())
    turn, Erasing.turn = Erasing.turn, in_turn
    step, Erasing._step = Erasing._step, stepping
    FileStore.remove, again.write_down = ticking(FileStore.remove), ticking(again.write_down)
    event.listen(Engine, "before_cursor_execute", lambda *_of: tick())
    sys.exit(main(["worker"]))
