"""Migrations after the first release say what going back loses, and hold nobody up without saying so."""

from __future__ import annotations

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event

from desk.config import Settings
from desk.db import Base, make_engine
from desk.migrate import alembic_config, upgrade
from tests.services.postgres import new_database
from tests.shape.migration_rules import BIG, changes, faults, faults_beside

RELEASED = "0023"  # what came before stands as it was released
AT_REST = "0036"  # up to here indexes were built while nobody wrote
GOOD = "Something.\n\nRevision: 9 after 8. Rolling back forgets it."
TOLD = GOOD + " Holds up writers of ticket for a second in each million."


@pytest.fixture(scope="module")
def engine(postgres_server):
    with new_database(postgres_server) as url:
        engine = make_engine(Settings.from_env({"DESK_DATABASE_URL": url}).database_url)
        yield engine
        engine.dispose()


def test_migrations_hold_nobody_up_without_saying_so(engine):
    upgrade(engine, RELEASED)
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement))
    found, beside = [], False
    for script in reversed(list(ScriptDirectory.from_config(alembic_config()).iterate_revisions("head", RELEASED))):
        said.clear()
        upgrade(engine, script.revision)
        made = changes(said)
        found += faults(script.revision, script.module.__doc__ or "", made)
        found += faults_beside(script.revision, made) if beside else []
        beside = beside or script.revision == AT_REST
    assert found == []


def test_the_big_tables_are_there(engine):
    assert set(Base.metadata.tables) >= BIG, "a big table has another name"


def test_every_migration_says_after_which_it_comes_and_what_going_back_loses():
    scripts = list(ScriptDirectory.from_config(alembic_config()).walk_revisions())
    later = [script for script in scripts if script.revision != "0001"]
    assert len(later) > 20
    assert [fault for each in later for fault in faults(each.revision, each.module.__doc__ or "", ["SELECT 1"])] == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ticket ADD COLUMN music BIGINT DEFAULT '0' NOT NULL",
        "ALTER TABLE ticket ADD COLUMN music BIGINT",
        "ALTER TABLE queue ALTER COLUMN name TYPE BIGINT",
        "ALTER TABLE ticket ALTER COLUMN name DROP DEFAULT",
        "ALTER TABLE ticket ADD CONSTRAINT one FOREIGN KEY(queue_id) REFERENCES queue (id) NOT VALID",
        "CREATE INDEX CONCURRENTLY ix_ticket_due ON ticket (due)",
        "CREATE INDEX ix_queue_name ON queue (name)",
        "UPDATE queue SET name = ''",
    ],
)
def test_what_takes_no_time_needs_no_word(statement):
    assert faults("9", GOOD, [statement]) == []


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("ALTER TABLE queue ADD COLUMN music BIGINT NOT NULL", "without a server default"),
        ("ALTER TABLE ticket ADD COLUMN seen TIMESTAMP DEFAULT now() NOT NULL", "another for each row"),
        ("ALTER TABLE ticket ALTER COLUMN name TYPE BIGINT", "writes every row"),
        ("ALTER TABLE ticket ALTER COLUMN name SET NOT NULL", "every row read"),
        ("ALTER TABLE ticket ADD CONSTRAINT one CHECK (number > 0)", "every row checked"),
        ("CREATE INDEX ix_ticket_due ON ticket (due)", "an index of a big table"),
        ('CREATE UNIQUE INDEX ix_ticket_due ON "ticket" (due)', "an index of a big table"),
        ("UPDATE ticket SET number = 1", "changed in one transaction"),
        ("DELETE FROM ticket", "changed in one transaction"),
    ],
)
def test_what_holds_others_up_is_seen_unless_it_is_said(statement, fault):
    assert [fault in each for each in faults("9", GOOD, [statement])] == [True]
    assert len(faults("9", TOLD, [statement])) == ("without a server default" in fault)


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["CREATE INDEX ix_ticket_due ON ticket (due)"], "not built beside"),
        (["CREATE UNIQUE INDEX ix_ticket_due ON ticket (due)"], "not built beside"),
        (["CREATE INDEX CONCURRENTLY ix_ticket_due ON ticket (due)", "ALTER TABLE ticket ADD COLUMN music BIGINT"], "done twice"),
    ],
)
def test_an_index_of_a_big_table_is_built_beside_those_who_write_and_alone(statements, fault):
    assert [fault in each for each in faults_beside("9", statements)] == [True]


def test_small_tables_and_what_is_built_beside_are_in_order():
    built = "CREATE INDEX CONCURRENTLY ix_ticket_due ON ticket (due)"
    assert faults_beside("9", ["DROP INDEX CONCURRENTLY ix_ticket_due", built]) == []
    assert faults_beside("9", ["CREATE INDEX ix_queue_name ON queue (name)", "ALTER TABLE queue ADD COLUMN x BIGINT"]) == []


def test_a_migration_that_says_too_little_or_does_nothing_is_seen():
    assert len(faults("9", "Something.", [])) == 3


def test_what_is_only_asked_or_noted_is_no_change():
    noted = ["SET lock_timeout = 0", "SHOW lock_timeout", "SELECT 1", "UPDATE alembic_version SET version_num='9'"]
    assert changes([*noted, "DROP TABLE x"]) == ["DROP TABLE x"]
