"""A desk's long past made by the database itself: tickets of many customers, each with messages out of a pool of texts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from desk.queries.search.tokens import words_of

POOL_TABLE, POOL = "bench_pool", 3_000
PER_TICKET = 5  # messages
PER_CUSTOMER = 3  # tickets
LIVE_ONE_IN = 50
ENGLISH = ("refund", "invoice", "router", "light", "payment", "parcel", "delay", "address", "cancel", "speed", "login", "bill")
CHINESE = ("退款", "发票", "路由器", "指示灯", "付款", "包裹", "延迟", "地址", "取消", "网速", "登录", "重复扣费")
STEP = 50_000
GROWING = ("customer", "contact_point", "ticket", "message", "event", "ticket_words", "ticket_heads", "customer_words")
CACHE_KB, USUAL_KB = 1_500_000, 2_000  # what SQLite keeps in memory while all of it is made, and at work
_AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || {} || ' minutes')",
    "postgresql": "now() - {} * interval '1 minute'",
}


def add_pool(connection: Connection) -> None:
    """The texts that everything is made of, with their words."""
    dice = random.Random(11)
    connection.execute(text("CREATE TABLE bench_pool (id integer PRIMARY KEY, said text, words text)"))
    rows = [_said(place, dice) for place in range(POOL)]
    connection.execute(text("INSERT INTO bench_pool (id, said, words) VALUES (:id, :said, :words)"), rows)
    if connection.dialect.name == "postgresql":  # cut once, for a million tickets to be put together from
        connection.execute(text("ALTER TABLE bench_pool ADD COLUMN cut tsvector"))
        connection.execute(text("UPDATE bench_pool SET cut = setweight(to_tsvector('simple', words), 'D')"))


def add_tickets(connection: Connection, first: int, last: int, *, words: bool = False) -> None:
    """Tickets of these ids with their customers, messages and events; with `words` findable at once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KB}")
    with _without_indexes(connection):
        for start in range(first, last + 1, STEP):
            _add(connection, start, min(start + STEP - 1, last), words=words)
    if connection.dialect.name == "postgresql":
        for table in ("customer", "contact_point", "ticket", "message"):
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"))  # noqa: S608
    connection.execute(text("ANALYZE"))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{USUAL_KB}")


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """The indexes of the tables that grow are made again at the end, each in one go: kept up row by row they would take hours."""
    if connection.dialect.name == "sqlite":
        found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {}"
    else:
        found = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename IN {}"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
    indexes = connection.execute(text(found.format(GROWING))).all()
    for name, _made in indexes:
        connection.execute(text(f"DROP INDEX {name}"))
    yield
    for _name, made in indexes:
        connection.exec_driver_sql(made)


def _add(connection: Connection, first: int, last: int, *, words: bool) -> None:
    at = _AT[connection.dialect.name]
    bounds = {"first": first, "last": last}
    counted = "WITH RECURSIVE k(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM k WHERE n < :last)"
    if connection.dialect.name == "postgresql":
        counted = "WITH k(n) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))"
    new = f"k WHERE n % {PER_CUSTOMER} = 1"
    live = f"n % {LIVE_ONE_IN} = 0"

    def put(into: str, values: str, source: str = "k") -> None:
        connection.execute(text(f"INSERT INTO {into} {counted} SELECT {values} FROM {source}"), bounds)  # noqa: S608 - our own words

    put(
        "customer (id, name, name_sought, tier, locale, note, created_at)",
        f"n / {PER_CUSTOMER} + 1, 'Customer ' || n, 'customer ' || n, 'standard', 'en', '', {at.format('n')}",
        new,
    )
    contact = "contact_point (customer_id, kind, value, verified, created_at)"
    put(contact, f"n / {PER_CUSTOMER} + 1, 'phone', '+86139' || (10000000 + n), false, {at.format('n')}", new)
    put(
        "ticket (id, number, subject, subject_sought, type, category, status, priority, level, channel, locale, customer_id,"
        " queue_id, team_id, owner_id, created_at, updated_at, reopened, wrap_up_code, resolution)",
        f"n, 10000 + n, 'Matter ' || n || ' ' || substr(said, 1, 40), 'matter ' || n, 'enquiry', '',"
        f" CASE WHEN {live} THEN 'open' ELSE 'closed' END, 3, 1, 'email', 'en', (n - 1) / {PER_CUSTOMER} + 1, 1, 1,"
        f" CASE WHEN n % 2000 = 0 THEN 1 END, {at.format('(2000000 - n)')}, {at.format('(2000000 - n)')}, 0, '', ''",
        f"k JOIN bench_pool ON bench_pool.id = (n * 7919) % {POOL}",
    )
    for place in range(PER_TICKET):
        direction = "in" if place % 2 == 0 else "out"
        put(
            'message (id, ticket_id, channel, direction, kind, author_name, from_address, "to", cc, subject, text, reply_text,'
            " html, in_reply_to, references_, threaded_by, held, delivery, delivery_error, meta, created_at)",
            f"(n - 1) * {PER_TICKET} + {place + 1}, n, 'email', '{direction}', 'message', '', '', '[]', '[]', '', said, '', '',"
            f" '', '[]', '', false, '', '', '{{}}', {at.format('(2000000 - n)')}",
            f"k JOIN bench_pool ON bench_pool.id = {_text_of('n', place)}",
        )
    put(
        "event (at, kind, actor_kind, actor_name, ticket_id, customer_id, data)",
        f"{at.format('(2000000 - n)')}, 'ticket.opened', 'system', '', n, (n - 1) / {PER_CUSTOMER} + 1, '{{}}'",
    )
    if words:
        _add_words(connection, put, live)


def _add_words(connection: Connection, put: Any, live: str) -> None:
    """The same as is made at work, put together from the words of the pool."""
    joins = " ".join(f"JOIN bench_pool p{place} ON p{place}.id = {_text_of('n', place)}" for place in range(PER_TICKET))
    head = "'matter ' || n || ' ' || substr(s.words, 1, 40) || ' custom ' || n || ' ' || (10000 + n)"
    scope = (
        f"'every xtypeenquiry xteam1 xqueue1 xowner' || CASE WHEN n % 2000 = 0 THEN 1 ELSE 0 END"
        f" || CASE WHEN {live} THEN ' xstatusopen' ELSE ' xstatusclosed' END"
    )
    source = f"k JOIN bench_pool s ON s.id = (n * 7919) % {POOL} {joins}"
    customers = f"k WHERE n % {PER_CUSTOMER} = 1"
    phone = " || ' ' || ".join(f"substr('86139' || (10000000 + n), {place})" for place in range(1, 11))
    if connection.dialect.name == "sqlite":
        body = " || ' ' || ".join(f"p{place}.words" for place in range(PER_TICKET))
        put("ticket_words (rowid, head, body, scope)", f"n, {head}, {body}, {scope}", source)
        put("ticket_heads (rowid, head, scope)", f"n, {head}, {scope}", source)
        put("customer_words (rowid, name, contacts)", f"n / {PER_CUSTOMER} + 1, 'custom ' || n, {phone}", customers)
        return
    cut = [f"setweight(to_tsvector('simple', {words}), '{weight}')" for words, weight in ((head, "A"), (scope, "B"))]
    weighed = " || ".join([*(f"p{place}.cut" for place in range(PER_TICKET)), *cut])
    put("ticket_words (id, words)", f"n, {weighed}", source)
    put("ticket_heads (id, words)", f"n, {' || '.join(cut)}", source)
    reached = f"setweight(to_tsvector('simple', 'custom ' || n), 'A') || setweight(to_tsvector('simple', {phone}), 'D')"
    put("customer_words (id, words)", f"n / {PER_CUSTOMER} + 1, {reached}", customers)


def _text_of(ticket: str, place: int) -> str:
    """Which text of the pool is that message of a ticket."""
    return f"({ticket} * {(7, 104729, 1299709, 15485863, 32452843)[place]} + {place}) % {POOL}"


def _said(place: int, dice: random.Random) -> dict[str, object]:
    """Rare words among common ones: most of a language's words are rare, and what people ask for is not."""
    common = ENGLISH if place % 2 else CHINESE
    rare = [f"w{int(dice.paretovariate(0.5)) % 40_000}" for _ in range(30)]
    said = [*dice.sample(common, 2), *rare]
    dice.shuffle(said)
    whole = " ".join(said)
    return {"id": place, "said": whole, "words": " ".join(words_of(whole))}
