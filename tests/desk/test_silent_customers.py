"""A chat whose customer is silent is half a chat: two of them make room for one more, and who speaks again counts at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from desk.access import viewer_of
from desk.actions.chats import chats
from desk.actions.work import answering, supervising, work_items
from desk.errors import DeskError
from desk.events import Event
from desk.live.topics import topics_of
from desk.models import Agent, Chat, Message, Offer, Timer, WorkItem
from desk.models.chat import ACTIVE, ENDED, QUEUED
from desk.queries.board.board import board
from desk.queries.chats.chats import IDLE_TIMER
from desk.queries.work.why import why_waits
from desk.queries.work.work_list import ChatRoom, work_list
from desk.work.timers import Timers
from tests.desk.chat_world import question
from tests.desk.racers import race
from tests.desk.test_router import open_offers, router, routing  # noqa: F401 - a fixture among them
from tests.desk.test_work_items import offer

ENGLISH = {"lang:en": 5}


def asked(house):
    """A visitor's question, waiting in the queue."""
    with house.tx() as tx:
        return chats.open_chat(tx, question())[0]


def talking(house, agent):
    """A chat that the agent has."""
    with house.tx() as tx:
        chat, _ = chats.open_chat(tx, question())
        answering.take_item(tx, chat.item_id, tx.session.get_one(Agent, agent.id))
        return chat


def answer(house, chat, agent, text="Which parcel is it?"):
    with house.tx() as tx:
        chats.agent_says(tx, tx.session.get_one(Chat, chat.id), tx.session.get_one(Agent, agent.id), str(uuid4()), text)


def say(house, chat, client_id=None):
    with house.tx() as tx:
        chats.visitor_says(tx, tx.session.get_one(Chat, chat.id), client_id or str(uuid4()), "The blue one.")


def fall_silent(house, agent, *those):
    """Their agent answers them, and nothing comes back."""
    for chat in those:
        answer(house, chat, agent)
    wait(house)


def wait(house, seconds=chats.IDLE_S):
    house.tick(seconds)
    Timers(house, {IDLE_TIMER: chats.visitor_idle}).turn()


def used(house, agent):
    return house.again(agent).used


def in_hand(house, agent):
    with house.store.read() as reading:
        return work_list(reading, viewer_of(reading.get_one(Agent, agent.id)))


def test_two_silent_customers_make_room_for_one_more_who_is_offered_at_once(house, router):
    maya = house.agent("Maya", **ENGLISH)
    three = [talking(house, maya) for _ in range(3)]
    waiting = asked(house)
    router.turn()
    assert (open_offers(house), used(house, maya)) == ({}, 99)
    answer(house, three[0], maya)
    house.tick(60)
    answer(house, three[1], maya)
    wait(house, chats.IDLE_S - 60)
    router.turn()
    assert (open_offers(house), used(house, maya)) == ({}, 83)  # two and a half
    wait(house, 60)
    assert used(house, maya) == 66
    router.turn()
    assert (open_offers(house), used(house, maya)) == ({waiting.item_id: maya.id}, 99)
    assert house.faults() == []


def test_what_makes_the_room_wakes_the_router_and_tells_the_agents_screens(house, router):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    fall_silent(house, maya, chat)
    say(house, chat)
    told = house.all(select(Event).where(Event.kind.in_(("chat.idle_warned", "chat.idle_ended"))).order_by(Event.id))
    assert [each.kind for each in told] == ["chat.idle_warned", "chat.idle_ended"]
    for each in told:
        assert router.follow([each])
        assert {f"worklist:{maya.id}", "board"} <= topics_of([each], {})


def test_who_speaks_again_counts_at_once_even_beyond_the_maximum(house, router):
    maya = house.agent("Maya", **ENGLISH)
    three = [talking(house, maya) for _ in range(3)]
    fall_silent(house, maya, *three[:2])
    fourth = asked(house)
    router.turn()
    with house.tx() as tx:
        answering.accept_offer(tx, house.one(select(Offer.id).where(Offer.state == "offered")), maya)
    for chat in three[:2]:
        say(house, chat)
    assert used(house, maya) == 100  # four whole chats: full, and nobody is thrown out
    assert {house.again(chat).state for chat in (*three, fourth)} == {ACTIVE}
    waiting = asked(house)
    router.turn()
    assert open_offers(house) == {}
    for chat, room in ((three[0], {}), (three[1], {waiting.item_id: maya.id})):  # the first only takes it back to the maximum
        over(house, chat)
        router.turn()
        assert open_offers(house) == room
    assert house.faults() == []


def over(house, chat):
    with house.tx() as tx:
        chats.end_chat(tx, tx.session.get_one(Chat, chat.id), "customer")
        work_items.finish(tx, tx.session.get_one(WorkItem, chat.item_id))


def test_an_offer_decided_by_what_was_half_a_moment_ago_is_lost(house, router):
    maya = house.agent("Maya", **ENGLISH)
    three = [talking(house, maya) for _ in range(3)]
    fall_silent(house, maya, *three[:2])
    router.turn()
    house.store._listeners.remove(router.follow)  # the news is under way
    say(house, three[0])
    house.store.subscribe(router.follow)
    asked(house)
    router.turn()
    assert (open_offers(house), used(house, maya)) == ({}, 83)
    assert house.faults() == []


def test_a_new_router_counts_silent_customers_as_the_rows_do(house):
    maya = house.agent("Maya", **ENGLISH)
    fall_silent(house, maya, *(talking(house, maya) for _ in range(2)))
    with routing(house) as router:
        router.turn()
        assert house.kinds("agent.load_recounted") == []
        assert router._picture.matcher.waiting() == ()
    assert used(house, maya) == 33


def test_reminding_them_leaves_them_silent_since_our_first_word(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    fall_silent(house, maya, chat)
    since = house.again(chat).idle_since
    assert since == house.clock.now() - timedelta(seconds=chats.IDLE_S)
    fall_silent(house, maya, chat)
    assert (house.again(chat).idle_since, house.again(chat).state, used(house, maya)) == (since, ACTIVE, 17)
    assert house.faults() == []


def test_a_message_that_comes_twice_wakes_a_chat_once(house):
    maya = house.agent("Maya", **ENGLISH)
    chat, client_id = talking(house, maya), str(uuid4())
    fall_silent(house, maya, chat)
    say(house, chat, client_id)
    fall_silent(house, maya, chat)
    say(house, chat, client_id)
    assert (house.again(chat).idle_since is not None, used(house, maya)) == (True, 17)
    assert house.faults() == []


def test_a_timer_that_an_earlier_release_has_set_counts_from_its_own_time(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    with house.tx() as tx:
        chats.visitor_idle(tx, {"chat_id": chat.id, "warned": False})
    assert house.again(chat).idle_since == house.clock.now() - timedelta(seconds=chats.IDLE_S)


def test_the_wrap_up_of_a_silent_chat_is_whole_work(house):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    fall_silent(house, maya, chat)
    assert used(house, maya) == 17
    wait(house)
    ended = house.again(chat)
    assert (ended.state, ended.ended_by, ended.idle_since, used(house, maya)) == (ENDED, "idle", None, 33)
    assert house.faults() == []


def test_a_silent_chat_that_is_sent_back_waits_as_a_whole_one_and_for_us(house, router):
    maya = house.agent("Maya", **ENGLISH)
    chat = talking(house, maya)
    fall_silent(house, maya, chat)
    with house.tx() as tx:
        supervising.send_back(tx, tx.session.get_one(WorkItem, chat.item_id))
    waits = house.again(chat)
    assert (waits.state, waits.idle_since, used(house, maya)) == (QUEUED, None, 0)
    tom = house.agent("Tom", **ENGLISH)
    router.turn()
    assert (open_offers(house), used(house, tom)) == ({chat.item_id: tom.id}, 33)
    assert house.one(select(func.count()).where(Timer.kind == IDLE_TIMER, Timer.done_at.is_(None))) == 0
    assert house.faults() == []


def test_a_call_is_not_offered_beside_a_silent_chat(house, router):
    maya = house.agent("Maya", **ENGLISH)
    fall_silent(house, maya, talking(house, maya))
    house.item("voice")
    router.turn()
    assert open_offers(house) == {}


def test_the_work_list_and_the_board_say_who_is_silent_since_when_and_what_it_counts(house):
    maya = house.agent("Maya", **ENGLISH)
    first, second = talking(house, maya), talking(house, maya)
    assert in_hand(house, maya).chats is None
    fall_silent(house, maya, first)
    found, since = in_hand(house, maya), house.again(first).idle_since
    assert {row.chat_id: row.idle_since for row in found.active} == {first.id: since, second.id: None}
    assert found.chats == ChatRoom(1.5, 3, 1)
    with house.store.read() as reading:
        seen = board(reading, viewer_of(maya), house.clock.now(), "UTC")
    [line] = [each for each in seen.agents if each.agent.id == maya.id]
    assert {work.item_id: work.idle_since for work in line.held} == {first.item_id: since, second.item_id: None}


def test_who_has_no_room_is_explained_with_the_halves(house):
    maya = house.agent("Maya", **ENGLISH)
    three = [talking(house, maya) for _ in range(3)]
    fall_silent(house, maya, three[0])
    waiting = asked(house)
    with house.store.read() as reading:
        why = why_waits(reading, viewer_of(maya), reading.get_one(WorkItem, waiting.item_id), house.clock.now())
    [person] = [each for each in why.people if each.agent_id == maya.id]
    assert (person.rule, dict(person.detail)) == ("channel_maximum", {"count": 2.5, "maximum": 3, "halves": 1})


# Whatever comes at the same moment, the load is what the rows add up to.

ROUNDS = 6  # where they stop one another the database takes a second to see it


def speak(tx, chat_id):
    chats.visitor_says(tx, tx.session.get_one(Chat, chat_id), str(uuid4()), "Here I am.")
    return "spoke"


def ring(tx, chat_id):
    """What a worker does with a timer that is due."""
    due = select(Timer).where(Timer.kind == IDLE_TIMER, Timer.key == str(chat_id), Timer.done_at.is_(None))
    timer = tx.session.scalar(due.with_for_update(skip_locked=True))
    if timer is None:
        return "nothing due"
    timer.done_at = tx.now
    chats.visitor_idle(tx, timer.data)
    return "rang"


def send_back(tx, chat_id):
    supervising.send_back(tx, tx.session.get_one(WorkItem, tx.session.get_one(Chat, chat_id).item_id))
    return "sent back"


@pytest.mark.parametrize("silent_before", [False, True])
def test_a_word_a_timer_and_a_supervisor_in_the_same_moment_leave_no_doubt(house, tmp_path, silent_before):
    these = []
    for number in range(ROUNDS):
        agent = house.agent(f"A{number}", **ENGLISH)
        chat = talking(house, agent)
        answer(house, chat, agent)
        these.append(chat)
    if silent_before:
        wait(house)
    words = house.one(select(func.count()).select_from(Message))
    outcomes = race(house, tmp_path, [speak, ring, send_back], [[chat.id] * 3 for chat in these], at_s=chats.IDLE_S)
    spoken = sum(turn[0] == "spoke" for turn in outcomes)
    assert house.one(select(func.count()).select_from(Message)) == words + spoken
    for chat, turn in zip(these, outcomes, strict=True):
        now = house.again(chat)
        assert now.idle_since is None or (now.state == ACTIVE and turn[0] != "spoke"), (turn, now.state)
    assert house.faults() == []


def test_the_room_of_two_silent_customers_is_given_once_however_many_ask_for_it(house, tmp_path):
    rounds = []
    for number in range(ROUNDS):
        agent = house.agent(f"A{number}", **ENGLISH)
        three = [talking(house, agent) for _ in range(3)]
        for chat in three[:2]:
            answer(house, chat, agent)
        rounds.append([(asked(house).item_id, agent.id), (asked(house).item_id, agent.id), three[0].id])
    wait(house)
    outcomes = race(house, tmp_path, [offer, offer, speak], rounds, at_s=chats.IDLE_S)
    for turn in outcomes:
        assert turn[:2].count("won") <= 1, turn  # none when the customer spoke first: then two and a half are left
    assert house.faults() == []


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["asks", "answers", "says", "waits", "ends", "finishes", "sends back", "accepts", "turns"]),
        st.integers(0, 5),
        st.integers(0, 1),
    ),
    max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(deeds=DEEDS)
def test_after_any_history_of_chats_nobody_is_idle_while_one_waits_and_every_load_is_right(sqlite_house, deeds):
    house = sqlite_house
    agents = [house.agent(f"{name}{uuid4().hex[:6]}", **ENGLISH) for name in ("A", "B")]
    known = []
    with routing(house) as router:
        router.turn()
        for deed, which, who in deeds:
            if deed == "asks" and len(known) < 12:
                known.append(asked(house))
            elif deed == "turns":
                router.turn()
            elif deed == "waits":
                wait(house)
            elif known:
                one_deed(house, deed, known[which % len(known)], agents[who])
            if deed != "turns":
                router.turn()
            assert house.faults() == []
            router._picture.matcher.check(house.clock.now().timestamp())
        for agent in agents:  # the next history begins with nobody there
            with house.tx() as tx:
                tx.session.get_one(Agent, agent.id).presence = "offline"
                tx.emit("agent.presence_set", agent=agent.id)


def one_deed(house, deed, chat, agent):
    try:
        with house.tx() as tx:
            chat = tx.session.get_one(Chat, chat.id)
            item = tx.session.get_one(WorkItem, chat.item_id)
            match deed:
                case "says":
                    chats.visitor_says(tx, chat, str(uuid4()), "Hello?")
                case "answers" if chat.agent_id is not None:
                    chats.agent_says(tx, chat, tx.session.get_one(Agent, chat.agent_id), str(uuid4()), "Yes?")
                case "ends":
                    chats.end_chat(tx, chat, "customer")
                case "finishes" if item.state == "wrap_up":
                    work_items.finish(tx, item)
                case "sends back":
                    supervising.send_back(tx, item)
                case "accepts" if item.state == "waiting":
                    answering.take_item(tx, item.id, tx.session.get_one(Agent, agent.id))
                case "accepts" if item.state == "offered":
                    made = tx.session.scalar(select(Offer).where(Offer.item_id == item.id, Offer.state == "offered"))
                    answering.accept_offer(tx, made.id, tx.session.get_one(Agent, made.agent_id))
    except DeskError:
        pass
