"""The editors' lists, figures and gaps are found by indexes: no table that grows with the work is read from end to end."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext, suppress

import pytest
from sqlalchemy import event, text

from desk.access import Viewer
from desk.actions.searches import log_search
from desk.errors import NotFound
from desk.models import Article, KnowledgeGap
from desk.queries.articles import articles, files, help_centre, knowledge_window, knowledge_work, products, sources, transfer
from tests.desk.conftest import on_postgres, on_sqlite
from tests.desk.test_query_plans import Writing

GROWING = {
    "article", "article_file", "article_flag", "article_link", "article_product", "article_revision", "article_vote",
    "search_log", "ticket", "message", "customer", "attachment",
}  # fmt: skip
SCAN = re.compile(r"SCAN (\w+)(?! USING (?:COVERING )?INDEX)\b")
EDITOR = Viewer(None, "Su", ("knowledge_editor",))
PATHS = {
    "lists": lambda s, now: [knowledge_work.work_list(s, name, now) for name in knowledge_work.LISTS],
    "sizes of lists": knowledge_work.list_sizes,
    "gaps": lambda s, now: (knowledge_work.open_gaps(s), knowledge_work.closed_gaps(s, now)),
    "figures": knowledge_work.figures,
    "what was asked": lambda s, now: (
        knowledge_window.asked_lately(s, now),
        knowledge_window.searched_in_vain(s, now),
        knowledge_window.opened_after(s, ["esim"], now),
    ),
    "articles": lambda s, now: [
        articles.article_list(s, EDITOR, **asked)
        for asked in ({}, {"state": "draft"}, {"product": "Router R3"}, {"search": "x", "ranked": ["a"]})
    ],
    "products": lambda s, _now: (products.all_products(s), products.products_of(s, [1, 2])),
    "files": lambda s, _now: (files.files_of_all(s, [1]), files.file_of(s, Article(id=1), 1)),
    "carried away": lambda s, _now: list(transfer.exported(lambda: nullcontext(s), None)),
    "what is begun from a gap": lambda s, _now: sources.subjects_of(s, [KnowledgeGap(id=1, ticket_ids=[1, 2])]),
    "help centre": lambda s, _now: (
        help_centre.popular_by_topic(s, "en"),
        help_centre.public_products(s, "en"),
        help_centre.of_product(s, "en", "Router R3"),
        help_centre.all_public(s),
    ),
}


@pytest.fixture(scope="module", params=[on_sqlite, on_postgres], ids=["sqlite", "postgresql"])
def house(request, tmp_path_factory):
    """One of each kind for all: nothing is written to them."""
    with contextmanager(request.param)(request, tmp_path_factory.mktemp("plans")) as house:
        yield house


@pytest.mark.parametrize("name", PATHS)
def test_nothing_that_grows_is_read_from_end_to_end(house, name):
    asked, whole = read_whole(house, PATHS[name])
    assert asked
    assert whole == []


def test_a_search_is_noted_by_its_visit(house):
    assert read_whole(house, lambda s, _now: log_search(Writing(house, s), "help_centre", "x", "en", 1, "visit"))[1] == []


def test_an_article_for_everybody_is_found_by_its_key(house):
    find = lambda s, _now: help_centre._published(s, "refund-en") or help_centre._merged(s, "refund-en")  # noqa: E731
    assert read_whole(house, find)[1] == []


def read_whole(house, path) -> tuple[int, list[str]]:
    """How much was asked of the database, and which growing tables it had to read from end to end for it."""
    engine, asked = house.store.engine, []

    def note(_connection, _cursor, statement, values, _context, _many):
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with house.store.read() as reading, suppress(NotFound):
            path(reading, house.clock.now())
    finally:
        event.remove(engine, "before_cursor_execute", note)
    asked = [each for each in asked if re.match(r"\s*(SELECT|WITH)", each[0])]
    scans = on_postgresql if engine.dialect.name == "postgresql" else on_sqlite_file
    with engine.connect() as connection:
        return len(asked), [line for statement, values in asked for line in scans(connection, statement, values)]


def on_sqlite_file(connection, statement, values):
    lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    return [line for line in lines if (found := SCAN.match(line)) and found[1] in GROWING]


def on_postgresql(connection, statement, values):
    """Empty tables are quickest read whole: it is told not to, and what it reads whole all the same has no other way."""
    for way in ("seqscan", "mergejoin", "hashjoin"):
        connection.execute(text(f"SET enable_{way} = off"))
    cursor = connection.connection.dbapi_connection.cursor()
    return list(whole(cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values).fetchone()[0][0]["Plan"]))


def whole(node):
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING:
        yield f"{node['Node Type']} of {node['Relation Name']}"
    for child in node.get("Plans", ()):
        yield from whole(child)
