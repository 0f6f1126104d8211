"""Drafts in the browser: they come back in another one, follow one another, and two windows never overwrite each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.models import Draft, Message
from tests.browser.sameness import same_after_loading_again
from tests.browser.test_console import begin, console
from tests.world import World, running, settings_for


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        yield world


def written(page: Page, world: World, words: str) -> None:
    page.locator("#composer-text").fill(words)
    expect(page.locator("[data-draft-told]")).to_have_text("Draft saved")
    assert world.one(select(Draft.text)) == words


def test_a_draft_is_found_in_another_browser_follows_and_is_gone_when_it_is_sent(chromium: Browser, world):
    maya = world.agent()
    first, second = (chromium.new_context(viewport={"width": 1400, "height": 900}) for _ in range(2))
    for context in (first, second):
        context.set_default_timeout(45_000)
    page = console(first, world, maya)
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "n")
    written(page, world, "Ask billing\nbefore noon")
    expect(page.locator("#worklist")).to_contain_text("Ask billing before noon")

    other = second.new_page()
    other.context.add_cookies(first.cookies())
    other.goto(page.url)
    expect(other.locator("#composer-text")).to_have_value("Ask billing\nbefore noon")
    expect(other.locator("#kind-note input")).to_be_checked()
    expect(other.locator("#net")).to_have_attribute("data-state", "live")

    written(page, world, "Ask billing today")
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # somebody looks at this window again
    expect(other.locator("#composer-text")).to_have_value("Ask billing today")

    # Both write, one of them in a tunnel: what the other one has is shown, and joined when asked to.
    second.set_offline(True)
    other.locator("#composer-text").fill("Ask Ben")
    expect(other.locator("[data-draft-told]")).to_have_text("Draft not saved yet; it is tried again")
    written(page, world, "Ask billing today, please")
    second.set_offline(False)
    expect(other.locator("#draft-other")).to_contain_text("Ask billing today, please")
    other.get_by_role("button", name="Put it below").click()
    expect(other.locator("#composer-text")).to_have_value("Ask Ben\n\nAsk billing today, please")
    expect(other.locator("[data-draft-told]")).to_have_text("Draft saved")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#composer-text")).to_have_value("Ask Ben\n\nAsk billing today, please")

    other.locator("#composer-text").press("Control+Enter")
    expect(other.locator(".entry.is-note")).to_contain_text("Ask Ben")
    expect(page.locator("#composer-text")).to_have_value("")
    expect(other.locator("#composer-text")).to_have_value("")
    expect(page.locator("#worklist")).not_to_contain_text("Begun and not sent")
    assert world.one(select(Draft)) is None
    assert len(world.all(select(Message).where(Message.kind == "note"))) == 1
    page.reload()
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("#composer-text")).to_have_value("")
    assert page.faults == []
    first.close()
    second.close()


def test_what_was_typed_while_offline_is_saved_when_the_line_is_back(chromium: Browser, world):
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(45_000)
    page = console(context, world, world.agent())
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "n")
    context.set_offline(True)
    page.locator("#composer-text").fill("Typed in a tunnel")
    expect(page.locator("[data-draft-told]")).to_have_text("Draft not saved yet; it is tried again")
    context.set_offline(False)
    expect(page.locator("[data-draft-told]")).to_have_text("Draft saved")
    assert world.one(select(Draft.text)) == "Typed in a tunnel"
    page.goto(f"{world.url}/desk")
    expect(page.locator("#worklist")).to_contain_text("Typed in a tunnel")
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Throw away the draft on ticket").click()
    expect(page.locator("#worklist")).not_to_contain_text("Typed in a tunnel")
    context.close()


def test_words_that_are_taken_out_again_leave_the_page_as_if_they_had_never_been(chromium: Browser, world):
    """Also when the answer to their last saving comes after the page was told of it."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(45_000)
    page = console(context, world, world.agent())
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "r")
    written(page, world, "Please press")
    late = []

    def answer_late(route) -> None:
        if route.request.method == "POST":
            late.append((route, route.fetch()))
        else:
            route.continue_()

    page.route(f"**{page.locator('#composer-draft').get_attribute('data-src')}*", answer_late)
    page.locator("#composer-text").fill("")
    expect(page.locator("#draft-kept")).to_have_attribute("data-version", "0")
    [(route, answer)] = late
    route.fulfill(response=answer)
    expect(page.locator("[data-compose] [name=draft]")).to_have_value("0")
    same_after_loading_again(page)
    context.close()
