"""The databases of the kernel's tests: prepared once for each worker, copied for each test."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests.desk.house import House, prepare


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy: a migrated database with the defaults of a new desk."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(f"sqlite:///{folder}/desk.db", folder)
    return folder / "desk.db"


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database to copy."""
    name = f"prepared_{uuid.uuid4().hex}"
    tell(postgres_server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    prepare(address_of(postgres_server, name), tmp_path_factory.mktemp("prepared"))
    yield name
    tell(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A prepared desk on SQLite and another on PostgreSQL."""
    yield from (on_sqlite if request.param == "sqlite" else on_postgres)(request, tmp_path)


@pytest.fixture
def postgres_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A prepared desk on PostgreSQL, where transactions truly overlap."""
    yield from on_postgres(request, tmp_path)


@pytest.fixture
def sqlite_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A prepared desk on SQLite, for what is the same on both databases."""
    yield from on_sqlite(request, tmp_path)


def on_sqlite(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    shutil.copy(request.getfixturevalue("prepared_sqlite"), folder / "desk.db")
    house = House(f"sqlite:///{folder}/desk.db", folder)
    yield house
    house.close()


def on_postgres(request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    server: URL = request.getfixturevalue("postgres_server")
    template, name = request.getfixturevalue("prepared_postgres"), f"desk_{uuid.uuid4().hex}"
    tell(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    house = House(address_of(server, name), folder)
    yield house
    house.close()
    tell(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def address_of(server: URL, name: str) -> str:
    return server.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


def tell(server: URL, statement: str) -> None:
    with psycopg.connect(
        server.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(statement)
