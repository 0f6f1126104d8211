"""Calls that the application makes, words that a menu understands, and a carrier that is out of order."""

from __future__ import annotations

import pytest

from channels.voice import twiml
from channels.voice.events import read_call
from channels.voice.port import CarrierFailed
from channels.voice.simulated.faults import Faults
from tests.unit.channels.voice.callers import CALLER, in_queue, ring, talking


def call_out(carrier, to, **options):
    wanted = {"label": "customer", "status_url": "/status", "room_url": "/conference", "from_": carrier.number} | options
    return carrier.add_participant(conference="room", to=to, **wanted)


@pytest.mark.parametrize(
    ("number", "statuses", "by"),
    [
        ("+15005550101", ["initiated", "ringing", "in-progress"], "human"),
        ("+15005550102", ["initiated", "ringing", "busy"], ""),
        ("+15005550103", ["initiated", "ringing", "no-answer"], ""),
        ("+15005550104", ["initiated", "ringing", "in-progress"], "machine_start"),
        ("+15005550105", ["initiated", "ringing", "in-progress", "completed"], ""),
        ("+15005550106", ["initiated", "ringing", "in-progress"], "fax"),
        ("+15005550107", ["initiated", "ringing", "failed"], ""),
        ("+15005550109", ["initiated", "ringing", "busy"], ""),
    ],
)
def test_each_number_of_the_table_behaves_as_it_says(carrier, desk, number, statuses, by):
    found = []

    def who(_event):
        found.append(read_call(desk.asked[-1][1]).answered_by)
        return "<Response/>"

    desk.answers["amd"] = who
    leg = call_out(carrier, number, machine_detection=True, amd_url="/amd")
    carrier.advance(45)

    assert desk.statuses(leg) == statuses
    assert found == ([by] if by else [])
    assert carrier.call_info(leg).answered_by == by


@pytest.mark.parametrize(
    ("number", "code"), [("+15005550001", 21217), ("+15005550002", 21214), ("+15005550003", 21215), ("+15005550004", 21216)]
)
def test_numbers_that_are_not_called_are_refused(carrier, desk, number, code):
    with pytest.raises(CarrierFailed) as error:
        call_out(carrier, number)
    assert (error.value.code, error.value.retryable) == (code, False)


def test_only_a_number_of_ours_may_be_shown_to_who_is_called(carrier, desk):
    in_queue(carrier, desk)

    for from_, code in ((CALLER, 21210), ("client:agent-7", 21212)):
        with pytest.raises(CarrierFailed) as error:
            call_out(carrier, "+8613900139000", from_=from_)
        assert error.value.code == code


def test_a_machine_with_a_menu_puts_through_who_presses_its_key(carrier, desk, ear):
    desk.answers["keys"] = lambda event: twiml.play_digits("1")
    leg = call_out(carrier, "+15005550108")
    carrier.advance(3)
    agent = ring(carrier)
    carrier.answer(agent, "agent-7")
    carrier.settle()
    carrier.send_keys(conference_sid=carrier.room_info("room").sid, call_sid=leg, digits="1", play_url="/keys")
    carrier.advance(3)

    assert ear.texts(agent, "heard")[-1] == "Hello?"


# Words


def test_a_menu_that_listens_understands_words_and_hears_of_them_while_they_are_said(carrier, desk):
    desk.answers["voice"] = lambda event: twiml.gather(
        [("en", "What is it about?")], "/menu?step=1", speech="en-US", hints=("billing", "delivery"), partial_url="/partial"
    )
    desk.answers["partial"] = lambda event: "<Response/>"
    call = carrier.dial(CALLER)
    carrier.settle()
    assert carrier.speak(call, "about my") == 1
    carrier.advance(0.5)
    assert carrier.speak(call, "bill") == 1
    carrier.advance(2)

    (form,) = [form for step, form in desk.asked if step == "menu"]
    said = read_call(form)
    assert (said.speech, said.confidence, said.digits) == ("about my bill", 0.9, None)
    assert [form["UnstableSpeechResult"] for step, form in desk.asked if step == "partial"] == ["about my", "about my bill"]


def test_who_has_pressed_a_key_is_not_listened_to(carrier, desk):
    desk.answers["voice"] = lambda event: twiml.gather([], "/menu", speech="en-US", num_digits=2)
    call = carrier.dial(CALLER)
    carrier.settle()
    carrier.press(call, "1")

    assert carrier.speak(call, "billing") == 0
    carrier.press(call, "2")
    carrier.settle()
    assert desk.asked[-1][1]["Digits"] == "12"


def test_a_menu_for_keys_alone_does_not_understand_words(carrier, desk, ear):
    call = carrier.dial(CALLER)
    ear.wait_for("gather", call)

    assert carrier.speak(call, "billing please") == 0


# Out of order


def test_lost_reports_never_come_and_calls_go_on(make_carrier, desk):
    carrier = make_carrier(loss=1.0)
    call, leg = in_queue(carrier, desk), ring(carrier)
    carrier.answer(leg, "agent-7")
    carrier.settle()

    assert (desk.conferences, desk.calls) == ([], [])
    assert carrier.speak(call, "hello") == 1


def test_in_an_outage_nothing_is_done_and_nothing_is_heard_and_afterwards_it_goes_on(carrier, desk):
    call, leg, room = talking(carrier, desk)
    before = len(desk.conferences)
    carrier.set_faults(outage=True)

    with pytest.raises(CarrierFailed) as error:
        carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    assert error.value.retryable is True
    second = carrier.dial("+8613900139000")
    carrier.hang_up_phone(leg)
    carrier.advance(5)
    assert len(desk.conferences) == before
    assert [step for step, _ in desk.asked].count("voice") == 1

    carrier.set_faults(outage=False)
    carrier.advance(5)
    assert carrier.call_state(second) == "in-progress"
    assert [finding.level for finding in carrier.check()] == ["ok"]


def test_faults_that_cannot_be_are_refused():
    for wrong in ({"loss": 1.5}, {"duplicate": -0.1}, {"latency_s": 100.0}):
        with pytest.raises(ValueError, match="from 0 to"):
            Faults(**wrong)


def test_faults_that_are_switched_on_are_found(make_carrier):
    carrier = make_carrier(loss=0.1)

    assert [finding.level for finding in carrier.check()] == ["ok", "warning"]


def test_the_carriers_log_tells_when_a_caller_began_to_wait_to_talk_and_to_be_gone(carrier, desk):
    call, leg, room = talking(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="")
    carrier.hold(conference_sid=room, call_sid=call, on=False, hold_url="")
    carrier.hang_up_phone(call)
    carrier.settle()

    log = {entry.sid: entry for entry in carrier.log()}
    caller = log[call]
    assert caller.arrived_at <= caller.answered_at <= caller.queued_at <= caller.talked_at <= caller.ended_at
    assert (caller.status, caller.reason, caller.partners, caller.room) == ("completed", "hung_up", (leg,), "room")
    assert (log[leg].identity, log[leg].label, log[leg].partners) == ("agent-7", "agent-7", (call,))
    carrier.forget_log()
    assert (carrier.log(), carrier.answer_times()) == ([], {})
