"""The phone on screen: every step by keyboard, one tab that rings, supervisors on the board, and nothing out of the window."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from desk.models import Agent, Calendar, Call, CallSegment, HelpRequest, Queue
from desk.models.agent import NOT_RESPONDING
from tests.browser.signed_in import signed_in
from tests.web.call_world import a_call, a_cry, a_leg, a_part, a_ticket
from tests.world import World, running, settings_for

CALLER = "+8613800138000"
PATIENCE_MS = 45_000
ALL_DAY = [[["00:00", "24:00"]]] * 7


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        with world.tx() as tx:
            for calendar in tx.session.scalars(select(Calendar)):
                calendar.week, calendar.holidays, calendar.workdays = ALL_DAY, [], {}
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = 300
        yield world


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[list[BrowserContext]]:
    made: list[BrowserContext] = []
    yield made
    for context in made:
        context.close()


def at_the_desk(chromium: Browser, contexts: list[BrowserContext], world: World, agent: Agent, path: str = "/desk") -> Page:
    """The agent's page in a browser of their own, live, with the phone ready."""
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    contexts.append(context)
    page = signed_in(context, world.url, agent)
    if path != "/desk":
        page.goto(world.url + path)
        expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("#phone-light")).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    return page


def become_available(page: Page) -> None:
    page.locator("#presence-button").click()
    page.locator("#be-available").click()
    expect(page.locator("#presence-button")).to_contain_text("Available")


def call_in(world: World) -> str:
    """A caller goes through the menu in English to billing and waits."""
    carrier = world.desk.carrier
    sid = carrier.dial(CALLER)
    world.until(lambda: world.one(select(Call).where(Call.sid == sid)))
    for key in ("2", "1"):
        world.until(lambda key=key: carrier.press(sid, key))
    return sid


def test_a_call_is_taken_on_any_page_consulted_about_and_handed_over_by_keyboard(chromium, contexts, world):
    maya = world.agent("Maya", skills={"lang:en": 9, "billing": 9})
    tom = world.agent("Tom", skills={"lang:zh": 9, "billing": 5})
    page = at_the_desk(chromium, contexts, world, maya, "/desk/calls")
    become_available(page)
    call_in(world)
    strip = page.locator("#call-strip")
    expect(strip.locator(".is-ringing")).to_contain_text("Call for you", timeout=PATIENCE_MS)
    expect(page).to_have_title("(1) Calls · Service Desk")
    page.keyboard.press("a")
    expect(strip.locator("[data-call-state=talking]")).to_contain_text("On call", timeout=PATIENCE_MS)

    expect(strip).to_contain_text("Recorded")
    page.keyboard.press("g")
    expect(strip.locator(".recording.is-paused")).to_contain_text("NOT RECORDED")
    page.keyboard.press("g")
    expect(strip.locator(".recording.is-on")).to_be_visible()

    for key, state in (("h", "hold"), ("h", "talking")):
        page.keyboard.press(key)
        expect(strip.locator(f"[data-call-state={state}]")).to_be_visible()

    page.keyboard.press("x")
    dialog = page.locator("#call-targets")
    expect(dialog.get_by_role("heading")).to_have_text("Transfer the call")
    expect(dialog.locator(f"#target-agent-{tom.id}")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    other = at_the_desk(chromium, contexts, world, tom)
    become_available(other)
    page.keyboard.press("o")
    expect(dialog.get_by_role("heading")).to_have_text("Ask somebody first")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("tom")
    option = dialog.locator("[role=option][aria-selected=true]")
    expect(option).to_contain_text("Tom")
    expect(dialog.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(dialog.locator("[name=note]")).to_be_focused()
    page.keyboard.type("Knows March")
    page.keyboard.press("Enter")
    expect(strip.locator(".consult-bar")).to_contain_text("Ringing Tom")

    ring = other.locator("#call-strip .is-ringing")
    expect(ring).to_contain_text("Maya asks you")
    expect(ring).to_contain_text("Knows March")
    other.keyboard.press("a")
    expect(strip.locator(".consult-bar")).to_contain_text("You speak with Tom; the customer waits", timeout=PATIENCE_MS)
    expect(other.locator("#call-strip")).to_contain_text("Advice for Maya")
    page.keyboard.press("w")
    expect(strip.locator(".consult-bar")).to_contain_text("You speak with the customer; Tom waits")
    page.keyboard.press("y")
    expect(strip).to_contain_text("Three-way call")
    page.keyboard.press("x")
    expect(strip.locator("[data-call-state=wrap_up]")).to_contain_text("Wrap-up")
    expect(other.locator("#call-strip")).to_contain_text("On call", timeout=PATIENCE_MS)

    page.keyboard.press("e")
    expect(strip.get_by_label("What it was about")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(strip.get_by_placeholder("Note for colleagues")).to_be_focused()
    page.keyboard.type("Tom pays it back.")
    page.keyboard.press("Enter")
    expect(strip.locator(".call-strip")).to_have_count(0)
    part = world.one(select(CallSegment).where(CallSegment.agent_id == maya.id))
    assert (part.outcome, part.ended_by, part.state) == ("transferred", "transfer_warm", "done")
    assert page.faults == []
    assert other.faults == []


def test_a_cry_for_help_is_heard_on_the_board_and_answered_with_keys(chromium, contexts, world):
    maya, boss = world.agent("Maya", skills={"lang:en": 9, "billing": 9}), world.agent("Sumin", roles=("supervisor",))
    page = at_the_desk(chromium, contexts, world, maya)
    become_available(page)
    board = at_the_desk(chromium, contexts, world, boss, "/board")
    call_in(world)
    expect(page.locator("#call-strip .is-ringing")).to_be_visible(timeout=PATIENCE_MS)
    page.keyboard.press("a")
    expect(page.locator("[data-call-state=talking]")).to_be_visible(timeout=PATIENCE_MS)

    page.keyboard.press("u")
    expect(page.locator("#help-form [name=text]")).to_be_focused()
    page.keyboard.type("Above my limit")
    page.keyboard.press("Enter")
    expect(board.locator(".help-call")).to_contain_text("Maya asks for help")
    expect(board.locator(".help-call")).to_contain_text("Above my limit")
    board.keyboard.press("i")
    expect(board.locator(".help-call")).to_contain_text("Sumin is helping")
    expect(page.locator(".help-asked")).to_contain_text("Help is coming")

    row = board.locator("[data-call-row]").first
    expect(row).to_contain_text("on the phone")
    row.focus()
    board.keyboard.press("l")
    expect(row).to_contain_text("Sumin listens", timeout=PATIENCE_MS)
    expect(page.locator(".overheard")).to_contain_text("Sumin listens")
    expect(board.locator("#call-strip .is-watched")).to_contain_text("You listen")
    row.focus()
    board.keyboard.press("w")
    expect(page.locator(".overheard")).to_contain_text("Sumin whispers to you")
    row.focus()
    board.keyboard.press("e")
    expect(page.locator(".overheard")).to_have_count(0)
    assert world.one(select(HelpRequest)).answered_by == boss.id
    assert page.faults == []
    assert board.faults == []


def test_of_several_tabs_one_has_the_phone_and_the_next_takes_it_over(chromium, contexts, world):
    first = at_the_desk(chromium, contexts, world, world.agent("Maya"))
    second = first.context.new_page()
    second.goto(f"{world.url}/desk")
    light = second.locator("#phone-light")
    expect(light).to_have_attribute("data-state", "elsewhere")
    expect(light).to_contain_text("Phone in another tab")
    light.click()
    second.locator("#phone-here").click()
    expect(light).to_have_attribute("data-state", "ready")
    expect(first.locator("#phone-light")).to_have_attribute("data-state", "elsewhere")
    second.close()
    expect(first.locator("#phone-light")).to_have_attribute("data-state", "ready")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory) -> Iterator[tuple[World, Agent, Call]]:
    """Everything at once on one agent's strip and on the board; no telephone is connected to any of it."""
    with running(settings_for(tmp_path_factory.mktemp("screens")), background=False) as world:
        maya, tom = world.agent("Maya", roles=("supervisor",)), world.agent("Tom")
        with world.tx() as tx:
            ticket = a_ticket(tx)
            ticket.owner_id = maya.id
            call = a_call(
                tx, ticket, state="consult", recording="paused", recording_pause_until=tx.now + timedelta(minutes=2),
                hold=[[tx.now.isoformat(), ""]],
            )  # fmt: skip
            a_part(tx, call, maya, state="consult")
            a_leg(tx, call, "consult", tom)
            a_leg(tx, call, "supervisor", tom, mode="whisper")
            a_cry(tx, call, maya, "A refund above my limit")
            over = a_call(tx, ticket, state="wrap_up", minutes_ago=9)
            a_part(tx, over, maya, state="wrap_up", ended_by="dropped", wrap_until=tx.now - timedelta(seconds=1))
            a_part(tx, a_call(tx, a_ticket(tx, "+8613800138099", name="Wang Wei"), recording="on"), tom)
        yield world, maya, over


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 375])
def test_nothing_runs_out_of_the_window_and_axe_finds_nothing(chromium, seeded, axe_source, scheme, width):
    world, maya, over = seeded
    context = chromium.new_context(
        locale="zh-CN" if width == 1024 else "en-GB",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",  # contrast is that of colours that stand still
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        for name, value in world.browser(maya.email).cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": world.url}])
        page = context.new_page()
        for path in ("/desk", "/board", "/desk/calls", f"/desk/calls/{over.id}"):
            page.goto(world.url + path)
            expect(page.locator("#net")).to_have_attribute("data-state", "live")
            expect(page.locator("#call-strip .consult-bar")).to_be_visible()
            page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
            expect(page.locator("#call-strip .consult-bar")).to_be_in_viewport()
            clean(page, axe_source, width, path)
        for opener, dialog in (("#phone-light", "#phone-check"), ("#open-dialer", "#dialer")):
            page.locator(opener).click()
            expect(page.locator(dialog)).to_be_visible()
            expect(page.locator(f"{dialog} .skeleton")).to_have_count(0)
            clean(page, axe_source, width, dialog)
            page.keyboard.press("Escape")
            expect(page.locator(dialog)).to_be_hidden()
    finally:
        context.close()


APART = """() => {
  const end = document.querySelector(".topbar-end").getBoundingClientRect();
  const said = [...document.querySelectorAll("#own-presence > :not([popover])")].map((part) => part.getBoundingClientRect());
  return said.every((one) => one.right <= end.left || one.bottom <= end.top || end.bottom <= one.top);
}"""


def test_who_missed_an_offer_reads_so_in_the_bar_at_any_width(chromium, seeded):
    world, _maya, _over = seeded
    nora = world.agent("Nora")
    with world.tx() as tx:
        tx.session.get_one(Agent, nora.id).presence = NOT_RESPONDING
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    try:
        for name, value in world.browser(nora.email).cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": world.url}])
        page = context.new_page()
        page.goto(f"{world.url}/desk/calls")
        expect(page.locator("#available-again")).to_be_visible()
        expect(page.locator("#presence-button")).to_contain_text("Not responding")
        for width in (1440, 1024, 375):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(APART), width
    finally:
        context.close()


def clean(page: Page, axe_source: str, width: int, where: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, where
    page.evaluate(axe_source)
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    assert [(each["id"], [node["html"][:150] for node in each["nodes"]]) for each in found] == [], where
