"""What agents and supervisors read of a customer who is silent in a chat, and of somebody who writes."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from desk.actions.chats import chats
from desk.actions.work import answering
from desk.models import Agent, Chat
from tests.desk.chat_world import question
from tests.web.board_world import boss, world  # noqa: F401 - fixtures among them
from tests.web.console_world import HX, squeezed


def talking(world, agent):
    with world.tx() as tx:
        chat, _ = chats.open_chat(tx, question())
        answering.take_item(tx, chat.item_id, tx.session.get_one(Agent, agent.id))
        return chat


def fall_silent(world, chat):
    with world.tx() as tx:
        chats.visitor_idle(tx, {"chat_id": chat.id, "warned": False})


WORDS = {
    "en": ("Customer silent", "Chats: 1.5 of 3, as 1 silent customer counts half"),
    "zh": ("客户未回应", "对话：按 1.5 个计，最多 3 个；1 位客户未回应，按半个计"),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_work_list_says_who_is_silent_since_when_and_that_it_counts_half(world, lang):
    maya = world.agent("Maya", available=True)
    first, _ = talking(world, maya), talking(world, maya)
    browser = world.browser(maya.email)
    row, line = WORDS[lang]

    def shown():
        return squeezed(browser.get(f"/desk/worklist?lang={lang}", headers=HX).text)

    assert row not in shown()
    assert line not in shown()
    fall_silent(world, first)
    assert row in shown()
    assert line in shown()
    with world.tx() as tx:
        chats.visitor_says(tx, tx.session.get_one(Chat, first.id), str(uuid4()), "Here I am.")
    assert row not in shown()


def test_the_board_marks_the_chat_of_a_silent_customer(world, boss):
    maya = world.agent("Maya", available=True)
    chat = talking(world, maya)
    assert "Customer silent" not in boss.get("/board?lang=en").text
    fall_silent(world, chat)
    assert "Customer silent" in boss.get("/board?lang=en").text


SENTENCES = {
    "en": (
        "has as many as allowed: 2.5 of 3, 1 of them counted half as its customer is silent",
        "writes to a customer just now and usually takes over a minute; no new chat until that is sent",
    ),
    "zh": (
        "已达上限：按 2.5 个计，最多 3 个，其中 1 个客户未回应，按半个计",
        "正在给客户写回复，且通常超过一分钟；发出之前不派新对话",
    ),
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_why_somebody_gets_no_chat_is_told_in_words(world, boss, lang):
    maya = world.agent("Maya", available=True)
    three = [talking(world, maya) for _ in range(3)]
    with world.tx() as tx:
        waiting, _ = chats.open_chat(tx, question())
    fall_silent(world, three[0])
    half, writing = SENTENCES[lang]

    def told():
        return squeezed(boss.get(f"/board/items/{waiting.item_id}/why?lang={lang}", headers=HX).text)

    assert half in told()
    fall_silent(world, three[1])
    with world.tx() as tx:
        chat = tx.session.scalar(select(Chat).where(Chat.id == three[2].id))
        chat.composing_until = tx.now + timedelta(seconds=15)
    assert writing in told()
