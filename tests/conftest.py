"""What every test may ask for: real databases, a real Redis, a real browser; and an environment without surprises."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.services.keeper import Keeper

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy.engine import URL

ROOT = Path(__file__).parent.parent
GROWN = os.environ.get("TEST_DESK") == "grown"  # stories are told to a desk of many processes
FOLDER = pytest.StashKey[Path]()
KEEPER = pytest.StashKey[Keeper]()

# The same examples every time, however slow the machine: a red run is red for everyone.
settings.register_profile("desk", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("desk")


def pytest_configure(config: pytest.Config) -> None:
    """Make the environment the same everywhere, and one folder for the servers of this run."""
    _forget_settings_of_this_machine()
    worker = getattr(config, "workerinput", None)
    if worker:
        config.stash[FOLDER] = Path(worker["services"])
    else:
        config.stash[KEEPER] = Keeper()
        config.stash[FOLDER] = config.stash[KEEPER].folder
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(config.stash[FOLDER]))  # `tmp_path` lies there too, for all workers


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers when all workers are done."""
    if KEEPER in config.stash:
        config.stash[KEEPER].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker where the servers of this run are."""
    node.workerinput["services"] = str(node.config.stash[FOLDER])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, with the reason that each gives, what cannot be done to a desk of many processes."""
    for item in items if GROWN else ():
        for mark in item.iter_markers("one_process"):
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: two workers at least, as most of the time is waiting; four at most, as each may start a browser."""
    return max(2, min(4, len(os.sched_getaffinity(0))))


@pytest.fixture(scope="session")
def services_folder(pytestconfig: pytest.Config) -> Path:
    """The folder where the servers of this run live."""
    return pytestconfig.stash[FOLDER]


@pytest.fixture(scope="session")
def postgres_server(services_folder: Path) -> URL:
    """The PostgreSQL server that all workers share."""
    from tests.services.postgres import shared_server

    return shared_server(services_folder)


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """An empty PostgreSQL database for one test."""
    from tests.services.postgres import new_database

    with new_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database for one test, which runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/desk.db"
        return
    from tests.services.postgres import new_database

    with new_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(services_folder: Path) -> Iterator[str]:
    """The Redis server of this worker."""
    from tests.services.redis import private_server

    with private_server(services_folder) as url:
        yield url


@pytest.fixture(autouse=GROWN, scope="session")
def grown_desks(postgres_server: URL, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every desk that a test starts is one of many processes."""
    from tests.grown.whole_desk import standing_on

    with standing_on(postgres_server, redis_server, tmp_path_factory.mktemp("nursery")):
        yield


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis."""
    from tests.services.redis import empty

    empty(redis_server)
    return redis_server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file; each test opens contexts of its own and closes them.

    Not for the whole session: while Playwright runs, no other test of the same worker could start an event loop.
    """
    from playwright.sync_api import expect

    from tests.services.chromium import running_chromium

    expect.set_options(timeout=45_000)  # a busy machine is slow, not wrong
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker, as a script to run inside a page."""
    script = ROOT / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        pytest.fail("axe-core is needed: `.ci/setup test` installs it", pytrace=False)
    return script.read_text(encoding="utf-8")


def _forget_settings_of_this_machine() -> None:
    for name in list(os.environ):
        if name.startswith(("DESK_", "TWILIO_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    # A zone with an odd offset that nobody chose: code that reads local time by accident shows.
    os.environ["TZ"] = "Pacific/Chatham"
    time.tzset()
