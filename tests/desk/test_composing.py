"""Who is slow at answering and writes just now is offered no further chat until that is sent, or given up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.chats import chats
from desk.actions.work import answering
from desk.live.composing import EVERY_S, Composing
from desk.models import Agent, Chat, Message, Offer, Ticket, WorkItem
from desk.queries.chats.pace import FEWEST, usual_reply_s
from desk.queries.work.matching import COMPOSING_S, held_at
from desk.queries.work.why import why_waits
from routing.values import CHAT_COMPOSING, CHAT_IDLE
from tests.desk.house import MORNING
from tests.desk.test_router import open_offers, router  # noqa: F401 - a fixture
from tests.desk.test_silent_customers import ENGLISH, answer, asked, say, talking


def paced(house, agent, seconds, times=FEWEST):
    """A chat in which the agent has answered so often, each time after so many seconds; the visitor waits again."""
    chat = talking(house, agent)
    for _ in range(times):
        house.tick(seconds)
        answer(house, chat, agent)
        say(house, chat)
    return chat


def usual(house, agent):
    with house.store.read() as reading:
        return usual_reply_s(reading, agent.id)


def number_of(house, chat):
    return house.one(select(Ticket.number).where(Ticket.id == chat.ticket_id))


def writes(house, chat, agent):
    """What the agent's screen says while they type; of the first sign in a while something comes."""
    Composing(house).writes(number_of(house, chat), agent.id)


def test_a_slow_agent_who_writes_is_offered_no_chat_until_it_is_sent(house, router):
    maya = house.agent("Maya", **ENGLISH)
    chat = paced(house, maya, 90)
    writes(house, chat, maya)
    waiting = asked(house)
    router.turn()
    assert open_offers(house) == {}
    answer(house, chat, maya)
    router.turn()
    assert open_offers(house) == {waiting.item_id: maya.id}
    assert house.faults() == []


def test_who_stops_writing_is_offered_the_chat_after_a_while(house, router):
    maya = house.agent("Maya", **ENGLISH)
    chat = paced(house, maya, 90)
    writes(house, chat, maya)
    waiting = asked(house)
    assert router.turn() <= COMPOSING_S
    house.tick(COMPOSING_S / 2)
    writes(house, chat, maya)
    house.tick(COMPOSING_S / 2)
    assert router.turn() <= COMPOSING_S / 2  # the second sign holds longer, and is no news to anybody
    assert open_offers(house) == {}
    assert house.kinds("composing.") == ["composing.began"]
    house.tick(COMPOSING_S / 2)
    router.turn()
    assert open_offers(house) == {waiting.item_id: maya.id}


def test_a_quick_agent_may_write_and_take_one_more(house, router):
    maya = house.agent("Maya", **ENGLISH)
    chat = paced(house, maya, 60)
    writes(house, chat, maya)
    waiting = asked(house)
    router.turn()
    assert open_offers(house) == {waiting.item_id: maya.id}
    assert house.kinds("composing.") == []


def test_mail_comes_as_always(house, router):
    maya = house.agent("Maya", **ENGLISH)
    writes(house, paced(house, maya, 90), maya)
    mail, _ = house.item("email"), asked(house)
    router.turn()
    assert open_offers(house) == {mail.id: maya.id}


def test_somebody_else_is_offered_it_meanwhile_and_why_says_who_writes(house, router):
    maya = house.agent("Maya", **ENGLISH)
    writes(house, paced(house, maya, 90), maya)
    waiting = asked(house)
    with house.store.read() as reading:
        why = why_waits(reading, viewer_of(maya), reading.get_one(WorkItem, waiting.item_id), house.clock.now())
    assert [(each.name, each.rule) for each in why.people] == [("Maya", "composing")]
    assert [(each.code, each.count) for each in why.helps] == [("finish", 1)]
    tom = house.agent("Tom", **ENGLISH)
    router.turn()
    assert open_offers(house) == {waiting.item_id: tom.id}
    assert house.one(select(Offer.reason).where(Offer.item_id == waiting.item_id))["kept_away"] == {"composing": 1}


def test_only_a_chat_that_is_theirs_counts(house):
    maya, tom = house.agent("Maya", **ENGLISH), house.agent("Tom", **ENGLISH)
    chat = paced(house, maya, 90)
    paced(house, tom, 90)
    writes(house, chat, tom)
    Composing(house).writes(4_000_000, maya.id)
    assert house.again(chat).composing_until is None


def test_of_many_signs_one_is_looked_at_in_a_while(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = paced(house, maya, 90)
    composing, number = Composing(house), number_of(house, chat)
    composing.writes(number, maya.id)
    until = house.again(chat).composing_until
    house.tick(EVERY_S / 2)
    composing.writes(number, maya.id)
    assert house.again(chat).composing_until == until
    house.tick(EVERY_S / 2)
    composing.writes(number, maya.id)
    assert house.again(chat).composing_until == until + timedelta(seconds=EVERY_S)


def test_what_they_usually_take_is_the_middle_of_their_own_answers(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    house.tick(30)
    answer(house, chat, maya)
    answer(house, chat, maya)  # nobody had asked again
    assert usual(house, maya) is None  # one answer says nothing
    for seconds in (50, 70, 200):
        say(house, chat)
        house.tick(seconds / 2)
        say(house, chat)  # asked again: it counts from the first
        house.tick(seconds / 2)
        answer(house, chat, maya)
    assert usual(house, maya) == 60


def test_a_line_of_the_desk_itself_answers_nobody(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    for _ in range(FEWEST):
        house.tick(10)
        with house.tx() as tx:
            words = {"text": "How was it?", "meta": {"system": "survey"}, "agent_id": maya.id, "created_at": tx.now}
            tx.session.add(Message(ticket_id=chat.ticket_id, channel="chat", direction="out", **words))
        house.tick(20)
        answer(house, chat, maya)
        say(house, chat)
    assert usual(house, maya) == 30


def test_the_wait_in_the_queue_is_not_the_agents(house):
    maya = house.agent("Maya", **ENGLISH)
    for _ in range(FEWEST):
        chat = asked(house)
        house.tick(600)
        taken(house, chat, maya)
        house.tick(10)
        answer(house, chat, maya)
    assert usual(house, maya) == 10


def taken(house, chat, agent):
    with house.tx() as tx:
        answering.take_item(tx, chat.item_id, tx.session.get_one(Agent, agent.id))


@pytest.mark.parametrize(
    ("seconds", "held_as", "then"),
    [(5, "chat", CHAT_COMPOSING), (0, "chat", "chat"), (3600, "chat", "chat"), (5, CHAT_IDLE, CHAT_IDLE)],
)
def test_a_sign_holds_for_a_while_whatever_the_clock_does(seconds, held_as, then):
    assert held_at(MORNING, held_as, MORNING + timedelta(seconds=seconds)) == then
    assert held_at(MORNING, held_as, None) == held_as


def test_nothing_is_left_of_it_when_the_chat_is_over(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = paced(house, maya, 90)
    writes(house, chat, maya)
    with house.tx() as tx:
        chats.end_chat(tx, tx.session.get_one(Chat, chat.id), "customer")
    assert house.again(chat).composing_until is None
