"""The editors' lists, figures and gaps are found by indexes: no table that grows with the work is read from end to end."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from desk.access import Viewer
from desk.actions.searches import log_search
from desk.queries import articles, help_centre, knowledge_window, knowledge_work
from tests.desk.test_query_plans import Writing

GROWING = re.compile(r"SCAN (article|article_flag|article_link|search_log|ticket|message|customer)\b(?! USING (COVERING )?INDEX)")
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
        articles.article_list(s, EDITOR, **asked) for asked in ({}, {"state": "draft"}, {"search": "x", "ranked": ["a"]})
    ],
}


@pytest.mark.parametrize("name", PATHS)
def test_nothing_that_grows_is_read_from_end_to_end(sqlite_house, name):
    plans = plans_of(sqlite_house, PATHS[name])
    assert plans
    assert [line for line in plans if GROWING.search(line)] == []


def test_a_search_is_noted_by_its_visit(sqlite_house):
    plans = plans_of(sqlite_house, lambda s, _now: log_search(Writing(sqlite_house, s), "help_centre", "x", "en", 1, "visit"))
    assert [line for line in plans if GROWING.search(line)] == []


def test_an_article_for_everybody_is_found_by_its_key(sqlite_house):
    plans = plans_of(sqlite_house, lambda s, _now: help_centre._published(s, "refund-en") or help_centre._merged(s, "refund-en"))
    assert [line for line in plans if GROWING.search(line)] == []


def plans_of(house, path) -> list[str]:
    engine, asked = house.store.engine, []

    def note(_connection, _cursor, statement, values, _context, _many):
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with house.store.read() as reading:
            path(reading, house.clock.now())
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        return [
            row[3]
            for statement, values in asked
            if re.match(r"\s*(SELECT|WITH)", statement)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
