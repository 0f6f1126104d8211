"""`migrate`: bring the database to the shape of this version and add what an empty desk needs."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from desk.app import install, prepare
from desk.config import Settings


def add(commands: Any) -> None:
    parser = commands.add_parser("migrate", help="bring the database to the shape of this version")
    parser.set_defaults(run=run)


def run(_chosen: Namespace) -> int:
    prepare(install(Settings.from_env()))
    print("The database is up to date.")
    return 0
