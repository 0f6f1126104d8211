"""A complaint from the mail to its end by nothing but keys: by one in Chinese, agreed to by another, asked by a third."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete, select

from desk.models import Agent, Complaint, CorrectiveAction, Setting
from desk.models.complaint import ACKNOWLEDGED, APPROVAL, ASSESSED, CLOSED, DECIDED, DRAFTED, FOLLOW_UP, INVESTIGATING
from desk.queries.surveys.rules import SETTING, survey_rules
from tests.browser.signed_in import signed_in
from tests.browser.test_keys_alone import tab_to
from tests.web.console_world import mail
from tests.world import World, running, settings_for

FAR = 120  # keys from one end of a page to the other
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A desk with three who handle complaints; nothing happens there by itself."""
    with running(settings_for(tmp_path_factory.mktemp("by-keys")), background=False) as world:
        yield world


@pytest.fixture
def desk_of(chromium: Browser, world: World):
    """What a person has before them; each in a browser of their own, in their own language."""
    contexts = []

    def of(name: str, locale: str) -> Page:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce", locale=locale)
        context.set_default_timeout(45_000)
        contexts.append(context)
        page = signed_in(context, world.url, person(world, name), hears_console=True)
        expect(page.locator("html")).to_have_attribute("lang", locale)  # as they have set it
        return page

    yield of
    for context in contexts:
        context.close()


def person(world: World, name: str) -> Agent:
    return world.one(select(Agent).where(Agent.name == name))


def come_to(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#net")).to_have_attribute("data-state", "live")


def has_focus(page: Page, place: str) -> None:
    expect(page.locator(place)).to_be_focused()


def choose(page: Page, place: str, value: str) -> None:
    """Go down in a list that has the focus until it says this."""
    has_focus(page, place)
    for _ in range(20):
        if page.locator(place).input_value() == value:
            break
        page.keyboard.press("ArrowDown")
    expect(page.locator(place)).to_have_value(value)


def write(page: Page, place: str, words: str) -> None:
    """Go on to this field and write into it."""
    tab_to(page, place, most=8)
    page.keyboard.type(words)
    expect(page.locator(place)).to_have_value(words)


def send(page: Page, form: str) -> None:
    """Go on to the form's button and press it."""
    tab_to(page, f"{form} button[type=submit]", most=20)
    page.keyboard.press("Enter")


def stage(world: World, wanted: str) -> None:
    assert world.until(lambda: world.one(select(Complaint.stage).where(Complaint.stage == wanted))) == wanted


def test_a_complaint_goes_its_whole_way_by_keys_alone(world: World, desk_of) -> None:
    for name in ("Emil", "Ruth", "Nora"):
        world.agent(name, roles=("agent", "complaint_officer"))
    with world.tx() as tx:
        tx.session.get_one(Agent, person(world, "Emil").id).locale = "zh"
    number = mail(world, "我被扣了两次钱。", external_id="angry").number

    emil = desk_of("Emil", "zh-CN")
    come_to(emil, f"{world.url}/desk/tickets/{number}")
    tab_to(emil, "#side [role=tab][aria-selected=true]", most=FAR)
    for tab in ("knowledge", "complaint"):
        emil.keyboard.press("ArrowRight")
        has_focus(emil, f"#tab-side-{tab}")
    tab_to(emil, "#open-complaint", most=FAR)
    emil.keyboard.press("Enter")
    has_focus(emil, "#complaint-statement")
    emil.keyboard.type("三月份扣了两次钱。")
    tab_to(emil, "#complaint-category", most=8)
    choose(emil, "#complaint-category", "billing")
    send(emil, "#register-complaint")
    stage(world, ACKNOWLEDGED)

    case = f"{world.url}/desk/complaints/{number}"
    come_to(emil, case)
    expect(emil.locator("#step-assessed")).to_be_visible()
    emil.keyboard.press("n")
    has_focus(emil, "#step-category")
    tab_to(emil, "#step-severity", most=4)
    for _ in range(3):
        emil.keyboard.press("ArrowUp")
    choose(emil, "#step-severity", "2")
    send(emil, "#step-form-assessed")
    stage(world, ASSESSED)
    expect(emil.locator("#step-form-investigating button")).to_be_visible()
    has_focus(emil, "#case-file")  # what had the focus is gone; the keyboard stays in the case
    emil.keyboard.press("n")
    stage(world, INVESTIGATING)

    expect(emil.locator("summary[data-key=f]")).to_be_visible()
    emil.keyboard.press("f")
    point = emil.locator("[id^=form-find-] select").get_attribute("id").rpartition("-")[2]
    choose(emil, f"#finding-{point}", "proven")
    write(emil, f"#finding-reason-{point}", "账单上有两笔。")
    send(emil, f"#form-find-{point}")
    expect(emil.locator("summary[data-key=f]")).to_have_count(0)
    has_focus(emil, f"#form-find-{point} button")  # the same form stays, and may be corrected

    emil.keyboard.press("w")
    has_focus(emil, "#why-1")
    emil.keyboard.type("重复提交。")
    write(emil, "#why-2", "没有幂等键。")
    tab_to(emil, "#cause-code", most=8)
    choose(emil, "#cause-code", "technology_fault")
    send(emil, "#form-cause")
    world.until(lambda: world.one(select(Complaint.cause).where(Complaint.cause == "technology_fault")))

    emil.keyboard.press("y")
    choose(emil, "#draft-outcome", "upheld")
    write(emil, "#draft-looked-into", "核对了账单。")
    write(emil, "#draft-reasons", "确实扣了两次。")
    write(emil, "#draft-apology", "非常抱歉。")
    send(emil, "#form-draft")
    stage(world, DRAFTED)
    expect(emil.locator("#form-submit button")).to_be_visible()
    has_focus(emil, "#case-file")
    emil.keyboard.press("y")
    stage(world, APPROVAL)

    ruth = desk_of("Ruth", "en")
    come_to(ruth, case)
    expect(ruth.locator("#form-approve button")).to_be_visible()
    ruth.keyboard.press("y")
    stage(world, DECIDED)

    expect(emil.locator("#step-form-follow_up button")).to_be_visible()
    emil.keyboard.press("n")
    stage(world, FOLLOW_UP)

    nora = desk_of("Nora", "en")
    come_to(nora, f"{world.url}/desk/tickets/{number}")
    tab_to(nora, "[id^=follow-up-form-] select[name=outcome]", most=FAR)
    asked = nora.locator("[id^=follow-up-form-]").get_attribute("id").rpartition("-")[2]
    choose(nora, f"#asked-{asked}", "satisfied")
    send(nora, f"#follow-up-form-{asked}")
    stage(world, CLOSED)
    assert world.one(select(Complaint.outcome)) == "upheld"
    assert emil.faults == ruth.faults == nora.faults == []


@pytest.mark.parametrize(("name", "locale"), [("Ines", "en"), ("Liu", "zh-CN")])
def test_an_action_the_register_and_the_survey_settings_go_by_keys_alone(world: World, desk_of, name: str, locale: str) -> None:
    world.agent(name, roles=("complaint_officer", "admin"))
    with world.tx() as tx:
        tx.session.execute(delete(Setting).where(Setting.key == SETTING))  # as it ships
        tx.session.get_one(Agent, person(world, name).id).locale = locale[:2]
        due = (tx.now + timedelta(days=20)).date()
    page = desk_of(name, locale)

    come_to(page, f"{world.url}/desk/learning/actions")
    tab_to(page, "a[href='/desk/learning/actions/new']", most=FAR)
    page.keyboard.press("Enter")
    expect(page.locator("#f-title")).to_be_visible()
    # A field for a day is the browser's own, and which part of a day comes first in it depends on the machine.
    come_to(page, f"{page.url}?due={due}")
    tab_to(page, "#f-title", most=FAR)
    page.keyboard.type(f"A key for each try, {name}")
    write(page, "#f-change", "A try again charges nothing.")
    write(page, "#f-method", "Like complaints.")
    tab_to(page, "#f-owner", most=8)
    choose(page, "#f-owner", str(person(world, name).id))
    send(page, "form[action='/desk/learning/actions/new']")
    tab_to(page, "#done-evidence", most=FAR)
    page.keyboard.type("The release notes.")
    send(page, "form[action$='/done']")
    expect(page.locator("#done-evidence")).to_have_count(0)
    action = select(CorrectiveAction).where(CorrectiveAction.title == f"A key for each try, {name}")
    assert world.one(action).evidence == "The release notes."

    come_to(page, f"{world.url}/desk/complaints")
    tab_to(page, "a[href*='register.csv']", most=FAR)
    with page.expect_download(timeout=PATIENCE_MS) as register:
        page.keyboard.press("Enter")
    assert register.value.suggested_filename.endswith(".csv")

    come_to(page, f"{world.url}/admin/surveys")
    tab_to(page, "#f-every_days", most=FAR)
    page.keyboard.press("Control+a")
    page.keyboard.type("45" if name == "Ines" else "60")
    tab_to(page, "form button.primary[type=submit]", most=FAR)
    with page.expect_navigation(timeout=PATIENCE_MS):
        page.keyboard.press("Enter")
    with world.desk.store.read() as reading:
        assert survey_rules(reading).every_days == (45 if name == "Ines" else 60)
    assert page.faults == []
