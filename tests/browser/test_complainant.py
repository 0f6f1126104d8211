"""A customer with a phone in Chinese and no account: from the form to the end that they confirm themselves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.actions.complaints import complaints
from desk.models import Agent, Complaint
from desk.models.complaint import ASSESSED, AWAITING_INFO, CLOSED, FOLLOW_UP, INVESTIGATING
from tests.desk.care_world import agent, decide
from tests.world import World, running, settings_for

FITS = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A desk with the two who handle the complaint; nothing happens there by itself."""
    with running(settings_for(tmp_path_factory.mktemp("complainant")), background=False) as world:
        for name in ("He", "Ruth"):
            world.agent(name, roles=("complaint_officer",), team="care")
        with world.tx() as tx:
            agent(tx, "He").name = "He Yan"
        yield world


def the_case(tx) -> Complaint:
    return tx.session.scalars(select(Complaint)).one()


def staff(world: World, *steps) -> None:
    """Each of these is done by whoever handles the case."""
    for step in steps:
        with world.tx() as tx:
            step(tx, the_case(tx), agent(tx, "He Yan"))


def to(stage: str, **said: str):
    def step(tx, complaint: Complaint, officer: Agent) -> None:
        complaints.advance(tx, complaint, stage, agent=officer, **said)

    return step


def shows(page: Page, *words: str) -> None:
    """The page has come and says this, in Chinese, within the width of the phone."""
    for each in words:
        expect(page.locator("main")).to_contain_text(each)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert page.evaluate(FITS)


def test_a_complaint_is_followed_from_the_form_to_the_end_on_a_phone_without_an_account(world: World, chromium: Browser):
    context = chromium.new_context(
        viewport={"width": 375, "height": 740}, locale="zh-CN", is_mobile=True, has_touch=True, reduced_motion="reduce"
    )
    context.set_default_timeout(45_000)
    page = context.new_page()
    page.goto(f"{world.url}/complaints/new")
    shows(page, "投诉")
    page.locator("[name=statement]").fill("三月份扣了我两次钱。")
    page.locator("[name=name]").fill("王丽")
    page.locator("[name=email]").fill("wangli@example.com")
    page.locator("form[action='/complaints/new'] button.primary").click()
    expect(page.locator("#complaint-number")).to_have_text("10001")
    shows(page, "投诉编号")
    page.locator("a.button.primary").click()  # to the page that follows it
    expect(page.locator("#add")).to_be_visible()
    followed = page.url

    staff(world, to(ASSESSED, category="billing"), to(INVESTIGATING), to(AWAITING_INFO, reason="请把账单发给我们。"))
    page.goto(followed)
    shows(page, "需要您补充", "请把账单发给我们。")
    page.locator("#add textarea").fill("账单在附件里。")
    page.locator("#add input[type=file]").set_input_files({"name": "账单.txt", "mimeType": "text/plain", "buffer": b"twice"})
    page.locator("#add button.primary").click()
    shows(page, "账单在附件里。", "账单.txt")

    staff(world, lambda tx, complaint, _officer: decide(tx, complaint, reasons="我们退还第二笔。"), to(FOLLOW_UP))
    page.goto(followed)
    shows(page, "我们退还第二笔。", "您的问题解决了吗？")
    letter = page.locator(f"a[href='{followed.removeprefix(world.url)}/letter']")
    expect(letter).to_be_visible()
    page.goto(f"{followed}/letter")
    expect(page.locator("body")).to_contain_text("三月份扣了我两次钱。")
    page.goto(followed)
    page.locator("input[name=settled][value=yes]").check()
    page.locator("form[action$='/answer'] button.primary").click()
    expect(page.locator("body")).to_contain_text("谢谢！您的投诉已结案。")
    shows(page, "这件投诉已经结案。")
    with world.tx() as tx:
        assert the_case(tx).stage == CLOSED
    context.close()
