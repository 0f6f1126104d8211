"""What agents do beside speaking: calling somebody, recordings that pause, asking for help; and what supervisors do on a call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.voice.port import CarrierFailed
from desk.actions.calls.line import Line
from desk.events import Event
from desk.models import Call, CallLeg
from desk.work.call_keeper import CallKeeper
from tests.flows.call_steps import OUTSIDE, Steps
from tests.flows.phone_world import telephones


@pytest.fixture
def steps(tmp_path):
    with telephones(tmp_path) as phones:
        yield Steps(phones)


@pytest.fixture
def maya(steps):
    return steps.world.agent("Maya", available=True)


@pytest.fixture
def boss(steps):
    return steps.world.agent("Boss", roles=("supervisor",))


def test_a_call_out_rings_the_agent_first_and_is_recorded_once_the_customer_knows(steps, maya):
    assert steps.dial(maya).ok
    assert steps.state() == "dialing"
    assert steps.leg_to() is None
    hers = steps.answer(maya)
    theirs = steps.leg_to()
    assert steps.state() == "dialing"
    steps.carrier.answer(theirs)
    steps.phones.settle()
    assert steps.state() == "talking"
    assert steps.hears(theirs, hers)
    call = steps.phones.call()
    assert (call.direction, call.sid, call.announcement) == ("out", theirs, "recording")
    assert call.announced_at is not None
    assert steps.recording().started_at >= call.announced_at
    assert steps.press(maya, "keys", digits="1").ok
    steps.phones.hang_up(theirs)
    assert steps.carrier.live_calls() == []
    assert steps.parts() == [("outbound", "wrap_up", "caller")]
    assert steps.press(maya, "wrap-up", code="solved").ok
    assert steps.load() == {"Maya": 0}


@pytest.mark.parametrize(("how", "state"), [("busy", "busy"), ("rings out", "no_answer"), ("agent gives up", "no_answer")])
def test_a_call_out_that_nobody_answers_says_so_and_is_wrapped_up(steps, maya, how, state):
    assert steps.dial(maya).ok
    steps.answer(maya)
    match how:
        case "busy":
            steps.carrier.reject(steps.world.until(steps.leg_to))
        case "rings out":
            steps.carrier.advance(90)
        case "agent gives up":
            assert steps.press(maya, "hang-up").ok
    steps.phones.settle()
    assert steps.state() == state
    assert steps.carrier.live_calls() == []
    assert [part[1] for part in steps.parts()] == ["wrap_up"]
    assert steps.press(maya, "wrap-up", code="no_action").ok
    assert steps.load() == {"Maya": 0}


def test_a_number_that_the_carrier_refuses_ends_the_call_out(steps, maya):
    assert steps.dial(maya, "+15005550001").ok
    steps.answer(maya)
    assert steps.state() == "failed"
    assert steps.carrier.live_calls() == []


def test_an_agent_whose_own_phone_does_not_answer_calls_nobody(steps, maya):
    assert steps.dial(maya).ok
    steps.carrier.advance(60)
    steps.phones.settle()
    assert steps.state() == "failed"
    assert steps.leg_to() is None
    assert steps.load() == {"Maya": 0}


def test_nobody_calls_two_at_once_and_nonsense_is_no_number(steps, maya):
    assert steps.dial(maya, "12").status_code == 422
    assert steps.dial(maya).ok
    assert steps.dial(maya).status_code == 409
    assert len(steps.world.all(select(Call.id))) == 1


def test_somebody_whose_call_broke_off_is_rung_back(steps, maya):
    sid, _leg = steps.talk(maya)
    steps.phones.hang_up(sid)
    old = steps.phones.call()
    assert steps.press(maya, "ring-back", old).ok
    call = steps.phones.call()
    assert (call.previous_call_id, call.to_number, call.ticket_id) == (old.id, old.from_number, old.ticket_id)
    assert steps.world.one(select(Call.state).where(Call.id == old.id)) == "done"


def test_a_recording_pauses_while_card_data_is_said_and_goes_on_by_itself(steps, maya):
    sid, _leg = steps.talk(maya)
    assert steps.phones.call().recording == "on"
    assert steps.press(maya, "recording", do="pause").ok
    assert steps.press(maya, "recording", do="pause").status_code == 409
    call = steps.phones.call()
    assert (call.recording, steps.recording().state) == ("paused", "paused")
    assert call.recording_pause_until is not None
    with steps.world.tx() as tx:
        tx.session.get_one(Call, call.id).recording_pause_until = tx.now - timedelta(seconds=1)
    CallKeeper(steps.world.desk).turn()
    assert (steps.phones.call().recording, steps.recording().state) == ("on", "in_progress")
    assert steps.press(maya, "recording", do="stop").ok
    assert steps.phones.call().recording == "off"
    assert all(end for _start, end in steps.recording().pauses)
    steps.phones.hang_up(sid)
    assert steps.recording().state == "completed"


def test_help_is_asked_for_answered_and_not_needed_any_more(steps, maya, boss):
    sid, _leg = steps.talk(maya)
    assert steps.press(maya, "help", text="He shouts.").ok
    asked = steps.help()
    assert asked.text == "He shouts."
    assert steps.phones.console(boss).post(f"/board/help/{asked.id}/answer").ok
    assert steps.help().answered_by == boss.id
    steps.answer(boss)
    steps.phones.hang_up(sid)
    assert steps.help().ended_at is not None
    steps.world.until(lambda: not steps.carrier.live_calls())


def test_a_supervisor_listens_whispers_speaks_and_takes_over(steps, maya, boss):
    sid, hers = steps.talk(maya)
    assert steps.watch(boss, "take-over").status_code == 409
    assert steps.watch(boss, "listen").ok
    his = steps.answer(boss)
    assert steps.hears(his)
    assert steps.hears(sid, hers, his)
    assert steps.watch(boss, "whisper").ok
    assert steps.hears(his, hers)
    assert steps.watch(boss, "barge").ok
    assert steps.hears(his, hers, sid)
    assert steps.watch(boss, "take-over").ok
    assert steps.carrier.ended(hers)
    assert steps.hears(sid, his)
    assert steps.phones.call().agent_id == boss.id
    assert steps.press(maya, "wrap-up", code="transferred").ok
    steps.phones.hang_up(sid)
    assert steps.press(boss, "wrap-up", code="solved").ok
    assert steps.state() == "done"
    assert [by for _kind, _state, by in steps.parts()] == ["takeover", "caller"]
    query = select(Event.kind).where(Event.actor_id == boss.id, Event.kind.startswith("call."))
    kinds = steps.world.all(query.order_by(Event.id))
    assert kinds == ["call.listened", "call.whispered", "call.barged", "call.taken_over", "call.wrapped_up"]


def test_a_supervisor_who_leaves_changes_nothing_for_the_others(steps, maya, boss):
    sid, hers = steps.talk(maya)
    assert steps.watch(boss, "whisper").ok
    his = steps.answer(boss)
    assert steps.watch(boss, "leave").ok
    assert steps.carrier.ended(his)
    assert steps.hears(sid, hers)
    assert steps.state() == "talking"


def test_a_supervisor_moves_a_caller_who_waits(steps, boss):
    steps.phones.queue()
    assert steps.watch(boss, "move", queue="technical").ok
    assert steps.state() == "queued"
    assert steps.watch(boss, "listen").status_code == 409


def test_supervisors_of_other_teams_and_agents_may_not_listen(steps, maya):
    stranger = steps.world.agent("Stranger", roles=("supervisor",), team="care")
    tom = steps.world.agent("Tom")
    steps.talk(maya)
    assert steps.watch(stranger, "listen").status_code == 404
    assert steps.watch(tom, "listen").status_code == 403
    assert steps.world.one(select(CallLeg.id).where(CallLeg.party == "supervisor")) is None
    assert steps.dial(tom, OUTSIDE).ok


def test_nobody_listens_to_a_call_of_their_own(steps, maya, boss):
    assert steps.phones.console(boss).post("/desk/presence", data={"presence": "available"}).ok
    steps.talk(maya)
    assert steps.press(maya, "consult", to=f"agent:{boss.id}").ok
    steps.phones.pick_up(boss)
    assert steps.watch(boss, "listen").status_code == 409
    assert steps.press(maya, "consult/complete").ok
    assert steps.watch(boss, "whisper").status_code == 409


def test_a_wrap_up_that_needs_longer_gets_a_minute_more_each_time(steps, maya):
    sid, _leg = steps.talk(maya)
    assert steps.press(maya, "wrap-up/more").status_code == 409
    steps.phones.hang_up(sid)
    before = steps.part().wrap_until
    assert steps.press(maya, "wrap-up/more", segment=steps.part().id).ok
    assert steps.press(maya, "wrap-up/more").ok
    assert steps.part().wrap_until - before == timedelta(seconds=120)
    assert steps.press(maya, "wrap-up", code="solved").ok
    assert steps.press(maya, "wrap-up/more").status_code == 409


@pytest.mark.one_process("stands between the desk and its line, by changing the code that speaks to it")
@pytest.mark.parametrize("answered", [True, False], ids=["while they talk", "while it rings"])
def test_an_agent_who_hangs_up_has_ended_the_call_though_the_carriers_word_of_it_comes_first(steps, maya, monkeypatch, answered):
    """The carrier reports the end of every leg before it answers the request that caused it."""
    if answered:
        steps.talk(maya)
    else:
        assert steps.dial(maya).ok
        steps.answer(maya)
        steps.until("dialing")
    end = Line.end
    monkeypatch.setattr(Line, "end", lambda line, call, *legs: (end(line, call, *legs), steps.phones.settle()))

    assert steps.press(maya, "hang-up").ok

    assert steps.carrier.live_calls() == []
    assert [by for _kind, _state, by in steps.parts()] == ["agent"]


def test_an_agent_whose_hanging_up_failed_has_not_ended_the_call(steps, maya, monkeypatch):
    sid, _leg = steps.talk(maya)
    with monkeypatch.context() as away:
        away.setattr(steps.carrier, "hang_up", lambda _sid: refuse())
        assert steps.press(maya, "hang-up").status_code == 409
    assert steps.state() == "talking"

    steps.phones.hang_up(sid)

    assert [by for _kind, _state, by in steps.parts()] == ["caller"]


def refuse():
    raise CarrierFailed("Service unavailable", retryable=True)
