"""Two agents at one ticket, each in a browser: they see one another, and nobody answers twice without knowing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import func, select

from desk.models import Message
from tests.browser.shown import expect_shown, keep_words_of
from tests.browser.test_console import begin, console
from tests.world import World, running, settings_for


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        yield world


def two_browsers(chromium: Browser) -> list[BrowserContext]:
    contexts = [chromium.new_context(viewport={"width": 1400, "height": 900}) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(45_000)
    return contexts


def test_the_second_answer_waits_until_its_writer_has_seen_the_first(chromium: Browser, world):
    contexts = two_browsers(chromium)
    world.send("My router is dead.", subject="Router")
    number = world.until(world.ticket).number
    maya, ben = (console(context, world, world.agent(name)) for context, name in zip(contexts, ("Maya", "Ben"), strict=True))
    for page in (maya, ben):
        page.goto(f"{world.url}/desk/tickets/{number}")
        expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    expect(maya.locator("#company")).to_have_text("Ben has this ticket open")
    expect(ben.locator("#company")).to_have_text("Maya has this ticket open")

    keep_words_of(ben.locator("#company"))
    maya.locator("#composer-text").fill("Please press reset.")
    expect_shown(ben.locator("#company"), "Maya is writing an answer")
    ben.locator("#composer-text").fill("We send a new one.")
    ben.locator("#composer-text").press("Control+Enter")
    expect(maya.locator("#timeline .entry.is-agent")).to_contain_text("We send a new one.")

    maya.locator("#composer-text").press("Control+Enter")
    asked = maya.get_by_role("dialog", name="A colleague has answered meanwhile")
    expect(asked).to_contain_text("We send a new one.")
    expect(asked.get_by_role("button", name="Send mine all the same")).to_be_enabled()  # what was answered counts as seen
    asked.get_by_role("button", name="Go on writing").click()
    expect(maya.locator("#composer-text")).to_have_value("Please press reset.")
    maya.locator("#composer-text").press("Control+Enter")
    expect(maya.locator("#timeline .entry.is-agent")).to_have_count(2)
    expect(maya.locator("#composer-text")).to_have_value("")

    # The next one is a new question again, and can be answered at once.
    ben.locator("#composer-text").fill("Half")
    maya.locator("#composer-text").fill("It is on its way.")
    maya.locator("#composer-text").press("Control+Enter")
    expect(ben.locator("#timeline .entry.is-agent")).to_have_count(3)
    ben.locator("#composer-text").press("Control+Enter")
    ben.get_by_role("button", name="Send mine all the same").click()
    expect(ben.locator("#timeline .entry.is-agent")).to_have_count(4)
    assert world.one(select(func.count()).where(Message.direction == "out", Message.kind == "message")) == 4
    maya.goto(f"{world.url}/desk")
    expect(ben.locator("#company")).to_be_hidden()
    for context in contexts:
        context.close()


def test_who_is_named_in_a_note_is_told_until_they_look(chromium: Browser, world):
    contexts = two_browsers(chromium)
    world.send("My router is dead.", subject="Router")
    number = world.until(world.ticket).number
    maya, ben = (console(context, world, world.agent(name)) for context, name in zip(contexts, ("Maya", "Ben"), strict=True))
    maya.goto(f"{world.url}/desk/tickets/{number}")
    expect(maya.locator("#net")).to_have_attribute("data-state", "live")
    begin(maya, "n")
    maya.keyboard.type("Please look, @be")
    option = maya.locator("#canned [role=option]:visible")
    expect(option).to_have_text(re.compile(r"^\s*B\s*Ben\s*$"), use_inner_text=False)
    maya.keyboard.press("Enter")
    expect(maya.locator("#composer-text")).to_have_value("Please look, @Ben ")
    maya.keyboard.press("Control+Enter")
    row = ben.locator("#worklist li", has_text="Maya: Please look, @Ben")
    expect(row).to_be_visible()
    row.locator("a").click()
    expect(ben.locator("#timeline")).to_contain_text("Please look, @Ben")
    expect(row).to_have_count(0)
    assert maya.faults == []
    assert ben.faults == []
    for context in contexts:
        context.close()
