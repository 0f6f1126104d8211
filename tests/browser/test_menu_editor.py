"""The editor of menus in a real browser: a key is added and named, tried out by pressing it, and published."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from desk.actions.calls import menus
from desk.models import CallFlow, CallFlowVersion
from tests.world import PASSWORD, running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        world.agent("Priya", roles=("admin",), skills={})
        with world.tx() as tx:
            menus.add_flow(tx, "Hotline")
        yield world


def test_menus_are_written_tried_out_and_published(chromium: Browser, world):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{world.url}/login?next=/admin/voice/menus/1")
    page.locator("[name=email]").fill("priya@desk.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{world.url}/admin/voice/menus/1")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")

    walk = page.locator("#walk")
    label = page.locator("[id='f-menus.0.options.0.label.en']")
    label.fill("invoices")
    expect(walk).to_contain_text("For invoices, press 1.")
    options = page.locator("[id^='option-0-']")
    expect(options).to_have_count(3)
    page.get_by_role("button", name="Remove key").nth(2).click()
    expect(options).to_have_count(2)
    page.get_by_role("button", name="Add a key").first.click()
    expect(options).to_have_count(3)
    expect(page.get_by_text("not saved yet")).to_be_visible()
    expect(page.locator("#net")).to_have_attribute("data-state", "live")  # its scripts listen
    for lang, text in (("zh", "维修"), ("en", "repairs")):
        page.locator(f"[id='f-menus.0.options.2.label.{lang}']").fill(text)
    page.locator("[id='f-menus.0.options.2.do']").select_option("number")
    expect(walk).to_contain_text("needs a phone number with its country")
    page.locator("[id='f-menus.0.options.2.number']").fill("+862155501999")
    expect(walk).to_contain_text("nothing wrong with it")

    walk.get_by_role("button", name="Press 2").click()
    expect(walk.locator("[data-walk]")).to_contain_text("For repairs, press 3.")
    walk.get_by_role("button", name="Press 3").click()
    expect(walk).to_contain_text("The call goes on to +862155501999.")
    walk.get_by_role("button", name="Call again").click()
    expect(walk.get_by_role("button", name="Press 3")).to_be_enabled()

    page.get_by_role("button", name="Save and publish").click()
    expect(page.get_by_text("callers hear this, version 1")).to_be_visible()
    assert world.one(select(CallFlow.published)) == 1
    menu = world.one(select(CallFlowVersion.content))["menus"][0]
    assert [(option["key"], option["do"]) for option in menu["options"]] == [("1", "queue"), ("2", "queue"), ("3", "number")]
    assert faults == []
    context.close()
