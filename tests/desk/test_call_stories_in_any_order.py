"""Calls out, calls back, questions to colleagues, messages: however late and however often the carrier tells of each step,
the end is the same, and so are the moments within the grain of its clock.

What people press happens at its time. What the carrier says happened at its second and arrives any time after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from channels.voice.events import CallEvent, ConferenceEvent
from desk.actions import (
    answering,
    call_arrival,
    call_legs,
    call_outbound,
    call_segments,
    call_transfers,
    callbacks,
    calls,
    customers,
    voicemails,
    work_items,
)
from desk.actions.call_legs import Party
from desk.actions.call_transfers import read_goal
from desk.models import Agent, Call, Callback, CallLeg, CallRecording, CallSegment, Message, Offer, WorkItem

GRAIN = timedelta(seconds=1)
DELAYS = (0.0, 0.0, 0.3, 3.0, 20.0, 80.0)
OURS, NUMBER = "+862155501234", "+8613800138000"
ROOM, HER, HIM, THEM = "CF-room", "CA-maya", "CA-tom", "CA-customer"
SOUND = "RE-sound"


@dataclass(frozen=True)
class Deed:
    """What somebody of ours does, or our desk itself, at that second."""

    second: float
    act: Callable


@dataclass(frozen=True)
class Word:
    """What the carrier says of a second. Of the words with the same `needed` one at least comes at once: a deed rests on it."""

    second: float
    act: Callable
    needed: str = ""


def leg(sid, status, second, needed=""):
    event = CallEvent(sid, NUMBER, OURS, status, "")

    def act(stage, tx, at):
        if event.final and sid != THEM and stage.customer_is_gone(tx):
            calls.caller_left(tx, stage.call(tx), at)  # the door asks the carrier
        call_legs.leg_status(tx, event, stage.party(sid), at)

    return Word(second, act, needed)


def room(kind, sid, second, needed="", **more):
    def act(stage, tx, at):
        call = stage.call(tx)
        label = stage.party(sid).label if sid else ""
        event = ConferenceEvent(ROOM, call.conference, kind, call_sid=sid, label=label, **more)
        call_legs.conference_event(tx, event, customer_there=not stage.customer_is_gone(tx), at=at)

    return Word(second, act, needed)


class Stage:
    """One call's story: who takes part, and what is told of it."""

    def __init__(self, house):
        self.house = house
        self.start = house.clock.now()
        self.maya, self.tom = house.agent("Maya").id, house.agent("Tom").id
        self.customer_until = 65.0
        self.call_id = 0

    def call(self, tx):
        return tx.session.get_one(Call, self.call_id)

    def customer_is_gone(self, tx):
        """As the carrier says when it is asked, but for somebody who was never there."""
        return self.call(tx).state != "dialing" and tx.now >= self.start + timedelta(seconds=self.customer_until)

    def party(self, sid):
        label, agent_id = {
            HER: (f"agent-{self.maya}", self.maya),
            HIM: (f"consult-{self.tom}", self.tom),
            THEM: ("customer", None),
        }[sid]
        return Party(self.call_id, label.partition("-")[0], label, agent_id)

    def play(self, data, steps):
        """Let all of it happen, in an order drawn from `data`, and undo it when the block ends."""
        on_time = {}
        for number, step in enumerate(steps):
            if isinstance(step, Word) and step.needed:
                on_time.setdefault(step.needed, []).append(number)
        on_time = {data.draw(st.sampled_from(numbers)) for numbers in on_time.values()}
        arrivals = []
        for number, step in enumerate(steps):
            delay = 0.0
            if isinstance(step, Word):
                delay = 0.0 if number in on_time else data.draw(st.sampled_from(DELAYS))
                if data.draw(st.booleans()):
                    arrivals.append((step.second + delay + data.draw(st.sampled_from(DELAYS)), number, step))
            arrivals.append((step.second + delay, number, step))
        return [(arrival, step) for arrival, _number, step in sorted(arrivals, key=lambda each: each[:2])]

    def tell(self, tx, order):
        for arrival, step in order:
            tx.now = self.start + timedelta(seconds=arrival)
            step.act(self, tx, *(() if isinstance(step, Deed) else (self.start + timedelta(seconds=step.second),)))
            tx.session.flush()

    def seconds(self, moment):
        return None if moment is None else (moment - self.start).total_seconds()


def check(stage, data, steps, look):
    order = stage.play(data, steps)
    with stage.house.tx() as tx:
        stage.tell(tx, order)
        try:
            look(tx)
        finally:
            tx.session.rollback()
            tx.pending.clear()


def near(stage, moment, second):
    assert moment is not None
    assert abs(moment - (stage.start + timedelta(seconds=second))) <= GRAIN, (stage.seconds(moment), second)


def any_order(story):
    """Fifteen orders of it. What fails is shown as it was drawn: to make it smaller takes minutes, with a database behind it."""
    drawn = settings(
        max_examples=15,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return drawn(given(data=st.data())(story))


# -- calls out -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def dialled(sqlite_house):
    """Maya calls a customer; her own phone is about to ring."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        customer = customers.identify(tx, "phone", NUMBER, name="Li Na", locale="en")
        call = call_outbound.dial(tx, tx.session.get_one(Agent, stage.maya), NUMBER, customer)
    stage.call_id = call.id
    return stage


@pytest.fixture
def promised(sqlite_house):
    """A customer was promised a call, and Maya has just taken it: her own phone is about to ring."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = call_arrival.arrive(tx, CallEvent("CA-before", NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        call_arrival.put_in_queue(tx, call)
        callback = callbacks.promise(tx, call, NUMBER, 4)
        tx.session.flush()
        made = work_items.offer(tx, callback.item_id, stage.maya, epoch=1, reason={})
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.maya)).call
    stage.call_id = call.id
    return stage


def rings_customer(stage, tx):
    assert call_outbound.is_to_be_rung(tx.session, stage.call(tx))
    assert call_outbound.claim_ringing(tx, stage.call(tx))


def is_named(stage, tx):
    call_outbound.is_rung(tx, stage.call(tx), THEM)


def detected(who, second):
    def act(stage, tx, at):
        call = stage.call(tx)
        call_outbound.answered_by(tx, call, who)
        call_outbound.leave_machine(tx, call)

    return Word(second, act)


def ends_it(stage, tx):
    call_segments.is_ending(tx, stage.call(tx), "agent")


TOGETHER = [
    leg(HER, "initiated", 0.1),
    leg(HER, "ringing", 0.5),
    leg(HER, "in-progress", 2.0, "her answer"),
    room("participant-join", HER, 2.2, "her answer"),
    Deed(2.3, rings_customer),
    leg(THEM, "initiated", 2.4),
    Deed(2.5, is_named),
    leg(THEM, "ringing", 3.0),
]
ANSWERS = [
    leg(THEM, "in-progress", 8.0, "their answer"),
    room("participant-join", THEM, 8.1, "their answer"),
    room("conference-start", "", 8.1),
]
SHE_IS_GONE = [leg(HER, "completed", 65.5), room("participant-leave", HER, 65.4)]
THEY_HANG_UP = [
    leg(THEM, "completed", 65.0),
    room("participant-leave", THEM, 65.1, call_status="completed"),
    room("conference-end", "", 65.3),
    *SHE_IS_GONE,
]
SHE_HANGS_UP = [Deed(64.8, ends_it), *THEY_HANG_UP]


def answered_out(stage, tx, by):
    call, part = stage.call(tx), tx.session.scalars(select(CallSegment)).one()
    assert (call.sid, call.state, part.kind, part.state, part.ended_by) == (THEM, "wrap_up", "outbound", "wrap_up", by)
    assert tx.session.get_one(WorkItem, call.item_id).state == "wrap_up"
    for moment, second in ((part.started_at, 2.0), (call.answered_at, 8.0), (call.ended_at, 65.0), (part.ended_at, 65.0)):
        near(stage, moment, second)
    assert call.abandoned_at is None
    assert {each.status for each in tx.session.scalars(select(CallLeg).where(CallLeg.call_id == call.id))} == {"completed"}


@pytest.mark.parametrize("by", ["caller", "agent"])
@any_order
def test_a_call_out_that_is_answered(dialled, by, data):
    end = THEY_HANG_UP if by == "caller" else SHE_HANGS_UP
    check(dialled, data, [*TOGETHER, *ANSWERS, detected("human", 9.0), *end], lambda tx: answered_out(dialled, tx, by))


def unanswered(status, second):
    return [
        leg(THEM, status, second),
        room("participant-leave", THEM, second + 0.1, reason="participant_add_failed", call_status=status),
        leg(HER, "completed", second + 0.6),
        room("participant-leave", HER, second + 0.5),
        room("conference-end", "", second + 0.7),
    ]


@pytest.mark.parametrize(("status", "state"), [("no-answer", "no_answer"), ("busy", "busy"), ("failed", "failed")])
@any_order
def test_a_call_out_that_nobody_answers(dialled, status, state, data):
    def look(tx):
        call, part = dialled.call(tx), tx.session.scalars(select(CallSegment)).one()
        by = "dropped" if status == "failed" else "caller"
        assert (call.state, call.answered_at, part.state, part.ended_by) == (state, None, "wrap_up", by)
        for moment, second in ((part.started_at, 2.0), (call.ended_at, 30.0), (part.ended_at, 30.0)):
            near(dialled, moment, second)

    dialled.customer_until = 30.0
    # Her line is cut by us, once word has come that nobody answers.
    told = [leg(THEM, status, 30.0, "nobody"), room("participant-leave", THEM, 30.1, "nobody", call_status=status)]
    check(dialled, data, [*TOGETHER, *told, *unanswered(status, 30.0)[2:]], look)


@any_order
def test_a_call_out_that_fails_before_the_carrier_has_said_what_it_is_called(dialled, data):
    def look(tx):
        call, part = dialled.call(tx), tx.session.scalars(select(CallSegment)).one()
        assert (call.sid, call.state, part.state) == (THEM, "failed", "wrap_up")
        near(dialled, call.ended_at, 2.4)
        near(dialled, part.ended_at, 2.4)

    dialled.customer_until = 2.4
    failed = [leg(THEM, "failed", 2.4, "failed"), room("participant-leave", THEM, 2.45, call_status="failed")]
    check(dialled, data, [*TOGETHER[:5], *failed, Deed(2.5, is_named), leg(HER, "completed", 3.0)], look)


@any_order
def test_a_call_out_of_which_the_agent_thinks_better(dialled, data):
    def look(tx):
        call, part = dialled.call(tx), tx.session.scalars(select(CallSegment)).one()
        assert (call.state, call.answered_at, part.state, part.ended_by) == ("no_answer", None, "wrap_up", "agent")
        near(dialled, call.ended_at, 20.0)
        near(dialled, part.ended_at, 20.0)

    dialled.customer_until = 20.0
    end = [
        leg(HER, "completed", 20.0),
        room("participant-leave", HER, 20.1),
        room("conference-end", "", 20.2),
        leg(THEM, "canceled", 20.3),
        room("participant-leave", THEM, 20.4, reason="participant_add_failed", call_status="canceled"),
    ]
    check(dialled, data, [*TOGETHER, Deed(19.9, ends_it), *end], look)


@any_order
def test_a_call_back_that_reaches_the_customer(promised, data):
    def look(tx):
        answered_out(promised, tx, "caller")
        callback = tx.session.scalars(select(Callback)).one()
        assert (callback.state, callback.attempts, callback.last_outcome) == ("reached", 1, "answered")

    check(promised, data, [*TOGETHER, *ANSWERS, detected("human", 9.0), *THEY_HANG_UP], look)


def planned_again(stage, tx, outcome):
    call, part = stage.call(tx), tx.session.scalars(select(CallSegment)).one()
    callback = tx.session.scalars(select(Callback)).one()
    assert (callback.state, callback.attempts, callback.last_outcome, callback.item_id) == ("planned", 1, outcome, None)
    assert (part.state, tx.session.get_one(Agent, stage.maya).used) == ("done", 0)
    assert tx.session.get_one(WorkItem, call.item_id).ended_at is not None
    return call


@any_order
def test_a_call_back_that_reaches_nobody(promised, data):
    def look(tx):
        call = planned_again(promised, tx, "no_answer")
        assert (call.state, call.answered_at) == ("no_answer", None)
        near(promised, call.ended_at, 30.0)

    promised.customer_until = 30.0
    told = unanswered("no-answer", 30.0)
    told[:2] = [leg(THEM, "no-answer", 30.0, "nobody"), room("participant-leave", THEM, 30.1, "nobody", call_status="no-answer")]
    check(promised, data, [*TOGETHER, *told], look)


@any_order
def test_a_call_back_that_a_machine_takes(promised, data):
    def look(tx):
        call = planned_again(promised, tx, "machine")
        assert call.state == "machine"
        near(promised, call.ended_at, 12.0)

    promised.customer_until = 12.0
    machine = Word(12.0, detected("machine_start", 12.0).act, "machine")
    end = [leg(THEM, "completed", 12.2), room("conference-end", "", 12.3), leg(HER, "completed", 12.4)]
    check(promised, data, [*TOGETHER, *ANSWERS, machine, *end], look)


# -- asking a colleague --------------------------------------------------------------------------------------------------------


@pytest.fixture
def talking(sqlite_house):
    """Maya speaks with a caller since five seconds after she took the call; the story goes on at second 20."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = call_arrival.arrive(tx, CallEvent(THEM, NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        call_arrival.put_in_queue(tx, call)
        tx.session.flush()
        made = work_items.offer(tx, call.item_id, stage.maya, epoch=1, reason={})
        answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.maya))
        stage.call_id = call.id
        assert call_legs.rings(tx, HER, stage.party(HER))
        stage.tell(
            tx,
            [
                (word.second, word)
                for word in (
                    leg(HER, "in-progress", 5.0),
                    room("participant-join", THEM, 5.0),
                    room("participant-join", HER, 5.1),
                )
            ],
        )
        assert call.state == "talking"
    return stage


def asks(stage, tx):
    call_transfers.consult(tx, stage.call(tx), read_goal(f"agent:{stage.tom}", "agent"), "")
    calls.note_held(tx, THEM, True)


def takes_question(stage, tx):
    made = tx.session.scalars(select(Offer).where(Offer.agent_id == stage.tom)).one()
    answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.tom))
    assert call_legs.rings(tx, HIM, stage.party(HIM))


def hands_over(stage, tx):
    call_transfers.complete(tx, stage.call(tx))


def goes_back(stage, tx):
    calls.set_hold(tx, stage.call(tx), False)


ASKED = [
    Deed(20.0, asks),
    room("participant-hold", THEM, 20.1, hold=True),
    Deed(24.0, takes_question),
    leg(HIM, "initiated", 24.2),
    leg(HIM, "ringing", 24.5),
    leg(HIM, "in-progress", 30.0, "his answer"),
    room("participant-join", HIM, 30.2, "his answer"),
]
HANDED_OVER = [
    Deed(40.0, hands_over),
    room("participant-unhold", THEM, 40.2),
    leg(HER, "completed", 40.5),
    room("participant-leave", HER, 40.6),
]
ALL_GONE = [
    leg(THEM, "completed", 65.0),
    room("participant-leave", THEM, 65.1),
    room("conference-end", "", 65.3),
    leg(HIM, "completed", 65.5),
    room("participant-leave", HIM, 65.4),
]


def parts_of(tx):
    return tx.session.scalars(select(CallSegment).order_by(CallSegment.id)).all()


@pytest.mark.parametrize("by", ["caller", "agent"])
@any_order
def test_a_question_and_then_the_call_handed_over(talking, by, data):
    def look(tx):
        call, parts = talking.call(tx), parts_of(tx)
        assert (call.state, call.agent_id) == ("wrap_up", talking.tom)
        assert [(part.agent_id, part.kind, part.state, part.ended_by) for part in parts] == [
            (talking.maya, "handle", "wrap_up", "transfer_warm"),
            (talking.tom, "consult", "done", "agent"),
            (talking.tom, "handle", "wrap_up", by),
        ]
        for part, (began, ended) in zip(parts, ((5.0, 40.0), (30.0, 40.0), (40.0, 65.0)), strict=True):
            near(talking, part.started_at, began)
            near(talking, part.ended_at, ended)
        near(talking, call.answered_at, 5.0)
        near(talking, call.ended_at, 65.0)
        assert [abs(part.hold_s - held) <= 1 for part, held in zip(parts, (20, 0, 0), strict=True)] == [True] * 3

    end = ALL_GONE if by == "caller" else [Deed(64.8, ends_it), *ALL_GONE]
    check(talking, data, [*ASKED, *HANDED_OVER, *end], look)


@any_order
def test_a_question_during_which_the_customer_gives_up(talking, data):
    def look(tx):
        call, parts = talking.call(tx), parts_of(tx)
        assert (call.state, call.agent_id) == ("wrap_up", talking.maya)
        assert [(part.agent_id, part.kind, part.state, part.ended_by) for part in parts] == [
            (talking.maya, "handle", "wrap_up", "caller"),
            (talking.tom, "consult", "done", "caller"),
        ]
        for moment in (call.ended_at, parts[0].ended_at, parts[1].ended_at):
            near(talking, moment, 35.0)
        assert abs(parts[0].hold_s - 15) <= 1

    talking.customer_until = 35.0
    end = [
        leg(THEM, "completed", 35.0),
        room("participant-leave", THEM, 35.1),
        room("conference-end", "", 35.2),
        leg(HER, "completed", 35.4),
        leg(HIM, "completed", 35.4),
        room("participant-leave", HIM, 35.3),
    ]
    check(talking, data, [*ASKED, *end], look)


@any_order
def test_a_question_after_which_the_colleague_leaves(talking, data):
    def look(tx):
        call, parts = talking.call(tx), parts_of(tx)
        assert (call.state, call.agent_id) == ("wrap_up", talking.maya)
        assert [(part.kind, part.state, part.ended_by) for part in parts] == [
            ("handle", "wrap_up", "caller"),
            ("consult", "done", "agent"),
        ]
        near(talking, parts[1].started_at, 30.0)
        near(talking, parts[1].ended_at, 38.0)
        near(talking, parts[0].ended_at, 65.0)
        assert abs(parts[0].hold_s - 22) <= 1

    him = [leg(HIM, "completed", 38.0, "he left"), room("participant-leave", HIM, 38.0)]
    end = [leg(THEM, "completed", 65.0), room("conference-end", "", 65.3), leg(HER, "completed", 65.5)]
    check(talking, data, [*ASKED, *him, Deed(42.0, goes_back), room("participant-unhold", THEM, 42.2), *end], look)


# -- messages ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def speaking(sqlite_house):
    """A caller speaks after the tone."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = call_arrival.arrive(tx, CallEvent(THEM, NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        call_arrival.put_in_queue(tx, call)
        tx.session.flush()
        voicemails.begin(tx, call)
    stage.call_id = call.id
    return stage


def recorded(second, seconds):
    return Word(second, lambda stage, tx, at: voicemails.left(tx, stage.call(tx), SOUND, seconds, at=at))


def written_down(stage, tx, at):
    voicemails.transcribed(tx, stage.call(tx), SOUND, "Please call me.")


@any_order
def test_a_message(speaking, data):
    def look(tx):
        call, recording = speaking.call(tx), tx.session.scalars(select(CallRecording)).one()
        assert (call.state, call.flow_out, call.abandoned_at) == ("voicemail", "voicemail", None)
        assert (recording.kind, recording.state, recording.duration_s) == ("voicemail", "completed", 12)
        message = tx.session.scalars(select(Message).where(Message.kind == "voicemail")).one()
        assert (message.meta["seconds"], message.meta["transcript"]) == (12, "Please call me.")
        work = tx.session.scalars(select(WorkItem).where(WorkItem.ended_at.is_(None))).all()
        assert [item.kind for item in work] == ["ticket"]
        near(speaking, call.ended_at, 15.0)
        near(speaking, recording.started_at, 3.0)

    told = [recorded(15.0, 12), recorded(15.6, 12), Word(17.0, written_down), leg(THEM, "completed", 15.1)]
    check(speaking, data, told, look)


@any_order
def test_a_message_that_holds_nothing(speaking, data):
    def look(tx):
        call = speaking.call(tx)
        assert (call.state, call.flow_out, tx.session.scalars(select(Message)).all()) == ("voicemail", "voicemail", [])
        assert {recording.state for recording in tx.session.scalars(select(CallRecording))} == {"absent"}
        near(speaking, call.ended_at, 4.0)

    empty = Word(4.5, lambda stage, tx, at: voicemails.left(tx, stage.call(tx), SOUND, None, absent=True, at=at))
    check(speaking, data, [leg(THEM, "completed", 4.0, "the end"), recorded(4.1, 1), empty], look)


def test_a_caller_who_is_gone_before_a_word_is_recorded_is_gone(speaking):
    with speaking.house.tx() as tx:
        speaking.tell(tx, [(4.0, leg(THEM, "completed", 4.0))])
        near(speaking, speaking.call(tx).ended_at, 4.0)
        voicemails.nothing_said(tx, speaking.call(tx))
    assert speaking.house.kinds("voicemail.") == ["voicemail.began", "voicemail.discarded"]
