"""Search and the command palette by keyboard alone, in both languages and with an input method, and a key of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from desk.actions.people import customers, own_keys
from desk.actions.tickets import tickets
from desk.models import Agent, Queue, Ticket
from desk.work.words import catch_up
from tests.browser.signed_in import signed_in
from tests.world import World, running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ticket that waits and another; nobody routes."""
    with running(settings_for(tmp_path_factory.mktemp("search")), background=False) as world:
        with world.tx() as tx:
            customer = customers.identify(tx, "email", "li.na@customers.example", name="Li Na")
            queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
            for subject in ("Broken earbud", "退款一直没有到账"):
                ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject=subject, channel="email")
                tickets.queue_work(tx, ticket, queue)
        catch_up(world.desk.store)
        yield world


def at_a_browser(chromium: Browser, world: World, agent: Agent) -> Page:
    context = chromium.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    return signed_in(context, world.url, agent)


def test_what_is_looked_for_is_opened_while_typing_by_keyboard(chromium, world):
    page = at_a_browser(chromium, world, world.agent("Maya", roles=("senior",)))
    page.keyboard.press("/")
    expect(page.locator("#top-search")).to_be_focused()
    page.keyboard.type("earb")
    expect(page.locator("#top-search-options")).to_have_attribute("data-words", "earb")  # not the answer to its first letters
    expect(page.locator("#top-search-options [role=option]").first).to_contain_text("Broken earbud")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#top-search")).to_have_attribute("aria-activedescendant", re.compile("o-tickets-"))
    page.keyboard.press("Enter")
    expect(page.locator("#ticket h1")).to_contain_text("Broken earbud")
    assert page.faults == []
    page.context.close()


def test_where_the_bar_has_no_room_the_field_lies_over_it(chromium, world):
    page = at_a_browser(chromium, world, world.agent("Mei", roles=("senior",)))
    page.set_viewport_size({"width": 1000, "height": 800})
    expect(page.locator("#top-search")).to_be_hidden()
    expect(page.locator("#top-search")).to_have_attribute("role", "combobox")  # without its script the button is a link
    page.keyboard.press("/")
    expect(page.locator("#top-search")).to_be_focused()
    page.keyboard.type("earb")
    expect(page.locator("#top-search-options [role=option]").first).to_contain_text("Broken earbud")
    page.keyboard.press("Escape")
    expect(page.locator("#top-search-options")).to_be_hidden()
    expect(page.locator("#top-search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#top-search")).to_be_hidden()
    expect(page.locator(".top-search-link")).to_be_focused()
    assert page.faults == []
    page.context.close()


def test_enter_without_a_choice_goes_to_the_page_of_results(chromium, world):
    page = at_a_browser(chromium, world, world.agent("Ada", roles=("senior",)))
    page.keyboard.press("/")
    expect(page.locator("#top-search")).to_be_focused()
    page.keyboard.type("退款")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/search?q=**")
    expect(page.locator("#found li").first).to_contain_text("退款一直没有到账")
    assert page.faults == []
    page.context.close()


def test_the_palette_in_chinese_waits_for_the_input_method_and_knows_first_letters_of_pinyin(chromium, world):
    agent = world.agent("Wen", roles=("senior",))
    with world.tx() as tx:
        tx.session.get_one(Agent, agent.id).locale = "zh"
    page = at_a_browser(chromium, world, agent)
    page.keyboard.press("Control+k")
    words = page.locator("#palette-words")
    expect(words).to_be_focused()
    expect(page.locator("#palette-list a[href='/desk/customers']")).to_be_attached()
    page.keyboard.type("kh")
    chosen = page.locator("#palette-list [role=option][aria-selected=true]")
    expect(chosen).to_contain_text("客户")
    words.fill("")
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "tui kuan", "selectionStart": 8, "selectionEnd": 8})
    # The input method's own Enter: it chooses a word and must neither go anywhere nor close anything.
    keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Process", "code": "Enter"})
    expect(page.locator("#palette")).to_have_attribute("open", "")
    assert page.url.rstrip("/").endswith("/desk")
    keys.send("Input.insertText", {"text": "退款"})
    expect(words).to_have_value("退款")
    found = page.locator("#palette-list a[href^='/desk/tickets/']").filter(has_text="退款一直没有到账").first
    expect(found).to_be_visible()
    for _ in range(30):
        if found.get_attribute("aria-selected") == "true":
            break
        page.keyboard.press("ArrowDown")
    expect(found).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket h1")).to_contain_text("退款一直没有到账")
    assert page.faults == []
    page.context.close()


def test_the_palette_takes_a_ticket_by_the_pages_own_button(chromium, world):
    maya = world.agent("Noor", roles=("senior",))
    page = at_a_browser(chromium, world, maya)
    number = world.one(select(Ticket.number).where(Ticket.subject == "Broken earbud"))
    page.goto(f"{world.url}/desk/tickets/{number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("#take")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-words")).to_be_focused()
    expect(page.locator("#palette-list a[href='/desk/customers']")).to_be_attached()
    page.keyboard.type("take")
    expect(page.locator("#palette-list [role=option][aria-selected=true]")).to_contain_text("Take")
    page.keyboard.press("Enter")
    world.until(lambda: world.one(select(Ticket.owner_id).where(Ticket.number == number)) == maya.id)
    expect(page.locator("#take")).to_have_count(0)
    assert page.faults == []
    page.context.close()


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_palette_reaches_what_stands_in_a_tab_that_is_not_open(chromium, world, width):
    agent = world.agent(f"Rosa{width}", roles=("senior",))
    page = at_a_browser(chromium, world, agent)
    page.set_viewport_size({"width": width, "height": 800})
    number = world.one(select(Ticket.number).where(Ticket.subject == "Broken earbud"))
    page.goto(f"{world.url}/desk/tickets/{number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    expect(page.locator("#open-complaint")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-words")).to_be_focused()
    expect(page.locator("#palette-list a[href='/desk/customers']")).to_be_attached()
    page.keyboard.type("record a comp")
    expect(page.locator("#palette-list [role=option][aria-selected=true]")).to_contain_text("Complaint: Record a complaint")
    page.keyboard.press("Enter")
    expect(page.locator("#complaint-statement")).to_be_focused()
    expect(page.locator("#tab-side-complaint")).to_have_attribute("aria-selected", "true")
    assert page.faults == []
    page.context.close()


def test_a_key_of_ones_own_takes_the_place_of_the_one_as_it_comes(chromium, world):
    agent = world.agent("Kim", roles=("senior",))
    with world.tx() as tx:
        own_keys.choose(tx, tx.session.get_one(Agent, agent.id), {"c": "q", "?": "Alt+h"}, single=True)
    page = at_a_browser(chromium, world, agent)
    page.keyboard.press("c")
    page.keyboard.press("Alt+h")
    expect(page.locator("#shortcut-list")).to_contain_text("q")
    page.keyboard.press("Escape")
    expect(page.locator("#shortcut-list")).to_have_count(0)
    page.keyboard.press("q")
    page.wait_for_url("**/desk/tickets/new")
    assert page.faults == []
    page.context.close()
