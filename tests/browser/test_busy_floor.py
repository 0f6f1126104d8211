"""Two agents and a supervisor in browsers of their own while the demo's customers come, each cut off for a while.

At the end every live part shows what a page shows that is opened then, nothing went wrong in any of the browsers, and what the
agents sent is there once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect
from sqlalchemy import func, select

from desk.demo.seed import ensure_demo
from desk.demo.traffic import Traffic
from desk.models import Agent, Message
from tests.browser.sameness import same_after_loading_again
from tests.browser.signed_in import signed_in
from tests.live.cable import Cable, laid_to
from tests.world import World, running, settings_for

MINUTES = 10
PER_HOUR = 400
CUT_FOR_S = 30
SKILLS = {"lang:en": 5, "lang:zh": 5, "billing": 4, "technical": 4, "delivery": 4, "complaints": 4, "product": 4}
# What a browser says by itself when its line is cut, or when the desk refuses what has just gone to somebody else.
EXPECTED = (
    "net::ERR_",
    "WebSocket connection to",
    "status of 409",
    "Response Status Error Code 409",
    "htmx:afterRequest",
    "htmx:sendError",
)


@dataclass
class Person:
    """Somebody at their own browser, on a cable of their own."""

    page: Page
    cable: Cable
    sent: list[str] = field(default_factory=list)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_nothing_is_stale_and_nothing_is_lost(chromium: Browser, tmp_path):
    settings = replace(settings_for(tmp_path), demo=True, trusted_proxies=1)  # so that each customer comes from their own place
    with running(settings, background=False) as world:  # the past is written before anybody works
        ensure_demo(world.desk)
    with running(settings) as world:
        host, port = urlsplit(world.url).hostname, urlsplit(world.url).port
        maya, ben, su = (
            world.agent("Maya", skills=SKILLS),
            world.agent("Ben", skills=SKILLS),
            world.agent("Su", roles=("supervisor",), skills={"lang:en": 5}),
        )
        with laid_to(host, port) as one, laid_to(host, port) as two, laid_to(host, port) as three:
            people = [at_a_browser(chromium, cable, agent) for cable, agent in ((one, maya), (two, ben))]
            for each in people:
                each.page.get_by_role("button", name="Become available", exact=True).click()
                expect(each.page.locator("#presence-button")).to_contain_text("Available")
            watching = at_a_browser(chromium, three, su)
            watching.page.goto(f"http://127.0.0.1:{three.port}/board")
            expect(watching.page.locator("#net")).to_have_attribute("data-state", "live")
            floor(world, people, watching)
            for each in (*people, watching):
                expect(each.page.locator("#net")).to_have_attribute("data-state", "live", timeout=60_000)
                same_after_loading_again(each.page)
                assert {fault for fault in each.page.faults if not any(word in fault for word in EXPECTED)} == set()
        assert sum(len(each.sent) for each in people) > MINUTES
        for text in people[0].sent + people[1].sent:
            assert world.one(select(func.count()).select_from(Message).where(Message.text == text)) == 1, text


def at_a_browser(chromium: Browser, cable: Cable, agent: Agent) -> Person:
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    return Person(signed_in(context, f"http://127.0.0.1:{cable.port}", agent, hears_console=True), cable)


def floor(world: World, people: list[Person], watching: Person) -> None:
    """So many minutes of customers; every person's line is cut once meanwhile, and mended."""
    traffic = Traffic(world.desk.settings, PER_HOUR, chance=Random(11), hurry=4.0)
    street = threading.Thread(target=lambda: asyncio.run(traffic.flow(MINUTES * 60)))
    street.start()
    chance, began = Random(5), time.monotonic()
    to_cut = [((0.15 + 0.25 * n) * MINUTES * 60, each) for n, each in enumerate((*people, watching))]
    to_mend: list[tuple[float, Person]] = []
    while street.is_alive():
        at = time.monotonic() - began
        if to_cut and to_cut[0][0] <= at:
            person = to_cut.pop(0)[1]
            person.cable.cut()
            to_mend.append((at + CUT_FOR_S, person))
        if to_mend and to_mend[0][0] <= at:
            to_mend.pop(0)[1].cable.mend()
        for person in people:
            works(person, chance)
    for _, person in to_mend:
        person.cable.mend()
    street.join()
    assert not to_cut, "not everybody was cut off"
    assert traffic.came.total() > MINUTES


def works(person: Person, chance: Random) -> None:
    """One thing that an agent does next: take what is offered, answer, end, wrap up. What cannot be done now is left."""
    page = person.page
    try:
        page.wait_for_timeout(chance.randrange(300, 900))
        accept = page.locator("#worklist .offer button[id^=accept-]")
        if accept.count():
            accept.first.click(timeout=2_000)
            return
        for button in ("#available-again", "#crossed[open] [data-sends-crossed]"):
            found = page.locator(button)
            if found.count() and found.first.is_enabled():
                found.first.click(timeout=2_000)
                return
        for button in ("#call-end", "#call-strip [data-call-state=wrap_up] form button.primary", "#finish-item"):
            found = page.locator(button)
            if found.count() and chance.random() < 0.3:
                found.first.click(timeout=2_000)
                return
        rows = page.locator("#worklist [id^=item-] a[data-place]")
        if rows.count() and chance.random() < 0.5:
            rows.nth(chance.randrange(rows.count())).click(timeout=2_000)
            return
        answers(person, chance)
    except Error:
        pass  # it has gone meanwhile, or the line is cut


def answers(person: Person, chance: Random) -> None:
    """Write an answer, or send what still stands there. It counts as sent once the desk has taken it: then the field is empty."""
    field_ = person.page.locator("#composer-text")
    if not field_.count() or person.page.locator("#panes[aria-busy]").count():  # another ticket is on its way
        return
    said = field_.input_value(timeout=2_000)
    if not said:
        said = f"Answer {chance.randrange(10**9)}"
        field_.fill(said, timeout=2_000)
    field_.press("Control+Enter", timeout=2_000)
    with suppress(AssertionError):  # it was not sent: asked about, or the line is cut; what is in the field stays there
        expect(field_).to_have_value("", timeout=5_000)
        person.sent.append(said)
