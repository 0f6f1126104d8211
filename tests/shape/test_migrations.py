"""The migrations make exactly what the models say, from nothing, back again and once more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, Table, inspect, select, text
from sqlalchemy.orm import Session

from desk.actions.complaints.policy_seeds import SEEDS
from desk.app import install
from desk.commands.migrate import prepare
from desk.config import Settings
from desk.db import Base, make_engine
from desk.migrate import alembic_config, is_current, upgrade
from desk.models import WorkItem
from desk.models.complaint_policy import Rules
from desk.models.search import is_derived
from desk.queries.complaints.dates import read_calendar
from desk.queries.complaints.policies import running_clocks

COMPARED = {
    "compare_type": True,
    "compare_server_default": True,
    "include_name": lambda name, kind, _parents: kind != "table" or not is_derived(name),
}
Known = dict[tuple[str, str], object]  # by a table's name and the words with which it was made
BEFORE_DATES = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine(database_url):
    engine = make_engine(Settings.from_env({"DESK_DATABASE_URL": database_url}).database_url)
    yield engine
    engine.dispose()


def test_the_migrations_make_what_the_models_say(engine):
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, Base.metadata) == []


def test_every_migration_can_be_taken_back_and_made_again(engine):
    upgrade(engine)
    first = shape(engine)
    run(engine, command.downgrade, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not is_current(engine)
    upgrade(engine)
    assert shape(engine) == first
    assert is_current(engine)


def test_each_migration_alone_can_be_taken_back_and_made_again(engine):
    known: Known = {}
    oldest_first = [*reversed(revisions())]
    upgrade(engine, oldest_first[0])
    run(engine, command.downgrade, "base")
    before = shape(engine, known)
    for earlier, revision in pairwise(["base", *oldest_first]):
        upgrade(engine, revision)
        made = shape(engine, known)
        run(engine, command.downgrade, earlier)
        assert shape(engine, known) == before, revision
        upgrade(engine, revision)
        assert shape(engine, known) == made, revision
        before = made


def test_work_that_waited_before_it_was_noted_keeps_what_it_asked_for_itself(engine):
    run(engine, command.upgrade, "0002")
    for table in ("team", "calendar", "customer"):
        put(engine, table, id=1)
    put(engine, "queue", id=1, team_id=1, calendar_id=1, requires=[["billing", 3]])
    put(engine, "ticket", id=1, customer_id=1, queue_id=1, team_id=1)
    of = {"ticket_id": 1, "customer_id": 1, "queue_id": 1}
    both = [["billing", 5], ["mandarin", 1]]
    put(engine, "work_item", id=1, requires=both, state="waiting", **of)
    put(engine, "work_item", id=2, requires=[["billing", 3]], state="waiting", **of)
    put(engine, "work_item", id=3, requires=both, state="done", ended_at=BEFORE_DATES, **of)
    upgrade(engine)
    with engine.connect() as connection:
        assert dict(map(tuple, connection.execute(select(WorkItem.id, WorkItem.asked)))) == {1: both, 2: [], 3: []}


def test_a_case_from_before_policies_keeps_its_dates_under_the_first_of_them(engine):
    run(engine, command.upgrade, "0015")
    week = [[["09:00", "18:00"]]] * 5 + [[], []]
    put(engine, "calendar", id=1, zone="Asia/Shanghai", week=week, holidays=["2020-01-06"], workdays={})
    put(engine, "customer", id=1)
    put(engine, "team", id=1)
    put(engine, "queue", id=1, team_id=1, calendar_id=1)
    put(engine, "ticket", id=1, customer_id=1, queue_id=1, team_id=1)
    due, first = BEFORE_DATES + timedelta(days=30), BEFORE_DATES + timedelta(days=15)
    put(engine, "complaint", id=1, ticket_id=1, policy="DEFAULT", decide_due_at=due, extended_from=first)
    upgrade(engine)
    with Session(engine) as session:
        ((clock, policy),) = running_clocks(session, 1)
        assert (policy.code, policy.version, policy.state) == ("DEFAULT", 1, "agreed")
        assert (clock.started_at, clock.decide_due_at, clock.extended) == (BEFORE_DATES, due, 1)
        assert read_calendar(clock.calendar).is_business_day(date(2020, 1, 7))
        assert Rules.of(policy.rules) == SEEDS[0].rules


def test_preparing_a_desk_a_second_time_changes_nothing(database_url, tmp_path):
    desk = install(Settings.from_env({"DESK_DATA_DIR": str(tmp_path), "DESK_DATABASE_URL": database_url}))
    prepare(desk)
    first = content(desk.store.engine)
    prepare(desk)
    assert content(desk.store.engine) == first
    assert first["queue"]
    desk.store.engine.dispose()


def put(engine: Engine, table: str, **given) -> None:
    """A row as the schema of the moment has it, with something in every column that must have something."""
    with engine.begin() as connection:
        rows = Table(table, MetaData(), autoload_with=connection)
        empty = {"INTEGER": 0, "BIGINT": 0, "BOOLEAN": False, "JSON": {}, "DATETIME": BEFORE_DATES, "TIMESTAMP": BEFORE_DATES}
        must = {each.name: empty.get(str(each.type), "") for each in rows.columns if not each.nullable and each.name != "id"}
        connection.execute(rows.insert(), must | given)


def run(engine: Engine, verb, revision: str) -> None:
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        verb(config, revision)


def revisions() -> list[str]:
    return [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]


def shape(engine: Engine, known: Known | None = None) -> dict[str, object]:
    """Tables, columns, indexes, keys and checks, in an order of no importance.

    SQLite is slow to tell, table by table; one that it describes with the same words as in `known` is not asked for again.
    """
    known = {} if known is None else known
    inspector, words = inspect(engine), own_words(engine)
    keys = {name: (name, words.get(name, "")) for name in inspector.get_table_names()}
    if unknown := [name for name, key in keys.items() if not key[1] or key not in known]:
        of_all = [ask(filter_names=unknown) for ask in (inspector.get_multi_columns, inspector.get_multi_indexes)]
        keyed = (inspector.get_multi_foreign_keys, inspector.get_multi_check_constraints, inspector.get_multi_unique_constraints)
        of_all += [ask(filter_names=unknown) for ask in keyed]
        for name in unknown:
            columns, indexes, *rest = [found[None, name] for found in of_all]
            known[keys[name]] = (
                sorted((column["name"], str(column["type"]), column["nullable"]) for column in columns),
                sorted(told(index) for index in indexes),
                *(sorted(str(each) for each in kind) for kind in rest),
            )
    return {name: known[key] for name, key in keys.items()}


def own_words(engine: Engine) -> dict[str, str]:
    """With which SQLite made each table and what belongs to it; PostgreSQL keeps none, and tells of all tables at once."""
    if engine.dialect.name != "sqlite":
        return {}
    made = text(
        "SELECT tbl_name, group_concat(sql, ';') FROM (SELECT * FROM sqlite_master ORDER BY type, name) GROUP BY tbl_name"
    )
    with engine.connect() as connection:
        return dict(map(tuple, connection.execute(made)))


def told(index: dict[str, object]) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {options}"


def content(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {
            name: sorted(str(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')))
            for name in inspect(engine).get_table_names()
        }
