"""Taking back an answer in the browser: by key, after a reload, and gone when its time is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import select

from desk.models import Agent, Message
from tests.browser.test_console import begin, console
from tests.world import World, running, settings_for


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        yield world


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(45_000)
    yield context
    context.close()


def test_an_answer_is_taken_back_by_key_even_after_a_reload_and_leaves_when_nobody_does(context, world):
    page = console(context, world, world.agent(undo_s=3600))
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "r")
    page.keyboard.type("Please press the wrong button.")
    page.locator("input[type=file][name=files]").set_input_files(
        {"name": "Plan.txt", "mimeType": "text/plain", "buffer": b"press"}
    )
    page.keyboard.press("Control+Enter")
    expect(page.locator("#unsent")).to_contain_text("Your answer leaves in")
    expect(page.locator("#composer-text")).to_have_value("")
    expect(page.locator(".entry.is-agent")).to_have_count(0)

    page.reload()
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("#unsent")).to_contain_text("Please press the wrong button.")
    page.keyboard.press("Alt+z")
    expect(page.locator("#composer-text")).to_have_value("Please press the wrong button.")
    expect(page.locator("#composer-kept")).to_contain_text("Plan.txt")
    expect(page.locator("#unsent")).not_to_contain_text("Your answer")
    assert world.one(select(Message).where(Message.direction == "out")) is None

    with world.tx() as tx:
        tx.session.scalars(select(Agent)).one().undo_s = 1
    page.locator("#composer-text").fill("Please press the right button.")
    page.locator("#composer-text").press("Control+Enter")
    expect(page.locator(".entry.is-agent")).to_contain_text("Please press the right button.")
    expect(page.locator(".entry.is-agent")).to_contain_text("Plan.txt")
    expect(page.locator(".entry.is-agent .delivery")).to_contain_text("Sent")
    expect(page.locator("#composer-kept")).to_be_empty()
    assert page.faults == []


def test_whom_an_answer_goes_to_stays_as_it_was_edited_when_the_page_is_loaded_again(context, world):
    page = console(context, world, world.agent(undo_s=0))
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "r")
    page.locator("#add-cc").fill("boss@customers.example")
    page.locator("#add-cc").press("Enter")
    page.locator("#composer-text").fill("We are looking.")
    page.reload()
    expect(page.locator("#recipients-chosen input[name=cc][type=hidden]")).to_have_value("boss@customers.example")
    expect(page.locator("#composer-text")).to_have_value("We are looking.")
    page.locator("#composer-text").press("Control+Enter")
    expect(page.locator(".entry.is-agent")).to_have_count(1)
    expect(page.locator("#composer-text")).to_have_value("")
    assert world.one(select(Message).where(Message.direction == "out")).cc == ["boss@customers.example"]
    page.reload()
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator(".entry.is-agent")).to_have_count(1)
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('recipients:'))") == []
