"""Canned replies by keyboard: a slash, some letters, Enter; with the full-width slash too; a macro's steps and their undo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.tickets.canned import write_canned
from desk.models import Agent, CannedReply, Message
from tests.browser.test_console import begin, console
from tests.world import World, running, settings_for


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        yield world


def canned(world: World, agent: Agent, key: str, text: str, **steps) -> None:
    with world.tx() as tx:
        write_canned(
            tx, viewer_of(agent), None, whose="own", key=key, name=key.title(), texts={"en": text, "zh": ""}, steps=steps
        )  # fmt: skip


def test_by_keyboard_in_an_answer_and_undone(chromium: Browser, world):
    maya = world.agent(undo_s=3600)
    canned(world, maya, "refund", "We refund it, {agent}.", priority=1)
    canned(world, maya, "reset", "Please press reset.")
    canned(world, maya, "urgent", "", priority=2)
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(45_000)
    page = console(context, world, maya)
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "r")

    page.keyboard.type("https://x.example/re")  # no slash at the beginning of a word
    expect(page.locator("#canned")).to_be_hidden()
    page.locator("#composer-text").fill("")
    page.keyboard.type("Hello, /re")
    options = page.locator("#canned [role=option]:visible")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#composer-text")).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    page.keyboard.press("Enter")
    expect(page.locator("#composer-text")).to_have_value("Hello, Please press reset.")
    expect(page.locator("#canned")).to_be_hidden()

    page.locator("#composer-text").fill("")
    page.keyboard.type("／refu")
    expect(options).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#canned")).to_be_hidden()
    expect(page.locator("#composer-text")).to_be_focused()
    page.keyboard.type("n")
    expect(options).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("#composer-text")).to_have_value("We refund it, Maya.")
    expect(page.locator("#composer-macro")).to_contain_text("Refund")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#unsent")).to_contain_text("We refund it, Maya.")
    expect(page.locator("#composer-text")).to_have_value("")
    expect(page.locator("#composer-macro")).to_be_hidden()
    page.keyboard.press("Alt+z")
    expect(page.locator("#composer-text")).to_have_value("We refund it, Maya.")
    expect(page.locator("#composer-macro")).to_contain_text("Refund")
    page.get_by_role("button", name="Without the steps").click()
    expect(page.locator("#composer-macro")).to_be_hidden()

    page.locator("#composer-text").fill("")
    page.keyboard.press("Alt+c")
    expect(options).to_have_count(3)
    page.keyboard.type("urg")
    expect(options).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-head")).to_contain_text("P2")
    expect(page.locator("#composer-text")).to_have_value("")
    page.locator("#undo-macro").click()
    expect(page.locator("#ticket-head")).to_contain_text("P3")
    expect(page.locator("#undo-macro")).to_have_count(0)
    assert world.one(select(Message).where(Message.direction == "out")) is None
    assert world.one(select(CannedReply).where(CannedReply.key == "refund")) is not None
    assert page.faults == []
    context.close()
