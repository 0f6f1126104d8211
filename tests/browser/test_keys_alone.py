"""What else is done to a ticket, by nothing but the keys that people have: no click, and no key sent to what has not the focus.

Answering, solving, calls, canned replies, many tickets at once, merging, tags, following and snoozing by key are in the tests of
these things.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from desk.actions.articles import articles
from desk.actions.tickets import tickets
from desk.models import ArticleLink, Attachment, Complaint, Message, Ticket, TicketLink
from desk.models.article import PUBLISHED
from tests.browser.shown import wait_for_menu
from tests.browser.test_console import console
from tests.web.console_world import mail
from tests.world import World, running, settings_for

pytestmark = pytest.mark.nightly


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(settings_for(tmp_path)) as world:
        yield world


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(45_000)
    yield context
    context.close()


def ticket_page(context, world: World, agent, ticket: Ticket) -> Page:
    page = console(context, world, agent)
    page.on("dialog", lambda asked: asked.accept())  # as Enter does
    page.goto(f"{world.url}/desk/tickets/{ticket.number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    return page


def press_in_more(page: Page, button: str) -> None:
    """Open the menu with its key and go down in it until this one has the focus."""
    page.keyboard.press("m")
    wait_for_menu(page)
    wanted = page.locator(button)
    for _ in range(12):
        if wanted.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    expect(wanted).to_be_focused()
    page.keyboard.press("Enter")


def tab_to(page: Page, place: str, most: int = 25) -> None:
    """Go on with the Tab key until this has the focus."""
    wanted = page.locator(place).first
    expect(wanted).to_be_visible()
    for _ in range(most):
        if wanted.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()


def turn_to(page: Page, name: str) -> None:
    """Go to the pane beside the ticket and along its tabs to this one."""
    tab_to(page, "#side [role=tab][aria-selected=true]", most=120)
    tab = page.locator("#side").get_by_role("tab", name=name, exact=True)
    for _ in range(4):
        if tab.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press("ArrowRight")
    expect(tab).to_be_focused()
    expect(tab).to_have_attribute("aria-selected", "true")


def test_a_ticket_is_linked_split_and_marked_as_junk(context, world):
    agent = world.agent("Dora")
    one, other = mail(world, external_id="first"), mail(world, "Also my router.", external_id="second")
    with world.tx() as tx:
        tickets.note(tx, tx.session.get_one(Ticket, one.id), None, "About something else.")
    page = ticket_page(context, world, agent, one)

    press_in_more(page, "#open-link")
    tab_to(page, "#link-other")
    page.keyboard.type(str(other.number))
    page.keyboard.press("Enter")
    assert world.until(lambda: world.one(select(TicketLink.to_id))) == other.id
    expect(page.locator("dialog[open]")).to_have_count(0)

    press_in_more(page, "#open-split")
    tab_to(page, "#split-body input[name=message]")
    page.keyboard.press("Space")
    expect(page.locator("#split-body input[name=message]").first).to_be_checked()
    tab_to(page, "#split-subject")
    page.keyboard.type("Something else")
    page.keyboard.press("Enter")
    world.until(lambda: world.one(select(Ticket).where(Ticket.subject == "Something else")))

    page.goto(f"{world.url}/desk/tickets/{other.number}")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    press_in_more(page, "#mark-spam")
    expect(page.locator("#not-spam")).to_be_visible()
    assert world.ticket(other.number).status == "spam"
    tab_to(page, "#not-spam", most=60)
    page.keyboard.press("Enter")
    expect(page.locator("#not-spam")).to_have_count(0)
    assert world.ticket(other.number).status == "open"
    assert page.faults == []


def test_a_complaint_is_recorded(context, world):
    agent = world.agent("Emil", roles=("agent", "complaint_officer"))
    ticket = mail(world, external_id="angry")
    page = ticket_page(context, world, agent, ticket)
    turn_to(page, "Complaint")
    tab_to(page, "#open-complaint")
    page.keyboard.press("Enter")
    expect(page.locator("#complaint-statement")).to_be_focused()
    page.keyboard.type("Nobody called me back.")
    tab_to(page, "#complaint-category")
    page.keyboard.type("B")
    expect(page.locator("#complaint-category")).to_have_value("billing")
    tab_to(page, "#register-complaint .button.primary")
    page.keyboard.press("Enter")
    complaint = world.until(lambda: world.one(select(Complaint)))
    assert complaint.statement == "Nobody called me back."


def test_an_article_is_put_into_the_answer_and_a_file_with_it(context, world, tmp_path):
    agent = world.agent("Fia")
    with world.tx() as tx:
        article = articles.write_article(
            tx,
            key="reset",
            lang="en",
            title="Reset the router",
            text="Press the small button for ten seconds.",
            audience="public",
        )
        articles.set_state(tx, article, PUBLISHED)
    ticket = mail(world, "How do I reset the router?", subject="Reset the router", external_id="router")
    page = ticket_page(context, world, agent, ticket)
    turn_to(page, "Knowledge")
    expect(page.locator(".hit").first).to_contain_text("Reset the router")
    page.keyboard.press("Alt+o")
    expect(page.locator("#article-words")).to_contain_text("ten seconds")
    page.keyboard.press("Alt+i")
    expect(page.locator("#composer-text")).to_have_value("Press the small button for ten seconds.")
    paper = tmp_path / "plan.txt"
    paper.write_text("Where the button is.")
    attach = page.locator("#composer input[type=file], .composer input[type=file]").first
    attach.set_input_files(str(paper))  # the window in which files are chosen is the system's, not ours
    page.locator("#composer-text").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#composer-text")).to_have_value("")
    sent = world.until(lambda: world.one(select(Message).where(Message.ticket_id == ticket.id, Message.direction == "out")))
    assert world.one(select(Attachment.name).where(Attachment.message_id == sent.id)) == "plan.txt"
    assert world.one(select(ArticleLink.ticket_id)) == ticket.id
    assert page.faults == []
