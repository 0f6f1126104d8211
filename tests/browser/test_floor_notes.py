"""A few words from the board to an agent, and a wallboard that turns its pages: by keys, and as a screen reader hears it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from desk.models import FloorNote, Queue
from tests.browser.shown import expect_shown, keep_words_of, wait_for_menu
from tests.browser.signed_in import signed_in
from tests.world import running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), roles=frozenset({"router"})) as world:
        yield world


def at_a_browser(chromium: Browser, world, agent, *, motion: str = "no-preference"):
    context = chromium.new_context(locale="en-GB", viewport={"width": 1440, "height": 900}, reduced_motion=motion)
    context.set_default_timeout(45_000)
    return signed_in(context, world.url, agent)


def test_a_supervisor_writes_to_an_agent_who_reads_it_wherever_they_are_and_says_so(world, chromium):
    su, maya = world.agent("Su", roles=("supervisor",)), world.agent("Maya")
    reader, writer = at_a_browser(chromium, world, maya), at_a_browser(chromium, world, su)
    reader.goto(f"{world.url}/desk/articles")
    expect(reader.locator("#net")).to_have_attribute("data-state", "live")
    keep_words_of(reader.locator("#announce"))
    writer.goto(f"{world.url}/board")
    expect(writer.locator("#net")).to_have_attribute("data-state", "live")

    writer.get_by_role("button", name="Actions for Maya").focus()
    writer.keyboard.press("Enter")
    wait_for_menu(writer)
    expect(writer.locator(f"#write-to-{maya.id}")).to_be_focused()
    writer.keyboard.press("Enter")
    field = writer.get_by_role("textbox", name="Message to Maya")
    expect(field).to_be_focused()
    writer.keyboard.type("Please help with the mails.")
    writer.keyboard.press("Control+Enter")
    expect(writer.get_by_role("dialog")).to_have_count(0)
    expect(writer.locator(f"#note-of-{maya.id}")).to_have_text("Message not seen yet")

    region = reader.get_by_role("region", name="Messages to you")
    expect(region).to_contain_text("Please help with the mails.")
    expect_shown(reader.locator("#announce"), "Message from Su: Please help with the mails.")
    reader.keyboard.press("Alt+n")
    expect(region.locator(".floor-note")).to_have_count(0)
    expect(writer.locator(f"#note-of-{maya.id}")).to_have_text("Message seen")
    assert world.one(select(FloorNote.seen_at)) is not None
    assert reader.faults == writer.faults == []
    reader.context.close()
    writer.context.close()


def test_a_wallboard_is_turned_by_keys_and_stays_for_whoever_wants_no_motion(world, chromium):
    su = world.agent("Su", roles=("supervisor",))
    queues = world.all(select(Queue.id).where(Queue.key.in_(("billing", "technical"))).order_by(Queue.id))
    page = at_a_browser(chromium, world, su, motion="reduce")
    asked = "&".join(f"queue={each}" for each in queues)
    page.goto(f"{world.url}/wallboard?every=5&{asked}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    bar = page.get_by_role("group", name="Pages of the wallboard")
    stop = bar.get_by_role("button", name="Stay on this page")
    expect(stop).to_have_attribute("aria-pressed", "true")
    expect(bar).to_contain_text("Page 1 of 3")
    page.locator("#tiles").focus()
    page.keyboard.press("ArrowRight")
    expect(bar).to_contain_text("Page 2 of 3")
    expect(page.locator(f"#tile-{queues[0]}-live")).to_be_visible()
    expect(page.locator("#tile-live")).to_be_hidden()
    with page.expect_response(re.compile(r"/wallboard\?every=5")):  # what is drawn anew stays at its page
        page.evaluate("import('/static/js/live.js').then(({ live }) => live.refresh())")
    expect(page.locator(f"#tile-{queues[0]}-live")).to_be_visible()
    expect(page.locator("#tile-live")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(bar).to_contain_text("Page 3 of 3")
    page.keyboard.press("Space")
    expect(stop).to_have_attribute("aria-pressed", "false")
    assert page.faults == []
    page.context.close()
