"""Bringing the database to the shape that this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run the migrations that are not in yet, each in a transaction. Running it again changes nothing."""
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the shape that this version needs."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _head()


def alembic_config() -> Config:
    """Alembic's settings; there is no ini file to find."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _head() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
