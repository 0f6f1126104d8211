"""The board, customers and articles in a real browser: they follow events, hold still under the pointer, work by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.models import Agent, ContactPoint, Customer, Event, Queue, WorkItem
from tests.browser.shown import expect_shown, keep_words_of, wait_for_menu
from tests.world import PASSWORD, World, running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), roles=frozenset({"router"})) as world:
        world.agent("Su", roles=("supervisor",), skills={})
        yield world


@pytest.fixture
def context(chromium: Browser):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    yield context
    context.close()


def open_page(context, world: World, address: str, email: str = "su@desk.example", *, signed_in: bool = False) -> Page:
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    if not signed_in:
        page.goto(f"{world.url}/login")
        page.locator("[name=email]").fill(email)
        page.locator("[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
    page.goto(world.url + address)
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    return page


def wait_in_line(world: World, name: str = "Li Na", channel: str = "email") -> WorkItem:
    with world.tx() as tx:
        customer = customers.identify(tx, "email", f"{name.replace(' ', '.')}@customers.example", name=name, locale="en")
        queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Help", channel=channel)
        item = work_items.enqueue(tx, "chat" if channel == "chat" else "ticket", channel, ticket, queue)
        tx.session.flush()
    return item


def state_of(world: World, item: WorkItem) -> str:
    return world.one(select(WorkItem.state).where(WorkItem.id == item.id))


WORDS = """() => {
  const copy = document.querySelector("#board").cloneNode(true);
  for (const node of copy.querySelectorAll("time, #board-at")) node.remove();
  return copy.textContent.replace(/\\s+/g, " ").trim();
}"""


def test_the_board_follows_what_happens_and_is_then_what_a_fresh_one_is(world, context):
    page = open_page(context, world, "/board")
    expect(page.locator("#waiting")).to_have_count(0)
    item = wait_in_line(world)
    expect(page.locator(f"#waiting-{item.id}")).to_contain_text("Li Na")
    expect(page.locator("#figure-waiting .figure-value")).to_have_text("1")
    with world.tx() as tx:
        work_items.abandon(tx, tx.session.get_one(WorkItem, item.id))
    expect(page.locator(f"#waiting-{item.id}")).to_have_count(0)
    second = wait_in_line(world, "Wang Wei")
    expect(page.locator(f"#waiting-{second.id}")).to_be_visible()
    expect(page.locator("#calls-title")).to_be_visible()
    fresh = open_page(context, world, "/board", signed_in=True)
    expect(fresh.locator("#calls-title")).to_be_visible()  # the calls come after the page
    for _ in range(180):
        pushed, loaded = page.evaluate(WORDS), fresh.evaluate(WORDS)
        if pushed == loaded:
            break
        page.wait_for_timeout(250)  # a push may still be under way
    assert pushed == loaded
    assert page.faults == fresh.faults == []


# Notes the names that an answer has brought and that were not put in at once while the pointer was on the board.
WATCH = """(names) => {
  window.held = [];
  const { text } = Response.prototype;
  Response.prototype.text = async function () {
    const body = await text.call(this);
    setTimeout(() => {
      const board = document.querySelector("#board");
      const waits = (name) => body.includes(name) && board.matches(":hover") && !board.textContent.includes(name);
      window.held.push(...names.filter(waits));
    });
    return body;
  };
}"""


def test_rows_hold_still_while_the_pointer_is_on_the_board(world, context):
    first = wait_in_line(world)
    page = open_page(context, world, "/board")
    page.locator(f"#waiting-{first.id} button").hover()
    names = ["Wang Wei", "Zhao Lei", "Chen Jie"]
    page.evaluate(WATCH, names)
    for name in names:
        row = wait_in_line(world, name)
        expect(page.locator(f"#waiting-{row.id}")).to_be_visible()  # for a while only, though the pointer stays
        if name in page.evaluate("held"):  # or it came when something else had been held back long enough
            break
    assert page.evaluate("held")
    last = wait_in_line(world, "Liu Yang")
    page.mouse.move(2, 2)
    expect(page.locator(f"#waiting-{last.id}")).to_be_visible()


def test_a_figure_says_what_it_means_to_the_keyboard(world, context):
    page = open_page(context, world, "/board")
    label = page.locator("#figure-service_level .figure-label")
    tip = page.locator("#tip-service_level")
    expect(tip).to_be_hidden()
    label.focus()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("SL-2")
    expect(tip).to_contain_text("20 s")


def test_a_supervisor_sees_why_work_waits_and_gives_it_to_somebody(world, context):
    maya = world.agent("Maya", available=False)
    item = wait_in_line(world)
    page = open_page(context, world, "/board")
    page.locator(f"#waiting-{item.id}").get_by_role("button", name="Why, and act").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Maya")
    expect(dialog).to_contain_text("not available")
    dialog.get_by_label("Give it to").select_option(label="Maya")
    keep_words_of(page.locator("#toasts"))
    dialog.get_by_role("button", name="Give", exact=True).click()
    expect_shown(page.locator("#toasts"), "Maya has it now.")
    expect(dialog).to_be_hidden()
    expect(page.locator(f"#agent-{maya.id} .in-hand")).to_contain_text("Li Na")
    assert state_of(world, item) == "active"


def test_an_agents_state_is_changed_and_their_work_sent_back_by_keyboard_alone(world, context):
    maya = world.agent("Maya", available=True)
    with world.tx() as tx:
        work_items.take(tx, wait_in_line_in(tx).id, maya.id)
    item = world.one(select(WorkItem))
    page = open_page(context, world, "/board")
    menu = page.locator(f"#agent-{maya.id}").get_by_role("button", name="Actions for Maya")
    menu.focus()
    page.keyboard.press("Enter")
    wait_for_menu(page)
    back = page.locator(f"#agent-menu-{maya.id}").get_by_role("button", name="Li Na")
    back.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#waiting-{item.id}")).to_be_visible()
    menu.focus()
    page.keyboard.press("Enter")
    wait_for_menu(page)
    page.locator(f"#agent-menu-{maya.id}").get_by_role("button", name="Away: Lunch").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#agent-{maya.id} > td").first).to_contain_text("Lunch")
    assert world.one(select(Agent.presence).where(Agent.id == maya.id)) == "away"


def wait_in_line_in(tx) -> WorkItem:
    customer = customers.identify(tx, "email", "li.na@customers.example", name="Li Na", locale="en")
    queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
    ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Help", channel="email")
    return work_items.enqueue(tx, "ticket", "email", ticket, queue)


def test_the_wallboard_follows_and_fills_the_screen(world, context):
    page = open_page(context, world, "/wallboard")
    expect(page.locator("#tile-live .figure-value")).to_have_text("0")
    wait_in_line(world, channel="chat")
    expect(page.locator("#tile-live .figure-value")).to_have_text("1")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert page.evaluate("getComputedStyle(document.querySelector('#tile-live .figure-value')).fontSize") == "96px"


def test_what_was_revealed_stays_in_sight_when_the_page_follows_the_event(world, context):
    world.agent("Maya")
    wait_in_line(world)
    with world.tx() as tx:
        customer = tx.session.scalar(select(Customer))
        customers.add_contact_point(tx, customer, "phone", "+8613800138000")
    point = world.one(select(ContactPoint).where(ContactPoint.kind == "phone"))
    page = open_page(context, world, f"/desk/customers/{customer.id}", "maya@desk.example")
    row = page.locator(f"#contact-{point.id}")
    expect(row).to_contain_text("••••")
    with page.expect_response(lambda answer: answer.url.endswith("/card")):
        row.get_by_role("button", name="Show").click()
    expect(row).to_contain_text("+8613800138000")
    with world.tx() as tx:
        customers.set_tier(tx, tx.session.get_one(Customer, customer.id), "vip")
    expect(page.locator("#card")).to_contain_text("VIP")
    expect(row).to_contain_text("+8613800138000")
    assert world.one(select(Event.actor_name).where(Event.kind == "customer.revealed")) == "Maya"


def test_the_preview_follows_the_typing(world, context):
    page = open_page(context, world, "/desk/articles/new")
    page.get_by_label("Title").fill("Refunds")
    page.get_by_label("The answer").press_sequentially("**soon**")
    expect(page.locator("#preview strong")).to_have_text("soon")
    expect(page.locator("#preview .preview-title")).to_have_text("Refunds")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Refunds")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_small_screen(world, chromium, axe_source, theme):
    item = wait_in_line(world)
    world.agent("Maya", available=False)
    world.agent("Priya", roles=("admin",), skills={})
    context = chromium.new_context(
        locale="en-GB", color_scheme=theme, viewport={"width": 375, "height": 800}, reduced_motion="reduce", bypass_csp=True
    )
    pages = {
        "su@desk.example": [
            "/board",
            "/wallboard",
            "/board/rows?figure=waiting",
            "/desk/customers",
            "/desk/customers/1",
            "/desk/articles/new",
        ],
        "priya@desk.example": ["/admin", "/admin/people/2", "/admin/queues/2", "/admin/tokens", "/admin/audit", "/admin/health"],
    }
    faults = []
    for email, addresses in pages.items():
        context.clear_cookies()
        page = open_page(context, world, addresses[0], email)
        for address in addresses:
            page.goto(world.url + address)
            expect(page.locator("#net")).to_have_attribute("data-state", "live")
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, address
            page.evaluate(axe_source)
            found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
            faults += [
                (address, fault["id"], [node["html"][:120] for node in fault["nodes"][:2]]) for fault in found["violations"]
            ]
        page.close()
    context.close()
    assert faults == []
    assert state_of(world, item) == "waiting"
