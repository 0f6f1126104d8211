"""axe finds nothing wrong with any page, whichever they are: found from the routes, with something of each kind to be shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.access import viewer_of
from desk.models import Agent
from tests.screens.pages import Shown, pages_of
from tests.web.siege import Siege, besieged

pytestmark = pytest.mark.one_process("finds the pages by the routes of the application, and watches it, in its own process")

ROLES = ("supervisor", "complaintofficer", "admin", "knowledgeeditor", "auditor", "agent")


@pytest.fixture(scope="module")
def siege(tmp_path_factory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("pages")) as siege:
        yield siege


@pytest.fixture(scope="module")
def shown(siege) -> list[Shown]:
    world = siege.world
    people = {"": world.browser(), **{role: world.browser(f"{role}@desk.example") for role in ROLES}}
    rights = {agent.email.partition("@")[0]: viewer_of(agent).rights for agent in world.all(select(Agent))}
    return pages_of(world.app, siege.ids, people, rights)


@pytest.mark.timeout(900)  # a hang, not slowness: it looks at some twenty pages
def test_pages_for_customers_are_accessible(siege, shown, chromium, axe_source):
    ours = [page for page in shown if page.who == "" and page.rule not in ("/shop", "/chat/frame")]
    assert len(ours) > 12
    assert found_by_axe(siege, chromium, axe_source, ours, "dark", "zh") == []


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_accessible_in_both_languages_and_themes(siege, shown, chromium, axe_source, theme, language):
    assert len(shown) > 70
    assert found_by_axe(siege, chromium, axe_source, shown, theme, language) == []


def found_by_axe(siege: Siege, chromium: Browser, axe_source: str, pages: list[Shown], theme: str, language: str) -> list[str]:
    """What is wrong, as “page: rule: HTML”."""
    found = []
    for who in dict.fromkeys(page.who for page in pages):
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme=theme, reduced_motion="reduce", bypass_csp=True
        )
        context.set_default_timeout(45_000)
        client = siege.world.browser(f"{who}@desk.example" if who else "")
        client.post("/language", data={"locale": language})
        context.add_cookies([{"name": name, "value": value, "url": siege.world.url} for name, value in client.cookies.items()])
        page = context.new_page()
        for each in pages:
            if each.who == who:
                found += [f"{each.rule}: {fault}" for fault in _faults(page, siege.world.url + each.path, axe_source)]
        context.close()
    return found


def _faults(page: Page, address: str, axe_source: str) -> list[str]:
    page.goto(address)
    expect(page.locator("body")).to_be_visible()
    if page.locator("body[data-socket] #net").count():  # which it has from the start, or never
        expect(page.locator("#net")).to_have_attribute("data-state", "live")
    page.evaluate(axe_source)
    result = page.evaluate("async () => (await axe.run({resultTypes: ['violations'], iframes: false})).violations")
    return [f"{each['id']}: {node['html'][:200]}" for each in result for node in each["nodes"]]
