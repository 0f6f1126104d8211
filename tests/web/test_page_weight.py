"""What a browser fetches when somebody opens the console for the first time, as it travels: the page and all that it asks for."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from tests.world import running, settings_for

MOST = 200_000  # bytes
ASKED_FOR = re.compile(r'<(?:link|script)[^>]+(?:href|src)="(/static/[^"]+)"|href="(/static/icons\.svg)#')
FROM_FILES = re.compile(r"""\b(?:import|export)\b[^;"']*?["']([./][^"']+\.js)["']|@import\s+["']([^"']+)["']""")
FETCHED = re.compile(r"""\bimport\(\s*["']([./][^"']+)["']""")  # later, when it is needed


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("weight")), background=False) as world:
        world.agent("Weigher", roles=["supervisor"])
        yield world


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets", "/board"])
def test_the_first_load_of_the_console_is_light(world, path):
    browser = world.browser("weigher@desk.example")
    weights = dict(load(browser, path))
    assert {"js", "css", "svg"} <= {urlsplit(address).path.rpartition(".")[2] for address in weights}
    assert any(name.endswith("/live.js") for name in weights), "modules that modules import are fetched too"
    assert sum(weights.values()) < MOST, sorted(weights.items(), key=lambda each: -each[1])


def load(browser, path: str) -> Iterator[tuple[str, int]]:
    """Each address that is fetched with its bytes, compressed as the proxy before us does."""
    page = browser.get(path).text
    yield path, len(gzip.compress(page.encode()))
    left = [address for found in ASKED_FOR.findall(page) for address in found if address]
    fetched: set[str] = set()
    while left:
        address = left.pop()
        name = urlsplit(address).path
        if name in fetched:
            continue
        fetched.add(name)
        answer = browser.get(name)
        assert answer.status_code == 200, name
        yield name, len(gzip.compress(answer.content))
        if name.endswith((".js", ".css")) and "/vendor/" not in name:
            text = FETCHED.sub("", answer.text)
            left += [urljoin(name, one) for found in FROM_FILES.findall(text) for one in found if one]
