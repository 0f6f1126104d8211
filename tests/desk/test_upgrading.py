"""The data of earlier releases comes through: every row that was there is there afterwards, and the desk finds itself sound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, inspect, select

from desk.app import install, prepare
from desk.clock import FrozenClock
from desk.config import Settings
from desk.demo import past, seed
from desk.migrate import alembic_config, check_foreign_keys, foreign_keys_later, is_current
from desk.models.search import is_derived
from desk.queries import doctor

AFTERNOON = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
RELEASED = ("0023", "0018")  # where desks stand that other releases have made, the newest first


@pytest.fixture
def desk(database_url, tmp_path, monkeypatch):
    """A company with a few days of work behind it."""
    monkeypatch.setattr(past, "DAYS", 3)
    settings = Settings.from_env({"DESK_DATA_DIR": str(tmp_path), "DESK_DATABASE_URL": database_url})
    desk = install(replace(settings, demo=True), clock=FrozenClock(AFTERNOON))
    prepare(desk)
    assert seed.ensure_demo(desk)
    yield desk
    desk.knowledge.close()
    desk.store.engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)], indirect=True)
def test_the_data_of_earlier_releases_comes_through_an_upgrade(desk):
    engine = desk.store.engine
    for revision in RELEASED:
        go_back(engine, revision)
        assert not is_current(engine)
        before = rows(engine)
        assert len(before["ticket"]) > 20
        assert len(before["event"]) > len(before["ticket"])
        prepare(desk)
        assert is_current(engine)
        after = rows(engine, only=before)
        assert {name for name in before if not same(before[name], after[name])} == set(), revision
    with desk.store.read() as reading:
        found = [*doctor.unchanged_events(reading), *doctor.complaints(reading), *doctor.stored_files(reading, desk.files)]
    assert [finding for finding in found if finding.level != "ok"] == []


def go_back(engine: Engine, revision: str) -> None:
    with engine.connect() as connection, foreign_keys_later(connection), connection.begin():
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        check_foreign_keys(connection)


def rows(engine: Engine, only: dict[str, Any] | None = None) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table, or those tables and columns that `only` has."""
    names = [name for name in inspect(engine).get_table_names() if not is_derived(name) and name != "alembic_version"]
    found = {}
    with engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection, only=[name for name in names if only is None or name in only])
        for name, table in tables.tables.items():
            if only is not None and name in only:
                wanted = [column for column in table.columns if not only[name] or column.name in only[name][0]]
            else:
                wanted = list(table.columns)
            order = list(table.primary_key.columns)
            found[name] = [dict(row) for row in connection.execute(select(*wanted).order_by(*order)).mappings()]
    return found


def same(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    """Whether all rows are still there as they were; an upgrade may add some."""
    there = [repr(sorted(row.items(), key=lambda pair: pair[0])) for row in after]
    return {repr(sorted(row.items(), key=lambda pair: pair[0])) for row in before} <= set(there)
