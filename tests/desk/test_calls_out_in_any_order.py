"""Calls out and calls back: however late and however often the carrier tells of each step, the end is the same, and so are the
moments within the grain of its clock."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions.calls import arrival, callbacks, outbound
from desk.actions.people import customers
from desk.actions.work import answering, work_items
from desk.models import Agent, Callback, CallLeg, CallSegment, WorkItem
from tests.desk.call_stage import (
    HER,
    NUMBER,
    OURS,
    THEM,
    Deed,
    Stage,
    Word,
    any_order,
    check,
    ends_it,
    leg,
    near,
    room,
)


@pytest.fixture
def dialled(sqlite_house):
    """Maya calls a customer; her own phone is about to ring."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        customer = customers.identify(tx, "phone", NUMBER, name="Li Na", locale="en")
        call = outbound.dial(tx, tx.session.get_one(Agent, stage.maya), NUMBER, customer)
    stage.call_id = call.id
    return stage


@pytest.fixture
def promised(sqlite_house):
    """A customer was promised a call, and Maya has just taken it: her own phone is about to ring."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = arrival.arrive(tx, CallEvent("CA-before", NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        arrival.put_in_queue(tx, call)
        callback = callbacks.promise(tx, call, NUMBER, 4)
        tx.session.flush()
        made = work_items.offer(tx, callback.item_id, stage.maya, epoch=1, reason={})
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.maya)).call
    stage.call_id = call.id
    return stage


def rings_customer(stage, tx):
    assert outbound.is_to_be_rung(tx.session, stage.call(tx))
    assert outbound.claim_ringing(tx, stage.call(tx))


def is_named(stage, tx):
    outbound.is_rung(tx, stage.call(tx), THEM)


def detected(who, second):
    def act(stage, tx, at):
        call = stage.call(tx)
        outbound.answered_by(tx, call, who)
        outbound.leave_machine(tx, call)

    return Word(second, act)


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
