"""Questions to colleagues and messages: however late and however often the carrier tells of each step, the end is the same, and
so are the moments within the grain of its clock."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions.calls import arrival, calls, legs, transfers, voicemails
from desk.actions.calls.transfers import read_goal
from desk.actions.work import answering, work_items
from desk.models import Agent, CallRecording, CallSegment, Message, Offer, WorkItem
from tests.desk.call_stage import (
    HER,
    HIM,
    NUMBER,
    OURS,
    SOUND,
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
def talking(sqlite_house):
    """Maya speaks with a caller since five seconds after she took the call; the story goes on at second 20."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = arrival.arrive(tx, CallEvent(THEM, NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        arrival.put_in_queue(tx, call)
        tx.session.flush()
        made = work_items.offer(tx, call.item_id, stage.maya, epoch=1, reason={})
        answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.maya))
        stage.call_id = call.id
        assert legs.rings(tx, HER, stage.party(HER))
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
    transfers.consult(tx, stage.call(tx), read_goal(f"agent:{stage.tom}", "agent"), "")
    calls.note_held(tx, THEM, True)


def takes_question(stage, tx):
    made = tx.session.scalars(select(Offer).where(Offer.agent_id == stage.tom)).one()
    answering.accept_offer(tx, made.id, tx.session.get_one(Agent, stage.tom))
    assert legs.rings(tx, HIM, stage.party(HIM))


def hands_over(stage, tx):
    transfers.complete(tx, stage.call(tx))


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


@pytest.fixture
def speaking(sqlite_house):
    """A caller speaks after the tone."""
    stage = Stage(sqlite_house)
    with sqlite_house.tx() as tx:
        call = arrival.arrive(tx, CallEvent(THEM, NUMBER, OURS, "ringing", "inbound"))
        call.locale = "en"
        arrival.put_in_queue(tx, call)
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
