"""A durable claim, an answer and an end of work, each beside a bare commit of one row on the same database, turn by turn.

A claim is measured from the decision in hand to its commit acknowledged and its event handed on. What the matcher's picture then
notes of it belongs to no commit and is a figure of its own, `claim_bookkeeping`, taken in the same turns.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from desk.actions import intake
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import claims, work_items
from desk.app import install, prepare
from desk.bench.figures import figure
from desk.config import Settings
from desk.db import connect
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Agent, RouterLease, Setting, WorkItem
from desk.models.agent import AVAILABLE
from desk.queries.work.channel_rules import SETTING
from desk.work.picture import Changed, Picture, read
from routing.values import CHANNEL_RULES, ChannelRule

AGENTS, EACH, BURST = 10, 30, 20
FLOOR = "one-row commit, bare driver"
_BARE = "UPDATE router_lease SET backend = coalesce(backend, 0) + 1 WHERE id = 1"  # it must change, or SQLite writes nothing


def run(settings: Settings) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        here = replace(settings, data_dir=Path(folder))
        figures |= _figures(replace(here, database_url=f"sqlite:///{folder}/desk.db"), "sqlite")
        if settings.on_sqlite:
            figures["claim_postgresql"] = {"skipped": "no server: set DESK_DATABASE_URL to one where a database may be created"}
        else:
            with _database_beside(settings.database_url) as url:
                figures |= _figures(replace(here, database_url=url), "postgresql")
    return figures


def _figures(settings: Settings, name: str) -> dict[str, Any]:
    desk = install(settings)
    prepare(desk)
    line = connect(settings.database_url)
    try:
        figures = {}
        for what, measure in (("claim", _claims), ("accept", _accepts), ("finish", _finishes), ("claim_in_burst", _bursts)):
            for part, (value, floor) in measure(desk, line, lambda: line.execute(_BARE)).items():
                figures[f"{what}{part}_{name}"] = figure(value * 1e3, "ms", floor * 1e3, FLOOR)
        return figures
    finally:
        line.close()
        desk.store.engine.dispose()


Figures = dict[str, tuple[float, float]]  # the value and its floor in seconds, by what the figure's name has more than the act's


def _claims(desk: Installation, line: Any, bare: Callable[[], Any]) -> Figures:
    picture, asked = _round(desk)
    noting: list[float] = []

    def claim(each: claims.Claim) -> claims.Claimed:
        with desk.store.direct(line, SYSTEM) as unit:
            (won,) = claims.claim(unit, [each])
        assert won is not None
        return won

    def note(won: claims.Claimed) -> None:
        start = time.perf_counter()
        picture.won(won, 0.0)
        noting.append(time.perf_counter() - start)

    value, floor = _in_turn([lambda each=each: claim(each) for each in asked], bare, then=note)
    return {"": (value, floor), "_bookkeeping": (statistics.median(noting), floor)}


def _bursts(desk: Installation, line: Any, bare: Callable[[], Any]) -> Figures:
    _picture, asked = _round(desk)

    def claim(burst: list[claims.Claim]) -> None:
        with desk.store.direct(line, SYSTEM) as unit:
            assert all(claims.claim(unit, burst))

    bursts = [asked[start : start + BURST] for start in range(0, len(asked), BURST)]
    value, floor = _in_turn([lambda burst=burst: claim(burst) for burst in bursts], bare)
    return {"": (value / BURST, floor)}


def _accepts(desk: Installation, _line: Any, bare: Callable[[], Any]) -> Figures:
    def accept(offer_id: int) -> None:
        with desk.store.tx(SYSTEM) as tx:
            work_items.accept(tx, offer_id)

    offers = _ids(desk, "SELECT id FROM offer WHERE state = 'offered'")
    return {"": _in_turn([lambda each=each: accept(each) for each in offers], bare)}


def _finishes(desk: Installation, _line: Any, bare: Callable[[], Any]) -> Figures:
    def finish(item_id: int) -> None:
        with desk.store.tx(SYSTEM) as tx:
            work_items.finish(tx, tx.session.get_one(WorkItem, item_id))

    items = _ids(desk, "SELECT id FROM work_item WHERE state = 'active'")
    return {"": _in_turn([lambda each=each: finish(each) for each in items], bare)}


def _round(desk: Installation) -> tuple[Picture, list[claims.Claim]]:
    """People with room, work that waits, and what is decided of it."""
    with desk.store.tx(SYSTEM) as tx:
        tx.session.merge(RouterLease(id=1, epoch=1, holder="bench", until=tx.now))
        roomy = asdict(ChannelRule(1, EACH, interruptible=True))
        tx.session.merge(Setting(key=SETTING, value=dict.fromkeys(CHANNEL_RULES, roomy)))
        customer = customers.identify(tx, "email", "bench@example.com")
        queue = intake.find_queue(tx, "general")
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="bench", channel="email")
        for number in range(AGENTS):
            who = {"email": f"{number}.{uuid.uuid4().hex}@desk.example", "name": "Bench", "password_hash": "", "roles": ["agent"]}
            since = {"presence_since": tx.now, "idle_since": tx.now}
            tx.session.add(Agent(**who, **since, team_id=queue.team_id, presence=AVAILABLE, desired=AVAILABLE))
        for _ in range(AGENTS * EACH):
            work_items.enqueue(tx, "ticket", "email", ticket, queue)
    now, picture = desk.clock.now(), Picture()
    with desk.store.read() as reading:
        picture.take(read(reading, Changed(all=True), now), now, 0.0)
    return picture, picture.claims(picture.matcher.decide(now.timestamp()), 1)


def _in_turn(acts: list[Callable[[], Any]], bare: Callable[[], Any], then: Callable[[Any], Any] = id) -> tuple[float, float]:
    """The medians of what is done and of a bare commit, in seconds; one after the other, so that both meet the same machine.

    What comes `then`, with what the act gave, is not in either.
    """
    values, floors = [], []
    for act in acts:
        outcome, value = _timed(act)
        then(outcome)
        values.append(value)
        floors.append(_timed(bare)[1])
    return statistics.median(values), statistics.median(floors)


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    outcome = act()
    return outcome, time.perf_counter() - start


def _ids(desk: Installation, question: str) -> list[int]:
    with desk.store.read() as reading:
        return list(reading.connection().exec_driver_sql(question).scalars())


@contextmanager
def _database_beside(url: str) -> Iterator[str]:
    """A database of our own on the same server, dropped afterwards."""
    name = f"bench_{uuid.uuid4().hex}"
    with connect(url) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            yield make_url(url).set(database=name).render_as_string(hide_password=False)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
