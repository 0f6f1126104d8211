"""A skill is given in one browser; the call that waited for it rings in another, and the panel has said why all along."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from desk.models import Agent, Offer, Queue, WorkItem
from tests.browser.signed_in import signed_in
from tests.world import World, running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path)) as world:
        with world.tx() as tx:
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = 300
        yield world


def at_a_browser(chromium: Browser, world: World, agent: Agent, locale: str) -> tuple[BrowserContext, Page]:
    context = chromium.new_context(locale=locale, timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    return context, signed_in(context, world.url, agent)


def call_for_billing(world: World) -> int:
    """A Chinese caller asks for billing and waits; the id of the work."""
    carrier = world.desk.carrier
    sid = carrier.dial("+8613800138000")
    for key in ("1", "1"):
        world.until(lambda key=key: carrier.press(sid, key))
    return world.until(lambda: world.one(select(WorkItem.id).where(WorkItem.channel == "voice")))


def test_a_skill_given_in_one_browser_makes_a_waiting_call_ring_in_another_and_both_languages_say_why(world, chromium):
    boss = world.agent("Su", roles=("supervisor",), skills={})
    maya = world.agent("Maya", skills={"lang:zh": 6}, available=True)
    with world.tx() as tx:
        tx.session.get_one(Agent, maya.id).locale = "zh"
    item = call_for_billing(world)
    boss_context, board = at_a_browser(chromium, world, boss, "en-GB")
    agent_context, console = at_a_browser(chromium, world, maya, "zh-CN")

    board.goto(f"{world.url}/board")
    board.locator(f"#waiting-{item}").get_by_role("button", name="Why, and act").click()
    panel = board.get_by_role("dialog").locator(f"#why-{item}")
    expect(panel.locator(f"#why-{item}-{maya.id}")).to_have_attribute("data-rule", "skill_missing")
    expect(panel.locator(f"#why-{item}-{maya.id}")).to_contain_text("lacks Billing (level 1 is asked)")
    expect(panel.locator(f"#why-helps-{item}")).to_contain_text("Nobody at all has Billing at level 1.")
    expect(panel.locator(f"#why-place-{item}")).to_contain_text("1 of 1")
    expect(console.locator("li.offer")).to_have_count(0)

    settings = boss_context.new_page()
    settings.goto(f"{world.url}/admin/skills/{maya.id}")
    settings.get_by_label("Skill", exact=True).fill("billing")
    settings.get_by_label("Level", exact=True).fill("4")
    settings.get_by_label("Level", exact=True).press("Enter")

    offer = console.locator("li.offer")
    expect(offer).to_be_visible()
    expect(offer).to_contain_text("来电")
    expect(offer).to_contain_text("空闲同事中，您能做的其他任务种类最少")
    made = world.one(select(Offer).where(Offer.item_id == item))
    expect(panel).to_contain_text("It is being offered now.")
    told = panel.locator(f"#why-offer-{made.id}")
    expect(told).to_contain_text("Maya")
    told.locator("summary").click()
    expect(told).to_contain_text("the fewest other kinds of work")
    expect(told).to_contain_text("Billing ≥ 1")

    in_chinese = boss_context.new_page()
    in_chinese.goto(f"{world.url}/board/offers/{made.id}/why?lang=zh")
    expect(in_chinese.locator("body")).to_contain_text("账单 ≥ 1")
    expect(in_chinese.locator("body")).to_contain_text("其他类型的任务最少")
    assert board.faults == console.faults == []
    boss_context.close()
    agent_context.close()
