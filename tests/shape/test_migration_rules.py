"""Migrations after the first release say what going back loses, and hold nobody up without saying so."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import event

from desk.config import Settings
from desk.db import Base, make_engine
from desk.migrate import alembic_config, upgrade
from tests.services.postgres import new_database
from tests.shape.migration_rules import BIG, faults

RELEASED = "0023"  # what came before stands as it was released
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
    found = []
    for script in reversed(list(ScriptDirectory.from_config(alembic_config()).iterate_revisions("head", RELEASED))):
        said.clear()
        with engine.begin() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, script.revision)
        changes = [each for each in said if "alembic_version" not in each and not each.lstrip().upper().startswith("SELECT")]
        found += faults(script.revision, script.module.__doc__ or "", changes)
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


def test_a_migration_that_says_too_little_or_does_nothing_is_seen():
    assert len(faults("9", "Something.", [])) == 3
