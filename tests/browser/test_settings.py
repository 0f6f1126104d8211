"""The settings in a real browser, with nothing but the keyboard: the editor of overflow steps and the matrix of skills."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.models import Queue
from desk.queries.people.skills import skills_at
from tests.browser.shown import wait_for_menu
from tests.world import PASSWORD, World, running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        world.agent("Priya", roles=("admin",), skills={})
        yield world


@pytest.fixture
def page(chromium: Browser, world: World):
    yield from signed_in(chromium, world)


@pytest.fixture
def plain_page(chromium: Browser, world: World):
    """The same without scripts."""
    yield from signed_in(chromium, world, java_script_enabled=False)


def signed_in(chromium: Browser, world: World, **more):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900}, **more)
    context.set_default_timeout(45_000)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(f"{world.url}/login")
    page.locator("[name=email]").fill("priya@desk.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    yield page
    assert page.faults == []
    context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def choose(page: Page, field: str, letters: str, value: str) -> None:
    """Choose by the first letters. A second between two of them is a new search: a busy machine types them again."""
    expect(page.locator(field)).to_be_focused()
    for _ in range(10):
        page.keyboard.type(letters)
        if page.locator(field).input_value() == value:
            break
        page.wait_for_timeout(1_100)
    expect(page.locator(field)).to_have_value(value)


def test_steps_are_made_moved_and_saved_by_keyboard(world, page):
    world.agent("Maya", skills={"billing": 3})
    billing = world.one(select(Queue).where(Queue.key == "billing"))
    page.goto(f"{world.url}/admin/queues/{billing.id}")
    page.locator("#f-level-0").fill("5")
    add = page.get_by_role("button", name="Add a step")
    add.focus()
    press(page, "Enter")
    expect(page.locator("#f-step-after-0")).to_be_focused()
    press(page, "Tab")
    choose(page, "#f-step-do-0", "a lower", "lower_level")
    press(page, "Tab")
    choose(page, "#f-step-skill-0", "Bil", "billing")
    press(page, "Tab")
    page.keyboard.type("3")
    expect(page.locator("#steps-said")).to_contain_text("After 30 s: Billing from level 3 is enough. 1 person can take it")
    add.focus()
    press(page, "Enter")
    expect(page.locator("#f-step-after-1")).to_be_focused()
    expect(page.locator("#f-step-after-1")).to_have_value("1 min")
    press(page, "Tab")
    choose(page, "#f-step-do-1", "it goes", "raise_band")
    page.get_by_role("button", name="Move step 2 up").focus()
    press(page, "Enter")
    expect(page.locator("#f-step-do-0")).to_have_value("raise_band")
    expect(page.get_by_role("button", name="Move step 1 down")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("#f-step-do-0")).to_have_value("lower_level")
    page.locator("#f-name").focus()
    press(page, "Enter")  # saves: no button of a line is pressed by it
    expect(page.locator(".flashes")).to_contain_text("Saved")
    assert world.one(select(Queue).where(Queue.id == billing.id)).overflow == [
        {"after_s": 30, "do": "lower_level", "skill": "billing", "level": 3},
        {"after_s": 60, "do": "raise_band"},
    ]


def test_steps_are_made_and_saved_without_scripts(world, plain_page):
    page = plain_page
    billing = world.one(select(Queue).where(Queue.key == "billing"))
    page.goto(f"{world.url}/admin/queues/{billing.id}")
    page.get_by_role("button", name="Add a step").click()
    page.locator("#f-step-after-0").fill("2 min")
    page.locator("#f-step-do-0").select_option("raise_band")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".flashes")).to_contain_text("Saved")
    assert world.one(select(Queue).where(Queue.id == billing.id)).overflow == [{"after_s": 120, "do": "raise_band"}]


def test_levels_are_typed_into_the_matrix_and_told_when_they_are_wrong(world, page):
    maya, tom = (world.agent(name, skills={"billing": 5, "delivery": 4}) for name in ("Maya", "Tom"))
    page.goto(f"{world.url}/admin/skills")
    cell = lambda agent, skill: page.locator(f"#cell-{agent.id}-{skill}")  # noqa: E731
    cell(maya, "billing").focus()
    page.keyboard.type("10")
    press(page, "Enter")
    expect(cell(maya, "billing")).to_have_text("10")
    expect(cell(tom, "billing")).to_be_focused()
    press(page, "Delete")
    expect(cell(tom, "billing")).to_have_attribute("data-level", "")
    expect(cell(tom, "billing")).to_be_focused()
    press(page, "End", "ArrowUp", "Home", "ArrowDown", "Enter")
    page.keyboard.type("11")
    press(page, "Enter")
    expect(page.locator("#matrix-said")).to_contain_text("A skill level is a number from 1 to 10.")
    expect(cell(tom, "billing")).to_have_attribute("data-level", "")
    press(page, "Enter")
    page.keyboard.type("7")
    press(page, "Escape")
    expect(page.locator("[data-cell] input")).to_have_count(0)
    with world.desk.store.read() as session:
        now = skills_at(session, world.desk.clock.now())
    assert (now[maya.id]["billing"], now[tom.id].get("billing"), now[tom.id]["delivery"]) == (10, None, 4)


def test_the_pages_of_administration_stand_beside_a_wide_page_and_behind_a_button_of_a_narrow_one(page, world):
    page.goto(f"{world.url}/admin/queues")
    pages, button = page.locator("#admin-pages"), page.locator("[popovertarget=admin-pages]")
    expect(page.get_by_role("navigation", name="Administration").get_by_role("link", name="Queues")).to_have_attribute(
        "aria-current", "page"
    )
    expect(button).to_be_hidden()

    page.set_viewport_size({"width": 1024, "height": 900})
    expect(pages).to_be_hidden()
    button.focus()
    press(page, "Enter")
    wait_for_menu(page)
    press(page, "End")
    expect(pages.get_by_role("link", name="System")).to_be_focused()
    press(page, "Escape")
    expect(pages).to_be_hidden()
    expect(button).to_be_focused()
    press(page, "Enter")
    wait_for_menu(page)
    press(page, "ArrowDown")
    expect(pages.get_by_role("link", name="Skills")).to_be_focused()
    press(page, "Enter")
    page.wait_for_url("**/admin/skills")
    expect(button).to_contain_text("Skills")
