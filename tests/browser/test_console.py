"""The console in a real browser: work arrives by itself, everything goes by keyboard, and the page is what the server says."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.actions.chats import chats
from desk.models import Agent, Calendar, Call, Chat, Message, Queue, Ticket
from tests.browser.sameness import same_after_loading_again
from tests.browser.shown import expect_shown, has_shown, keep_words_of
from tests.browser.signed_in import signed_in
from tests.live.wire import Wire
from tests.world import World, running, settings_for

ALL_DAY = [[["00:00", "24:00"]]] * 7
CALLER = "+8613800138000"


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path)) as world:
        with world.tx() as tx:
            for calendar in tx.session.scalars(select(Calendar)):
                calendar.week, calendar.holidays, calendar.workdays = ALL_DAY, [], {}
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = 300
        yield world


@pytest.fixture
def context(chromium: Browser):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    yield context
    context.close()


def console(context, world: World, agent: Agent) -> Page:
    """The agent's console, signed in, live, and with the agent available."""
    page = signed_in(context, world.url, agent, hears_console=True)
    page.get_by_role("button", name="Become available", exact=True).click()
    expect(page.locator("#presence-button")).to_contain_text("Available")
    return page


def test_a_mail_is_offered_accepted_answered_and_solved_by_keyboard_without_reloading(context, world):
    page = console(context, world, world.agent())
    page.evaluate("window.notReloaded = true")
    world.send("The second charge is 128 yuan. Please refund it.", subject="Charged twice")

    offer = page.locator("li.offer")
    expect(offer).to_contain_text("Charged twice")
    page.keyboard.press("a")
    expect(page.locator("#ticket h1")).to_contain_text("Charged twice")
    expect(page.locator("#timeline")).to_contain_text("The second charge is 128 yuan")
    expect(offer).to_have_count(0)
    expect(page.locator("#worklist .is-current")).to_contain_text("Charged twice")

    begin(page, "n")
    page.keyboard.type("Billing confirms it.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.is-note")).to_contain_text("Billing confirms it.")
    expect(page.locator("#composer-text")).to_have_value("")
    leave_the_field(page)
    begin(page, "r")
    page.keyboard.type("We return the second charge today.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.is-agent")).to_contain_text("We return the second charge today.")
    expect(page.locator(".entry.is-agent .delivery")).to_contain_text("Sent")
    expect(page.locator("#composer-text")).to_have_value("")

    leave_the_field(page)
    page.keyboard.press("s")
    expect(page.get_by_label("What was it about?")).to_be_focused()
    page.keyboard.type("B")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Second charge returned.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#ticket-head")).to_contain_text("Second charge returned.")
    expect(page.locator("#solve")).not_to_be_visible()
    assert world.ticket().status == "solved"
    assert world.ticket().category == "billing"
    assert world.mailbox("li.na@customers.example")

    assert page.evaluate("window.notReloaded")
    expect(page.locator("#worklist")).to_contain_text("Nothing in hand.")
    same_after_loading_again(page, parts=6)
    assert page.faults == []


def test_an_answer_of_the_customer_appears_on_the_open_ticket_and_the_typed_text_stays(context, world):
    page = console(context, world, world.agent())
    first = world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    begin(page, "r")
    page.keyboard.type("Please press res")
    world.send("It is red now.", subject="Re: Router", headers={"In-Reply-To": f"<{first}>", "Message-ID": "<two@x.example>"})
    expect(page.locator("#timeline")).to_contain_text("It is red now.")
    expect(page.locator("#composer-text")).to_have_value("Please press res")
    expect(page.locator("#composer-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#composer-text")).to_have_value("")
    expect(page.locator(".entry.is-agent .delivery")).to_contain_text("Sent")
    same_after_loading_again(page, parts=6)
    assert page.faults == []


def test_a_note_that_is_being_written_stays_a_note_when_the_chat_ends(context, world):
    maya = world.agent()
    page = console(context, world, maya)
    chat_id, number, _token = open_chat(world)
    expect(page.locator("li.offer")).to_contain_text("Chat")
    page.keyboard.press("a")
    expect(page.locator(".bubble.is-them")).to_contain_text("Where is my parcel?")

    begin(page, "r")
    page.keyboard.type("I am looking.")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.is-us")).to_contain_text("I am looking.")
    expect(page.locator("#composer-text")).to_have_value("")
    leave_the_field(page)
    begin(page, "n")
    page.keyboard.type("He sounds annoyed")
    with world.tx() as tx:
        chats.end_chat(tx, tx.session.get(Chat, chat_id), "customer")
    expect(page.locator("#kind-chat")).to_have_count(0)
    expect(page.locator("#kind-note input")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.is-note")).to_contain_text("He sounds annoyed")
    assert world.mailbox("wang@customers.example") == []

    page.get_by_role("button", name="Finish the wrap-up").click()
    expect(page.locator("#worklist")).to_contain_text("Nothing in hand.")
    assert world.ticket(number).owner_id == maya.id
    same_after_loading_again(page, parts=6)
    assert page.faults == []


def test_an_agent_sees_that_the_visitor_writes(context, world):
    page = console(context, world, world.agent())
    *_, token = open_chat(world)
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(".bubble.is-them")).to_be_visible()
    typing = page.locator("#typing")
    keep_words_of(typing)
    window = Wire(world.url, "/visitor", {"token": token, "locale": "en"})
    for _ in range(180):  # said again and again while the visitor writes; the page may only just have begun to listen
        window.call("typing")
        if has_shown(typing, "Wang Wei is writing"):
            break
        page.wait_for_timeout(250)
    expect_shown(typing, "Wang Wei is writing")
    window.close()


def test_a_call_is_taken_held_ended_and_wrapped_up_by_keyboard_while_reading_another_ticket(context, world):
    maya = world.agent()
    world.send("Something else.", subject="Another matter")
    other = world.until(world.ticket)
    page = console(context, world, maya)
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("Something else.")

    carrier = world.desk.carrier
    sid = carrier.dial(CALLER)
    world.until(lambda: world.one(select(Call)))
    for key in ("2", "1"):
        world.until(lambda key=key: carrier.press(sid, key))
    expect(page.locator("li.offer")).to_contain_text("Call about billing")
    page.locator("#ticket h1").click()
    page.keyboard.press("a")
    strip = page.locator("#call-strip")
    expect(strip).to_contain_text("On call")
    expect(page.locator("#ticket h1")).to_contain_text("Call about billing")
    world.until(lambda: carrier.speak(sid, "You charged me twice.") == 1)  # the phone is in the call by then
    expect(strip).to_contain_text("You charged me twice.")

    page.locator("#worklist").get_by_role("link", name="li.na").or_(
        page.locator(f"#worklist a[href$='{other.number}']")
    ).first.click()
    expect(page.locator("#ticket h1")).to_contain_text("Another matter")
    expect(strip).to_contain_text("On call")
    page.locator("#ticket h1").click()
    page.keyboard.press("h")
    expect(strip).to_contain_text("On hold")
    page.keyboard.press("h")
    expect(strip).to_contain_text("On call")
    page.keyboard.press("m")
    expect(page.locator("#call-mute")).to_contain_text("Unmute")
    page.keyboard.press("e")
    expect(strip).to_contain_text("Wrap-up")
    strip.get_by_label("How the call ended").select_option("solved")
    strip.get_by_placeholder("Note for colleagues").fill("Paid back.")
    page.keyboard.press("Control+Enter")
    expect(strip).to_have_text(re.compile(r"^\s*$"))
    call = world.one(select(Call))
    assert (call.state, call.wrap_up_code, call.agent_id) == ("done", "solved", maya.id)
    assert world.one(select(Message.text).where(Message.kind == "note")) == "Paid back."
    assert page.faults == []


def test_pages_change_without_a_reload_and_the_back_key_goes_back(context, world):
    page = console(context, world, world.agent())
    page.evaluate("window.notReloaded = true")
    world.send("First.", subject="First matter")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#ticket h1")).to_contain_text("First matter")
    page.get_by_role("link", name="All tickets").click()
    expect(page.get_by_role("heading", name="Tickets")).to_be_visible()
    expect(page.locator("#ticket-rows a[data-place]").first).to_contain_text("First matter")
    page.keyboard.press("j")
    expect(page.locator("#ticket-rows a:focus")).to_contain_text("First matter")
    page.get_by_role("searchbox", name="Search tickets").fill("First")
    page.get_by_role("searchbox", name="Search tickets").press("Enter")
    page.wait_for_url("**q=First**")
    page.go_back()
    page.wait_for_url(lambda url: "q=First" not in url)
    page.go_back()
    expect(page.locator("#ticket h1")).to_contain_text("First matter")
    assert page.evaluate("window.notReloaded")
    assert page.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 375])
def test_nothing_runs_out_of_the_window_and_axe_finds_nothing(chromium, world, axe_source, scheme, width):
    context = chromium.new_context(
        locale="zh-CN" if width == 375 else "en-GB",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",  # contrast is that of colours that stand still
    )
    context.set_default_timeout(45_000)
    try:
        maya = world.agent(roles=("supervisor",), available=True)
        world.send("My bill is wrong.\n\nOn Monday you wrote:\n> hello", subject="March bill")
        ticket = world.until(world.ticket)
        browser = world.browser(maya.email)
        browser.post(f"/desk/tickets/{ticket.number}/complaint", data={"statement": "Too slow", "category": "billing"})
        for name, value in browser.cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": world.url}])
        page = context.new_page()
        for path in (
            "/desk",
            f"/desk/tickets/{ticket.number}",
            "/desk/tickets?view=all",
            "/desk/complaints",
            "/desk/tickets/new",
        ):
            page.goto(world.url + path)
            expect(page.locator("#net")).to_have_attribute("data-state", "live")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            page.evaluate(axe_source)
            found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
            assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found] == [], path
    finally:
        context.close()


def begin(page: Page, key: str) -> None:
    """Press the key of a way to answer; the next letter is text."""
    page.keyboard.press(key)
    expect(page.locator("#composer-text")).to_be_focused()


def leave_the_field(page: Page) -> None:
    """Keys are keys again."""
    page.keyboard.press("Escape")
    expect(page.locator("#composer-text")).not_to_be_focused()


def open_chat(world: World) -> tuple[int, int, str]:
    """A visitor's chat that waits; its id, its ticket's number and the secret of the visitor's window."""
    with world.tx() as tx:
        question = {
            "client_id": "11111111-2222-4333-8444-555555555555",
            "name": "Wang Wei",
            "email": "wang@customers.example",
            "topic": "other",
            "text": "Where is my parcel?",
            "locale": "en",
        }
        chat, token = chats.open_chat(tx, question)
        return chat.id, tx.session.get_one(Ticket, chat.ticket_id).number, token
