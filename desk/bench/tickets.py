"""`bench tickets`: the screens of the console, the board and search with a long past, beside the same with a short one.

Server time of whole requests, the page included, as one person after another asks for them: the first time, and `again` what
was asked a moment ago, which nobody has to read from the disk. `frame` is a page with nothing to look up in it. How long words of
old tickets take to be filled in is measured on some; the others' are put together by the database out of those of their texts.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, func, inspect, select

from desk.actions import search_words
from desk.actions.people.agents import add_agent
from desk.app import create_app, install, prepare
from desk.bench.figures import figure
from desk.bench.many_tickets import ENGLISH, PER_TICKET, POOL_TABLE, add_pool, add_tickets
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Customer, Message, Team, Ticket
from desk.work.words import BATCH, advance

TICKETS, FEW = 20_000, 1_000
AT_ONCE, SOON = 100, 200  # milliseconds within which 95 of 100 screens, and answers of the search, are to be there
TIMES = 60  # requests of each kind
FILLED = 25 * BATCH  # tickets whose words are made as at work
PASSWORD = "only for measuring"  # noqa: S105 - a desk that lasts for one measurement
PEOPLE = {"agent": "agent", "supervisor": "supervisor"}
ASKED = (
    *(
        "refund",
        "invoice router",
        "退款",
        "发票 路由器",
        '"payment parcel"',
        "status:open refund",
        "queue:gen 退款",
        "bill -refund",
    ),
    *("assigned:me refund", "customer 77", "10077", "77770", "payme", "重复"),
)


def run(settings: Settings, tickets: int = TICKETS, url: str = "") -> dict[str, Any]:
    """With `url` on that database; otherwise on an SQLite of its own.

    A database that was measured before keeps its tickets and is measured again as it is; any other must be empty.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = url or f"sqlite:///{folder}/desk.db"
        desk = install(replace(settings, data_dir=Path(folder), database_url=database, http_host="127.0.0.1"))
        try:
            return _measure(desk, tickets)
        finally:
            desk.knowledge.close()
            desk.store.engine.dispose()


def _measure(desk: Installation, tickets: int) -> dict[str, Any]:
    prepare(desk)
    if inspect(desk.store.engine).has_table(POOL_TABLE):
        return _measured_again(desk)
    with desk.store.tx(SYSTEM) as tx:
        team = tx.session.scalars(select(Team).order_by(Team.id)).first()
        for role in PEOPLE.values():
            add_agent(tx, email=f"{role}@desk.example", name=role.title(), password=PASSWORD, roles=[role], team=team)
    app, people = _opened(desk)
    with desk.store.engine.begin() as connection:
        add_pool(connection)
        add_tickets(connection, 1, FEW)
    rate = _fill_some(desk)
    few = _pages(desk, people)
    with desk.store.engine.begin() as connection:
        add_tickets(connection, FEW + 1, tickets, words=True)
    with desk.store.tx(SYSTEM) as tx:
        search_words.come_to(tx, tickets_left=0, customers_left=0, followed=2**60)
    many = _pages(desk, people)
    app.extensions["staff"].close()
    figures = {}
    for page, found in many.items():
        beside = f"the same with {FEW} tickets"
        figures |= _figures(page, tickets, found.taken, few[page].taken, beside)
        figures[f"{page}_queries"] = figure(found.queries, "queries", few[page].queries, beside)
    figures["filling_in"] = figure(rate, "tickets/s", _plain_rate(desk), "FTS5 alone, with the same texts as they are")
    return figures


def _measured_again(desk: Installation) -> dict[str, Any]:
    app, people = _opened(desk)
    with desk.store.read() as reading:
        tickets = reading.scalar(select(func.count()).select_from(Ticket)) or 0
    pages = _pages(desk, people)
    app.extensions["staff"].close()
    figures = {}
    for page, found in pages.items():
        goal = SOON if page.startswith("search") else AT_ONCE
        figures |= _figures(page, tickets, found.taken, dict.fromkeys(found.taken, goal), "what p95 is to stay below")
        figures[f"{page}_queries"] = figure(found.queries, "queries", 0, "")
    return figures


@dataclass(frozen=True)
class _Asked:
    """How long a kind of page takes, in milliseconds, by what of it is measured; and its most queries."""

    taken: dict[str, float]
    queries: float


def _figures(
    page: str, tickets: int, taken: dict[str, float], beside: dict[str, float], is_what: str
) -> dict[str, dict[str, Any]]:
    name = f"{tickets}_tickets_{tickets * PER_TICKET}_messages"
    return {f"{page}_{which}_{name}": figure(value, "ms", beside[which], is_what) for which, value in taken.items()}


def _opened(desk: Installation) -> tuple[Flask, dict[str, FlaskClient]]:
    """The application, and who asks of it; what is there for good is not looked through for rubbish, as at work."""
    from desk.commands.serve import take_short_turns  # which imports the commands, and so this

    app, _socketio = create_app(desk)
    app.config["WTF_CSRF_ENABLED"] = False
    take_short_turns()
    return app, {name: _signed_in(app.test_client(), role) for name, role in PEOPLE.items()}


def _fill_some(desk: Installation) -> float:
    """How many tickets are made findable in a second, by the part that does it at work."""
    begun = time.perf_counter()
    while advance(desk.store):
        pass
    return FEW / (time.perf_counter() - begun)


def _plain_rate(desk: Installation) -> float:
    """How many tickets' texts FTS5 takes in a second, cut by its own rules."""
    with desk.store.read() as reading:
        texts = reading.execute(select(Message.text).where(Message.ticket_id <= FEW)).all()
    table = sqlite3.connect(":memory:")
    table.execute("CREATE VIRTUAL TABLE words USING fts5(body)")
    begun = time.perf_counter()
    table.executemany("INSERT INTO words VALUES (?)", [tuple(each) for each in texts])
    return FEW / (time.perf_counter() - begun)


def _pages(desk: Installation, people: dict[str, FlaskClient]) -> dict[str, _Asked]:
    """Of each kind of page how long half of them and all but one in twenty take."""
    dice = random.Random(3)
    with desk.store.read() as reading:
        last, last_customer = (reading.scalar(select(func.max(model.id))) for model in (Ticket, Customer))
        first_number = (reading.scalar(select(Ticket.number).where(Ticket.id == last)) or 0) - (last or 0)
    asked = {
        "frame": ("agent", lambda: "/desk/me"),
        "work_list": ("agent", lambda: "/desk/worklist"),
        "ticket_list": ("agent", lambda: f"/desk/tickets?view={dice.choice(('open', 'all', 'mine', 'unassigned'))}"),
        "queue_rows": ("supervisor", lambda: "/desk/tickets/rows?view=open&queue=1&owner=none&sort=due"),
        "ticket_page": ("supervisor", lambda: f"/desk/tickets/{first_number + dice.randint(1, last or 1)}"),
        "customer_page": ("supervisor", lambda: f"/desk/customers/{dice.randint(1, last_customer or 1)}"),
        "board": ("supervisor", lambda: "/board"),
        "search_page": ("supervisor", lambda: f"/desk/search?q={dice.choice(ASKED)}"),
        "search_typing": ("supervisor", lambda: f"/desk/search/instant?q={dice.choice(ENGLISH)[: dice.randint(3, 5)]}"),
        "search_of_an_agent": ("agent", lambda: f"/desk/search?q={dice.choice(ASKED)}"),
    }
    return {page: _asked(desk.store.engine, people[who], address) for page, (who, address) in asked.items()}


def _asked(engine: Engine, client: FlaskClient, address: Callable[[], str]) -> _Asked:
    first, again, most = [], [], 0
    for turn in range(TIMES + 3):
        page = address().replace('"', "%22").replace(" ", "%20")
        for taken in (first, again):
            with _counting(engine) as count:
                start = time.perf_counter()
                status = client.get(page).status_code
                if turn >= 3:  # by then the templates and the queries are made
                    taken.append((time.perf_counter() - start) * 1e3)
            if status != 200:
                raise RuntimeError(f"{page} was answered with {status}")
            most = max(most, len(count))
    return _Asked(_halves(first) | {f"again_{which}": value for which, value in _halves(again).items()}, most)


def _halves(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {"p50": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)]}


@contextmanager
def _counting(engine: Engine) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield said
    event.remove(engine, "before_cursor_execute", note)


def _signed_in(client: FlaskClient, role: str) -> FlaskClient:
    client.post("/login", data={"email": f"{role}@desk.example", "password": PASSWORD})
    return client
