"""The list of tickets by keyboard: choosing several, doing one thing to all of them, taking it back; and one ticket put off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from desk.models import Ticket
from tests.browser.shown import wait_for_menu
from tests.browser.test_console import console
from tests.web.console_world import mail
from tests.world import World, running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with running(settings_for(tmp_path_factory.mktemp("at_hand")), background=False) as world:
        yield world


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(45_000)
    yield context
    context.close()


def picked(page: Page) -> int:
    return page.locator("[data-pick]:checked").count()


def test_several_tickets_are_chosen_changed_and_put_back_by_key(context, world):
    agent = world.agent("Ann")
    for number in range(4):
        mail(world, external_id=f"many-{number}")
    page = console(context, world, agent)
    page.goto(f"{world.url}/desk/tickets?view=unassigned")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-pick]")).to_have_count(4)
    expect(page.locator("#many")).to_be_hidden()

    page.locator("[data-pick]").first.focus()
    page.keyboard.press("x")
    expect(page.locator("#many")).to_contain_text("1 chosen")
    page.locator("[data-pick]").nth(2).click(modifiers=["Shift"])
    expect(page.locator("#many")).to_contain_text("3 chosen")
    assert picked(page) == 3

    mail(world, external_id="another-one")
    expect(page.locator("[data-pick]")).to_have_count(5)
    assert picked(page) == 3  # what was chosen stays so while the list changes

    page.locator("#many").get_by_role("button", name="Priority").press("Enter")
    wait_for_menu(page)
    page.locator("#many-priority").get_by_role("button", name="Many people").press("Enter")
    expect(page.locator("#many-done")).to_contain_text("3 tickets changed.")
    expect(page.locator("#many")).to_be_hidden()
    assert sorted(world.all(select(Ticket.priority))) == [1, 1, 1, 3, 3]
    page.keyboard.press("Alt+z")
    expect(page.locator("#many-done")).to_be_empty()
    assert world.all(select(Ticket.priority)) == [3] * 5
    assert page.faults == []


def test_a_ticket_is_tagged_followed_and_put_off_by_key(context, world):
    agent = world.agent("Bea")
    ticket = mail(world, external_id="one")
    page = console(context, world, agent)
    page.goto(f"{world.url}/desk/tickets/{ticket.number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    page.keyboard.press("g")
    expect(page.locator("#tag-word")).to_be_focused()
    page.keyboard.type("ＶＩＰ")
    page.keyboard.press("Enter")
    expect(page.locator("#tags-part .tag")).to_have_text("ＶＩＰ")
    expect(page.locator("#tag-word")).to_have_value("")
    page.locator("#tag-word").blur()
    page.keyboard.press("f")
    expect(page.locator("#followers-part")).to_contain_text("Bea")
    page.keyboard.press("z")
    wait_for_menu(page)
    page.locator("#snooze-next_week").press("Enter")
    expect(page.locator("#snoozed")).to_contain_text("Snoozed until")
    expect(page.locator(f"#snoozed-{ticket.number}")).to_be_visible()
    page.locator("#wake").press("Enter")
    expect(page.locator("#snoozed")).to_have_count(0)
    expect(page.locator(f"#own-{ticket.number}")).to_be_visible()
    assert page.faults == []


def test_two_tickets_are_merged_and_parted_again_and_another_window_sees_it(context, world):
    agent = world.agent("Cleo")
    one, other = mail(world, external_id="first"), mail(world, external_id="second")
    page = console(context, world, agent)
    second = context.new_page()
    second.goto(f"{world.url}/desk/tickets/{other.number}")
    expect(second.locator("#net")).to_have_attribute("data-state", "live")
    page.goto(f"{world.url}/desk/tickets/{one.number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    page.keyboard.press("m")
    wait_for_menu(page)
    page.locator("#open-merge").press("Enter")
    expect(page.locator("#merge-other")).to_be_focused()
    page.keyboard.type(str(other.number))
    page.keyboard.press("Enter")
    expect(page.locator(f"#unmerge-{one.number}")).to_be_visible()
    expect(second.locator(f"#unmerge-{one.number}")).to_be_visible()
    expect(second.locator("#timeline .entry.is-customer")).to_have_count(2)
    page.locator(f"#unmerge-{one.number}").press("Enter")
    expect(second.locator(f"#unmerge-{one.number}")).to_have_count(0)
    expect(second.locator("#timeline .entry.is-customer")).to_have_count(1)
    assert page.faults == []
