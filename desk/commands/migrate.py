"""`migrate`: bring the database to the shape of this version and add what an empty desk needs."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from desk.actions.defaults import ensure_defaults
from desk.app import install
from desk.config import Settings
from desk.events import SYSTEM
from desk.installation import Installation
from desk.migrate import upgrade


def add(commands: Any) -> None:
    parser = commands.add_parser("migrate", help="bring the database to the shape of this version")
    parser.set_defaults(run=run)


def run(_chosen: Namespace) -> int:
    prepare(install(Settings.from_env()))
    print("The database is up to date.")
    return 0


def prepare(desk: Installation) -> None:
    """Migrate, and make the defaults of an empty desk."""
    upgrade(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        ensure_defaults(tx)
