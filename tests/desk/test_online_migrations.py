"""An index of a table that grows is built while others go on writing, and built anew when its building was broken off."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from desk import migrate
from desk.actions.timers import set_timer
from desk.errors import Conflict
from desk.migrate import alembic_config, is_current, upgrade

MIGRATION = '''"""One more index.

Revision: 9999 after {head}. Rolling back loses nothing.
"""

from alembic import op

from desk.online import create_index

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_timer_kind", "timer", ["kind"], unique={unique}, where="done_at IS NULL")


def downgrade() -> None:
    op.drop_index("ix_timer_kind", "timer")
'''
BUILDING = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'CREATE %INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
)
VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_timer_kind')")


@pytest.fixture
def one_more(tmp_path, monkeypatch):
    """Puts a migration behind all there are."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()

    def with_ours():
        config = alembic_config()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{migrate.FOLDER / 'versions'}\n{tmp_path}")
        return config

    def put(*, unique=False):
        (tmp_path / "one_more.py").write_text(MIGRATION.format(head=head, unique=unique))
        monkeypatch.setattr(migrate, "alembic_config", with_ours)

    return put


def test_an_index_is_built_while_others_write_and_is_whole(postgres_house, one_more):
    house = postgres_house
    one_more()
    with building(house, whom_it_waits_for(house)) as (built, reader):
        for number in range(50):  # each commits while the index is being built
            put(house, number)
        assert not built.done()
        reader.rollback()
        built.result(timeout=60)
    assert house.one(VALID) is True
    assert is_current(house.store.engine)
    with house.store.engine.connect() as asking:  # rolled back: only this index is left to ask by
        asking.execute(text("DROP INDEX ix_timer_due, uq_timer_key"))
        asking.execute(text("SET LOCAL enable_seqscan = off"))
        found = "SELECT count(*) FROM timer WHERE done_at IS NULL AND kind LIKE 'ring%'"
        assert "ix_timer_kind" in "\n".join(asking.scalars(text(f"EXPLAIN {found}")))
        assert asking.scalar(text(found)) == 50


def test_an_index_whose_building_was_broken_off_is_built_anew(postgres_house, one_more):
    house = postgres_house
    one_more()
    with building(house, whom_it_waits_for(house)) as (built, reader):
        house.one(text(f"SELECT pg_terminate_backend({house.one(BUILDING)})"))
        with pytest.raises(SQLAlchemyError):
            built.result(timeout=60)
        reader.rollback()
    assert house.one(VALID) is False
    assert not is_current(house.store.engine)
    upgrade(house.store.engine)
    assert house.one(VALID) is True
    assert is_current(house.store.engine)


def test_an_index_that_what_is_there_does_not_allow_is_built_when_it_does(postgres_house, one_more):
    house = postgres_house
    one_more(unique=True)
    with house.tx() as tx:
        for key in "ab":
            set_timer(tx, "ring", key, tx.now)
    with pytest.raises(IntegrityError):
        upgrade(house.store.engine)
    assert house.one(VALID) is False
    with house.tx() as tx:
        tx.session.execute(text("DELETE FROM timer WHERE key = 'b'"))
    upgrade(house.store.engine)
    assert house.one(VALID) is True


def test_an_index_that_was_finished_before_the_migration_was_noted_stays(postgres_house, one_more):
    house = postgres_house
    one_more()
    with house.tx() as tx:
        tx.session.execute(text("CREATE INDEX ix_timer_kind ON timer (kind) WHERE done_at IS NULL"))
        made = tx.session.scalar(text("SELECT to_regclass('ix_timer_kind')::oid"))
    upgrade(house.store.engine)
    assert house.one(text("SELECT to_regclass('ix_timer_kind')::oid")) == made
    assert is_current(house.store.engine)


def test_who_migrates_while_another_does_is_told_so_and_breaks_nothing(postgres_house, one_more, monkeypatch):
    house = postgres_house
    one_more()
    with building(house, whom_it_waits_for(house)) as (built, reader):
        monkeypatch.setattr(migrate, "LOCK_WAIT_S", 0.05)
        with pytest.raises(Conflict, match="Another “migrate” is at work"):
            upgrade(house.store.engine)
        assert not built.done()
        reader.rollback()
        built.result(timeout=60)
    assert house.one(VALID) is True


def test_who_migrates_just_after_another_finds_it_done(postgres_house, one_more, monkeypatch):
    house = postgres_house
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 60)
    one_more()
    with building(house, whom_it_waits_for(house)) as (built, reader), ThreadPoolExecutor(1) as beside:
        second = beside.submit(upgrade, house.store.engine)
        reader.rollback()
        built.result(timeout=60)
        second.result(timeout=60)
    assert house.one(VALID) is True
    assert is_current(house.store.engine)


def test_limits_of_migrating_end_with_it(postgres_house, one_more):
    house = postgres_house
    limits = text("SELECT current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')")
    before = house.one(limits)
    one_more()
    upgrade(house.store.engine)
    assert house.one(limits) == before


def test_sqlite_builds_it_within_the_transaction_of_all(sqlite_house, one_more):
    one_more()
    upgrade(sqlite_house.store.engine)
    assert "ix_timer_kind" in {index["name"] for index in inspect(sqlite_house.store.engine).get_indexes("timer")}
    assert is_current(sqlite_house.store.engine)


def put(house, number):
    with house.tx() as tx:
        set_timer(tx, f"ring{number}", "", tx.now)


@contextmanager
def whom_it_waits_for(house):
    """Somebody who wrote to the table before the index was begun and has not committed."""
    address = house.store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE timer SET attempts = 0 WHERE false")
        yield connection
        connection.rollback()


@contextmanager
def building(house, waited_for):
    """The migration under way, known to have begun with the index and not to be done with it."""
    with ThreadPoolExecutor(1) as beside, waited_for as reader:
        built: Future[None] = beside.submit(upgrade, house.store.engine)
        while not built.done() and house.one(BUILDING) is None:
            pass
        yield built, reader
