"""The pages about learning from complaints read what they show by an index: nothing that grows is read from end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from desk.access import Viewer
from desk.models import MassEvent
from desk.queries.complaints import corrective_actions, desk_list, figures, mass_events, notices, trends
from desk.queries.complaints.desk_list import Narrowed
from desk.queries.complaints.figures import FIGURES, Scope
from desk.queries.surveys import results, themes

GROWING = ("complaint", "survey", "follow_up", "hand_up", "ticket", "event", "work_item", "complaint_clock")
# Questions to the next level are read with the tickets of complaints, of which there are few: their own table has no date index.
BY_COMPLAINT = {"next_level_on_time": {"hand_up"}}
OFFICER = Viewer(1, "He", ("complaint_officer",), 1)


@pytest.fixture
def told(sqlite_house):
    """A function that says which growing tables the queries of a call scan."""

    def scanned(ask):
        asked = []

        def note(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        event.listen(sqlite_house.store.engine, "before_cursor_execute", note)
        try:
            with sqlite_house.store.read() as reading:
                ask(reading)
        finally:
            event.remove(sqlite_house.store.engine, "before_cursor_execute", note)
        found = set()
        with sqlite_house.store.engine.connect() as connection:
            for statement, parameters in asked:
                if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                        words = row[3].split()
                        if words[0] == "SCAN" and words[1] in GROWING and "INDEX" not in words:
                            found.add(words[1])
        return found, len(asked)

    with sqlite_house.store.read() as reading:
        assert reading.scalar(text("SELECT 1")) == 1
    return scanned


def scope(house, **others):
    now = house.clock.now()
    return Scope(now - timedelta(days=28), now, **others)


@pytest.mark.parametrize("key", FIGURES)
def test_each_figure_and_its_rows_are_found_by_an_index(told, sqlite_house, key):
    now = sqlite_house.clock.now()
    for chosen in (scope(sqlite_house), scope(sqlite_house, queue_id=1)):
        scanned, queries = told(lambda s, chosen=chosen: figures.figure(s, OFFICER, chosen, now, key))
        assert scanned <= BY_COMPLAINT.get(key, set())
        assert queries <= 4  # BEGIN is one
        rows, _ = told(lambda s, chosen=chosen: figures.figure_rows(s, OFFICER, chosen, now, key, after=(now, 3), limit=100))
        assert rows <= BY_COMPLAINT.get(key, set())


@pytest.mark.parametrize("state", ["open", "answered", "over"])
def test_the_officers_list_is_found_by_an_index(told, sqlite_house, state):
    now = sqlite_house.clock.now()
    for narrowed in (Narrowed(state), Narrowed(state, after=(now, 5)), Narrowed(state, "late"), Narrowed(state, handler="1")):
        assert told(lambda s, n=narrowed: desk_list.desk_list(s, OFFICER, n, now)) == (set(), told_queries(told))


@pytest.mark.parametrize(
    "name",
    [
        "clusters",
        "pareto",
        "weeks",
        "risks",
        "results",
        "answers",
        "alerts",
        "actions",
        "due actions",
        "notices",
        "events",
        "event",
        "themes",
        "told",
    ],
)
def test_trends_results_and_lists_are_found_by_an_index(told, sqlite_house, name):
    now = sqlite_house.clock.now()
    since = now - timedelta(days=90)
    with sqlite_house.tx() as tx:
        tx.session.add(MassEvent(title="Charged twice", opened_by="He", opened_at=now))
    ask = {
        "clusters": lambda s: trends.clusters(s, now),
        "pareto": lambda s: trends.pareto(s, OFFICER, since, now, "cause"),
        "weeks": lambda s: trends.weeks(s, OFFICER, now, "Asia/Shanghai"),
        "risks": lambda s: trends.risks(s, OFFICER, now),
        "results": lambda s: results.results(s, OFFICER, since, now),
        "answers": lambda s: results.answers(s, OFFICER, since, now),
        "alerts": corrective_actions.alerts,
        "actions": lambda s: corrective_actions.action_list(s, OFFICER, now),
        "due actions": lambda s: corrective_actions.due_actions(s, OFFICER, now),
        "events": lambda s: mass_events.event_list(s, OFFICER),
        "event": lambda s: mass_events.event_page(s, OFFICER, 1),
        "notices": lambda s: notices.notices_of(s, OFFICER),
        "themes": lambda s: themes.themes(s, OFFICER, since, now),
        "told": lambda s: themes.told_lately(s, "en"),
    }[name]
    assert told(ask)[0] == set()


def test_a_table_that_is_read_from_end_to_end_is_noticed(told):
    assert told(lambda s: s.execute(text("SELECT id FROM complaint WHERE statement = 'x'")))[0] == {"complaint"}


def told_queries(told):
    """How many statements one query costs here: its own and what opens the reading."""
    return told(lambda s: s.execute(text("SELECT 1")))[1]
