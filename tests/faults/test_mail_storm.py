"""A night of mail: the process is killed and the database goes away, again and again, and every `250` is kept exactly once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.faults.child import Child
from tests.faults.test_killed_while_mail_comes_in import Senders, check, read_the_rest
from tests.services import postgres

MAILS, CONNECTIONS = 10_000, 32
KILLS = (700, 2300, 4100, 6200, 8800)
STOPS = (1500, 5200)


class Cluster:
    """A PostgreSQL server of this test alone, that may be stopped in the middle of things."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "postgres"
        postgres._start(self.home)
        url = URL.create("postgresql+psycopg", username="postgres", database="desk", query={"host": str(self.home)})
        self.url = url.render_as_string(hide_password=False)
        postgres._tell(url.set(database="postgres"), "CREATE DATABASE desk TEMPLATE template0")

    def stop(self) -> None:
        self._tell("-m", "immediate", "stop")

    def start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in postgres.SETTINGS.items())
        self._tell("-l", self.home / "log", "-o", f"-k {self.home} {options}", "start")

    def _tell(self, *words: str | Path) -> None:
        postgres._run([postgres._programs() / "pg_ctl", "-D", self.home / "data", "-w", *words], self.home)


@pytest.fixture
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="storm-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Cluster(folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.nightly
@pytest.mark.timeout(1500)
def test_ten_thousand_mails_through_five_kills_and_two_ends_of_the_database(tmp_path, cluster):
    with Child(tmp_path, DESK_DATABASE_URL=cluster.url) as child:
        child.start()
        senders = Senders(child, MAILS, CONNECTIONS)
        for at in sorted((*KILLS, *STOPS)):
            senders.wait_for(at, 400)
            if at in KILLS:
                child.kill()
                child.start()
            else:
                cluster.stop()
                cluster.start()
            senders.knock()
        senders.finish(400)
        assert senders.broken >= len(KILLS) + len(STOPS)
        assert child.stop() == 0
        desk = child.installation()
        try:
            read_the_rest(desk)
            check(desk, MAILS)
        finally:
            desk.store.engine.dispose()
