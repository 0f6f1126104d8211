"""In a real browser: a customer falls silent, the agent sees since when, and is offered the one who waits, all by itself."""

from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect
from sqlalchemy import select

from desk.actions.chats import chats
from desk.actions.work import answering
from desk.models import Agent, Chat
from tests.browser.sameness import same_after_loading_again
from tests.browser.test_console import console, context, world  # noqa: F401 - fixtures among them
from tests.desk.chat_world import question


def talking(world, agent, name):
    with world.tx() as tx:
        chat, _ = chats.open_chat(tx, question(name=name))
        answering.take_item(tx, chat.item_id, tx.session.get_one(Agent, agent.id))
        return chat


def test_two_silent_customers_bring_the_one_who_waits_and_who_writes_again_is_marked_no_more(context, world):
    maya = world.agent()
    page = console(context, world, maya)
    three = [talking(world, maya, name) for name in ("Wang Wei", "Li Na", "Ana Ruiz")]
    rows = page.locator("#active-title").locator("xpath=../..").locator("li.row")
    expect(rows).to_have_count(3)
    with world.tx() as tx:
        chats.open_chat(tx, question(name="Tom Hill"))
    for chat in three[:2]:
        with world.tx() as tx:  # as the clock of their silence does it
            chats.visitor_idle(tx, {"chat_id": chat.id, "warned": False})
    expect(rows.filter(has_text="Customer silent")).to_have_count(2)
    expect(page.locator("li.offer")).to_contain_text("Tom Hill")
    with world.tx() as tx:
        chats.visitor_says(tx, tx.session.scalar(select(Chat).where(Chat.id == three[0].id)), str(uuid4()), "I am back.")
    expect(rows.filter(has_text="Customer silent")).to_have_count(1)
    same_after_loading_again(page)
    assert page.faults == []
