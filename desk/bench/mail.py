"""`bench mail`: durable intake while reading goes on, reading alone, small and large, and what people feel of it.

The floor of the intake is the SMTP library as it comes, in this process, with the same senders and mails, in turn with the desk:
a machine that is busy with other things slows both.
"""

from __future__ import annotations

import smtplib
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select
from werkzeug.serving import make_server

from desk.actions.mail.acknowledging import may_write_to
from desk.actions.mail.spool import Delivery
from desk.app import create_app, install, prepare
from desk.bench.figures import figure, median_s
from desk.bench.senders import PEOPLE, mail, send_from_outside
from desk.bench.sink import Sink
from desk.bench.years import grow, marks
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import SpooledMail
from desk.work.background import Background
from desk.work.mail_in import MailDoor
from desk.work.mail_reading import MailReading
from desk.work.pace import RECENT_S

CONNECTIONS, MAILS, ROUNDS = 8, 150, 5
ALONE = 20
DRAINED, DRAINS, STORED = 500, 3, 100_000
ASKED = 200
PAGE = "/complaints/new"


def run(settings: Settings) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        desk = install(
            replace(
                settings,
                data_dir=Path(folder),
                database_url=f"sqlite:///{folder}/desk.db",
                smtp_host="127.0.0.1",
                smtp_port=0,
                http_host="127.0.0.1",
            )
        )
        prepare(desk)
        with _serving(desk) as (door, url):
            idle = _pages(url, 100)
            seen = _until_seen(desk, door.port)
            rounds = [_intake(desk, door.port) for _ in range(ROUNDS)]
            asked = _Meanwhile(url)
            busy_floor, busy_rate = _intake(desk, door.port, asked)
        small, asked_small = _drains(desk), _acknowledging(desk)
        _store_many(desk, STORED)
        large, asked_large = _drains(desk), _acknowledging(desk)
        with _serving(desk) as (door, _url):
            rounds_large = [_intake(desk, door.port) for _ in range(ROUNDS)]
        desk.store.engine.dispose()
    floor, rate = _middle(rounds)
    floor_large, rate_large = _middle(rounds_large)
    return {
        "intake_8_connections": figure(rate, "mails/s", floor, f"no-op SMTP sink (more is better; middle of {ROUNDS} rounds)"),
        "intake_8_connections_with_100k_stored": figure(rate_large, "mails/s", floor_large, "no-op SMTP sink, the same rounds"),
        "intake_while_pages_are_asked_for": figure(busy_rate, "mails/s", busy_floor, "the sink, with the same asked of the desk"),
        "on_screen_after_250": figure(
            statistics.median(seen) * 1e3, "ms", _p95(seen) * 1e3, "95th percentile of the same: one mail, an idle desk"
        ),
        "reading": figure(small, "mails/s", rate, "intake of this run (more is better)"),
        "reading_with_100k_stored": figure(large, "mails/s", small, "with a few thousand stored (more is better)"),
        "may_we_acknowledge_with_100k_stored": figure(asked_large * 1e6, "us", asked_small * 1e6, "with a few thousand stored"),
        "page_p95_during_intake": figure(_p95(asked.took) * 1e3, "ms", _p95(idle) * 1e3, "the same page on an idle desk"),
    }


def _middle(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The round whose rate is the middle one beside its own floor: both were measured within the same seconds."""
    return sorted(rounds, key=lambda each: each[1] / each[0])[len(rounds) // 2]


def _intake(desk: Installation, port: int, asked: _Meanwhile | None = None) -> tuple[float, float]:
    """One round: mails a second into the sink, then into the desk; `asked` ends with the mails. Ends with all of it read."""
    sink = Sink()
    sink.start()
    floor = send_from_outside(sink.port, desk.settings.mail_from, CONNECTIONS, MAILS)
    sink.stop()
    if asked is not None:
        asked.took.clear()
    rate = send_from_outside(port, desk.settings.mail_from, CONNECTIONS, MAILS)
    if asked is not None:
        asked.end()
    _all_read(desk)
    return floor, rate


def _until_seen(desk: Installation, port: int) -> list[float]:
    """Seconds from the sender's `250` until the screens are told, one mail after the other on a desk that has nothing to do."""
    told = threading.Event()
    desk.store.subscribe(lambda events: told.set() if any(event.kind == "message.added" for event in events) else None)
    took = []
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for number in range(ALONE + 1):
            threading.Event().wait(2 * RECENT_S)  # after which the reader gives way to nobody any more
            told.clear()
            client.sendmail("c@example.com", [desk.settings.mail_from], mail(number, desk.settings.mail_from))
            start = time.perf_counter()
            if not told.wait(60):
                raise RuntimeError("a mail was not read")
            took.append(time.perf_counter() - start)
    return took[1:]  # with the first the reading processes started


@contextmanager
def _serving(desk: Installation) -> Iterator[tuple[MailDoor, str]]:
    """The desk as `serve` runs it, on ports of its own."""
    from desk.commands.serve import Requests  # which imports the commands, and so this

    app, _socketio = create_app(desk)
    background = Background(desk)
    app.extensions["background"] = background
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Requests)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    background.start()
    assert background.mail is not None
    try:
        yield background.mail, f"http://127.0.0.1:{server.server_port}{PAGE}"
    finally:
        app.extensions["staff"].close()
        background.stop()
        server.shutdown()
        server.server_close()


class _Meanwhile:
    """Somebody who asks for a page again and again until `end`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.took: list[float] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            self.took += _pages(self._url, 1)


def _pages(url: str, count: int) -> list[float]:
    took = []
    with requests.Session() as browser:
        browser.trust_env = False
        for _ in range(count):
            start = time.perf_counter()
            browser.get(url, timeout=60).raise_for_status()
            took.append(time.perf_counter() - start)
    return took


def _p95(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]


def _all_read(desk: Installation) -> None:
    waiting = threading.Event()
    while True:
        with desk.store.read() as session:
            if not session.scalar(select(func.count()).select_from(SpooledMail)):
                return
        waiting.wait(0.05)


def _drains(desk: Installation) -> float:
    """The middle of several drains."""
    return statistics.median(_drain(desk) for _ in range(DRAINS))


def _drain(desk: Installation, people: int = PEOPLE) -> float:
    """How fast mail that waits is read when nothing else happens, in mails a second."""
    door = MailDoor(desk)
    ours = desk.settings.mail_from
    raws = [mail(number, ours, people) for number in range(DRAINED + 20)]
    deliveries = [Delivery("smtp", ours, "c@example.com", (ours,), "127.0.0.1", desk.clock.now(), raw) for raw in raws]
    reading = MailReading(desk, door.addresses)
    door.keep(deliveries[:20])
    reading.turn()  # its processes have started
    door.keep(deliveries[20:])
    start = time.perf_counter()
    reading.turn()
    taken = time.perf_counter() - start
    reading.close()
    door.stop_keeping()
    return DRAINED / taken


def _acknowledging(desk: Installation) -> float:
    """Seconds to find out whether an automatic answer may go to somebody."""
    with desk.store.tx(SYSTEM) as tx:
        return median_s(lambda: may_write_to(tx, "c1@example.com"), ASKED)


def _store_many(desk: Installation, count: int) -> None:
    """Rows in every table that a mail reaches, as years of mail leave them, each of another customer and acknowledged."""
    acknowledging = install(replace(desk.settings, mail_acknowledge=True))
    with desk.store.engine.begin() as connection:
        since = marks(connection)
    _drain(acknowledging, people=DRAINED + 20)
    acknowledging.store.engine.dispose()
    with desk.store.engine.begin() as connection:
        grow(connection, since, count // (DRAINED + 20) + 1)
