"""A call's states, with word of it coming late, twice and in any order."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent, ConferenceEvent
from desk.actions.calls import arrival, calls, healing, legs
from desk.actions.calls.legs import Party
from desk.actions.work import answering
from desk.errors import Conflict, Invalid
from desk.models import Agent, Call, CallLeg, Customer, Queue, Ticket, WorkItem
from desk.queries.calls.callers import waiting_line

SID, LEG, ROOM = "CA-caller", "CA-agent", "CF-room"
LANGUAGE, TOPIC = {"zh": "1", "en": "2"}, {"billing": "1", "technical": "2", "complaint": "3", "general": "0"}


def event(status="ringing", sid=SID, **more):
    return CallEvent(sid, "+8613800138000", "+862155501234", status, "inbound", **more)


def room(kind, sid="", label=""):
    return ConferenceEvent(ROOM, f"call-{SID}", kind, call_sid=sid, label=label)


def queued(house, language="en", topic="billing"):
    with house.tx() as tx:
        call = arrival.arrive(tx, event())
        arrival.begin(tx, call)
        for key in (LANGUAGE[language], TOPIC[topic], ""):
            answer = arrival.press(tx, call, key)
        assert answer.then == arrival.ROOM
    return call


def accepted(house, maya):
    """The call is offered to the agent, who accepts; their own line rings."""
    made = house.offer(house.one(select(WorkItem)), maya)
    with house.tx() as tx:
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, maya.id)).call
        assert legs.rings(tx, LEG, agents(call, maya))
    return call


def agents(call, maya):
    return Party(call.id, "agent", f"agent-{maya.id}", maya.id)


def tell(house, *told):
    """Word from the carrier, each in a transaction of its own."""
    for each in told:
        with house.tx() as tx:
            if isinstance(each, ConferenceEvent):
                legs.conference_event(tx, each)
            else:
                legs.leg_status(tx, each)


def now(house):
    return house.one(select(Call.state)), house.one(select(WorkItem.state))


ANSWERED = (event("in-progress", LEG), room("participant-join", LEG, "agent-1"))
CALLER_GONE = (room("participant-leave", SID), event("completed"), room("conference-end"))
AGENT_GONE = (event("completed", LEG), room("participant-leave", LEG, "agent-1"))


def test_who_goes_to_the_phone_does_not_miss_what_else_was_offered_to_them(house):
    maya = house.agent(billing=5, **{"lang:en": 9})
    mail = house.offer(house.item("email"), maya)
    queued(house)
    call = house.offer(house.one(select(WorkItem).where(WorkItem.kind == "call")), maya)
    with house.tx() as tx:
        answering.accept_offer(tx, call.id, tx.session.get_one(Agent, maya.id))
    assert house.again(mail).state == "rescinded"
    assert house.one(select(WorkItem.state).where(WorkItem.id == mail.item_id)) == "waiting"
    assert house.again(maya).used == 100
    assert house.faults_in_load() == []


@pytest.mark.parametrize(
    ("language", "topic", "queue"),
    [("zh", "billing", "billing"), ("en", "complaint", "complaints"), ("en", "general", "general")],
)
def test_the_menu_leads_into_a_queue_with_the_language_as_a_skill(house, language, topic, queue):
    queued(house, language, topic)
    call, item, ticket = house.one(select(Call)), house.one(select(WorkItem)), house.one(select(Ticket))
    assert (call.state, call.locale, call.topic, ticket.locale) == ("queued", language, topic, language)
    assert [f"lang:{language}", 1] in item.requires
    assert house.one(select(Queue.key).where(Queue.id == item.queue_id)) == queue
    assert (ticket.channel, house.one(select(Customer.locale))) == ("voice", language)


def test_a_call_that_arrives_twice_is_one_call(house):
    for _ in range(2):
        with house.tx() as tx:
            arrival.arrive(tx, event())
    assert len(house.all(select(Call))) == len(house.all(select(CallLeg))) == 1


def test_keys_pressed_after_the_menu_change_nothing(house):
    call = queued(house)
    with house.tx() as tx:
        arrival.press(tx, tx.session.get_one(Call, call.id), TOPIC["technical"])
    assert house.one(select(Call.topic)) == "billing"
    assert len(house.all(select(Ticket))) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_however_the_words_of_both_ends_are_shuffled_the_agent_who_spoke_does_the_wrap_up(house, order):
    maya = house.agent()
    queued(house)
    accepted(house, maya)
    tell(house, *ANSWERED)
    words = (*CALLER_GONE, *AGENT_GONE)
    tell(house, *(words[number] for number in order), *(words[number] for number in order))
    call = house.one(select(Call))
    assert now(house) == ("wrap_up", "wrap_up")
    assert call.agent_id == house.one(select(WorkItem.agent_id)) == maya.id
    assert house.kinds("call.ended") == ["call.ended"]
    assert house.faults_in_load() == []
    with house.tx() as tx:
        agent = tx.session.get_one(Agent, maya.id)
        for _ in range(2):
            calls.wrap_up(tx, tx.session.get_one(Call, call.id), agent, "solved", "")
    assert now(house) == ("done", "done")
    assert house.faults_in_load() == []


@pytest.mark.parametrize("late", ANSWERED)
def test_one_word_of_the_answer_is_enough_even_when_the_other_never_comes(house, late):
    maya = house.agent()
    queued(house)
    accepted(house, maya)
    tell(house, late)
    house.tick(2)
    tell(house, *CALLER_GONE)
    assert now(house) == ("wrap_up", "wrap_up")


def test_a_state_never_moves_backwards(house):
    maya = house.agent()
    queued(house)
    accepted(house, maya)
    tell(
        house,
        *ANSWERED,
        event("ringing", LEG),
        event("initiated", LEG),
        event("in-progress"),
        room("participant-join", LEG, "agent-1"),
    )
    assert now(house) == ("talking", "active")
    tell(house, *CALLER_GONE, *ANSWERED, room("participant-join", LEG, "agent-1"))
    assert now(house) == ("wrap_up", "wrap_up")
    assert house.one(select(CallLeg.status).where(CallLeg.sid == SID)) == "completed"


def test_a_caller_who_leaves_before_the_agents_line_is_known_is_not_rung_for(house):
    maya = house.agent()
    queued(house)
    made = house.offer(house.one(select(WorkItem)), maya)
    with house.tx() as tx:
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, maya.id)).call
    tell(house, *CALLER_GONE)
    with house.tx() as tx:
        assert not legs.rings(tx, LEG, agents(call, maya))
    with house.store.read() as reading:
        assert legs.unwanted(reading, reading.get_one(Call, call.id)) == [LEG]
    assert house.one(select(Call.abandon_point)) == "ringing"
    assert house.faults_in_load() == []


def test_an_offer_accepted_after_the_caller_has_left_is_a_conflict_and_holds_nobody(house):
    maya = house.agent()
    queued(house)
    made = house.offer(house.one(select(WorkItem)), maya)
    tell(house, *CALLER_GONE)
    with pytest.raises(Conflict), house.tx() as tx:
        answering.accept_offer(tx, made.id, tx.session.get_one(Agent, maya.id))
    assert now(house) == ("abandoned", "abandoned")
    assert house.again(maya).used == 0


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
def test_an_agent_whose_line_does_not_answer_leaves_the_caller_their_place(house, status):
    maya = house.agent()
    queued(house)
    due = house.one(select(WorkItem.due_at))
    accepted(house, maya)
    tell(house, event(status, LEG))
    assert now(house) == ("queued", "waiting")
    item = house.one(select(WorkItem))
    assert (item.due_at, list(item.excluded), item.sticky_agent_id) == (due, [str(maya.id)], None)
    assert house.faults_in_load() == []


def test_a_carrier_that_cannot_ring_the_agent_leaves_the_caller_their_place(house):
    maya = house.agent()
    queued(house)
    made = house.offer(house.one(select(WorkItem)), maya)
    with house.tx() as tx:
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, maya.id)).call
    for _ in range(2):
        with house.tx() as tx:
            calls.leg_failed(tx, tx.session.get_one(Call, call.id), "no such client")
    assert now(house) == ("queued", "waiting")
    assert house.kinds("call.leg_failed") == ["call.leg_failed"]
    assert house.faults_in_load() == []


def test_a_wrap_up_needs_a_reason_and_an_ended_call(house):
    maya = house.agent()
    queued(house)
    call = accepted(house, maya)
    tell(house, *ANSWERED)
    for code, error in (("solved", Conflict), ("nonsense", Invalid), ("", Invalid)):
        with pytest.raises(error), house.tx() as tx:
            calls.wrap_up(tx, tx.session.get_one(Call, call.id), tx.session.get_one(Agent, maya.id), code, "")
    assert now(house) == ("talking", "active")


def test_the_seconds_of_a_call_are_those_from_answer_to_end(house):
    maya = house.agent()
    queued(house)
    house.tick(7)
    accepted(house, maya)
    house.tick(5)
    tell(house, *ANSWERED)
    house.tick(61)
    tell(house, *CALLER_GONE)
    call = house.one(select(Call))
    assert calls.talk_seconds(call, house.clock.now()) == 61
    assert (call.answered_at - call.queued_at).total_seconds() == 12


def test_a_waiting_caller_is_told_how_many_are_ahead(house):
    house.agent()
    queued(house)
    call = house.one(select(Call))
    vips = [house.item("voice", tier="vip", queue="billing") for _ in range(2)]
    house.item("voice", queue="technical")
    with house.tx() as tx:
        for vip in vips:
            tx.session.get_one(WorkItem, vip.id).requires = tx.session.get_one(WorkItem, call.item_id).requires
    with house.store.read() as reading:
        ahead, minutes = waiting_line(reading, call, house.clock.now())
    assert (ahead, minutes) == (2, None)  # nobody is there who could answer them, so no time is promised
    skills = dict(house.again(vips[0]).requires)
    house.agent("Bo", **skills)
    with house.store.read() as reading:
        ahead, minutes = waiting_line(reading, call, house.clock.now())
    assert ahead == 2
    assert minutes > 10  # three calls of the usual five minutes for one person


@pytest.mark.parametrize(("state", "ended"), [(None, 1), ("in-progress", 0)])
def test_a_waiting_call_that_the_carrier_has_forgotten_ends(house, state, ended):
    queued(house)
    with house.tx() as tx:
        assert healing.end_unknown(tx, lambda _sid: state) == ended
    assert now(house) == (("abandoned", "abandoned") if ended else ("queued", "waiting"))


def test_a_talk_that_the_carrier_has_forgotten_goes_into_wrap_up(house):
    queued(house)
    maya = house.agent()
    accepted(house, maya)
    tell(house, *ANSWERED)
    with house.tx() as tx:
        assert healing.end_unknown(tx, lambda _sid: None) == 1
    assert now(house) == ("wrap_up", "wrap_up")
    assert house.one(select(CallLeg.ended_at).where(CallLeg.sid == LEG)) is not None
