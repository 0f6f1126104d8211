"""The corners of the simulated carrier: keys and silence, endings, faults of the network, mistakes of the application."""

from __future__ import annotations

from collections import Counter

import pytest

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from channels.voice.simulated import NotPossible
from tests.unit.channels.voice.callers import CALLER, in_queue, ring, talking

# Keys and silence


def test_silence_at_the_menu_is_posted_after_the_prompts_and_the_timeout(carrier, desk, ear):
    call = carrier.dial(CALLER)
    ear.wait_for("gather", call)
    carrier.advance(7)
    assert [step for step, _ in desk.asked] == ["voice"]
    carrier.advance(3)

    assert [step for step, _ in desk.asked] == ["voice", "menu"]
    assert desk.asked[1][1]["Digits"] == ""
    assert ear.texts(call)[-1] == "Goodbye."
    carrier.advance(1)
    assert ear.wait_for("ended", call).data["reason"] == "finished"


def test_silence_goes_on_with_the_document_when_nobody_asked_to_hear_of_it(carrier, desk, ear):
    desk.answers["voice"] = lambda event: "<Response><Gather timeout='2'/><Say>Still there?</Say></Response>"
    call = carrier.dial(CALLER)
    ear.wait_for("gather", call)
    carrier.advance(2)

    assert ear.texts(call) == ["Still there?"]
    assert len(desk.asked) == 1


def test_a_key_interrupts_the_prompt(carrier, desk, ear):
    call = carrier.dial(CALLER)
    ear.wait_for("gather", call)
    assert ear.texts(call) == ["账单请按 1。"]
    carrier.press(call, "2")
    carrier.settle()

    assert ear.texts(call) == ["账单请按 1。", "Goodbye."]


def test_several_digits_end_with_the_last_one_the_hash_or_a_pause(carrier, desk, ear):
    desk.answers["voice"] = lambda event: twiml.gather_menu([], "/number", timeout_s=3, num_digits=3)
    desk.answers["number"] = desk.answers["voice"]
    call = carrier.dial(CALLER)
    carrier.settle()
    for digit in "123":
        carrier.press(call, digit)
    carrier.settle()
    for digit in "45#":
        carrier.press(call, digit)
    carrier.settle()
    carrier.press(call, "6")
    carrier.advance(3)

    assert [form["Digits"] for step, form in desk.asked if step == "number"] == ["123", "45", "6"]


def test_a_key_that_nobody_waits_for_is_not_heard(carrier, desk):
    call = in_queue(carrier, desk)

    assert carrier.press(call, "1") is False
    assert carrier.press(call, "*") is False


@pytest.mark.parametrize("digit", ["", "12", "a", "１", " "])
def test_a_key_that_no_phone_has_is_refused(carrier, desk, digit):
    call = in_queue(carrier, desk)

    with pytest.raises(NotPossible, match="keys"):
        carrier.press(call, digit)


def test_the_star_key_leads_out_of_the_queue_when_the_desk_allows_it(carrier, desk, ear):
    desk.answers["voice"] = lambda event: twiml.join_queue(
        "room", "/wait", status_url="/conference", action_url="/callback", leave_on_star=True
    )
    desk.answers["callback"] = lambda event: twiml.goodbye([("en", f"We call you back, {event.dial_status}.")])
    call = carrier.dial(CALLER)
    carrier.settle()

    assert carrier.press(call, "*") is True
    carrier.settle()
    assert ear.texts(call)[-1] == "We call you back, completed."
    assert desk.room_events() == ["participant-join", "participant-leave", "conference-end"]


# Waiting, holding, muting


def test_the_wait_document_is_asked_for_again_and_again_until_an_agent_comes(carrier, desk, ear):
    call = in_queue(carrier, desk)
    carrier.advance(70)
    waits = Counter(step for step, _ in desk.asked)["wait"]
    assert waits == 4

    leg = ring(carrier)
    carrier.answer(leg, "agent-7")
    carrier.settle()
    carrier.advance(70)
    assert Counter(step for step, _ in desk.asked)["wait"] == waits
    assert ear.texts(call) == ["You are first."] * waits


def test_music_on_hold_stops_when_the_caller_is_taken_back(carrier, desk, ear):
    call, leg, room = talking(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    carrier.settle()
    carrier.advance(2)
    ear.wait_for("music", call)
    carrier.hold(conference_sid=room, call_sid=call, on=False, hold_url="/hold")
    carrier.settle()
    carrier.advance(600)

    assert [event.data["on"] for event in ear.events if event.kind == "hold"] == [True, False]
    assert ear.texts(call)[-1] == "One moment."
    assert ear.texts(leg) == []


def test_a_held_leg_neither_hears_nor_is_heard_and_a_muted_one_still_hears(carrier, desk, ear):
    call, leg, room = talking(carrier, desk)

    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    assert (carrier.speak(call, "hello?"), carrier.speak(leg, "hello?")) == (0, 0)
    carrier.hold(conference_sid=room, call_sid=call, on=False, hold_url="")
    carrier.mute(conference_sid=room, call_sid=leg, on=True)
    assert (carrier.speak(call, "hello?"), carrier.speak(leg, "hello?")) == (1, 0)
    carrier.mute(conference_sid=room, call_sid=leg, on=False)
    assert carrier.speak(leg, "hello?") == 1
    carrier.settle()
    assert desk.room_events()[-4:] == ["participant-hold", "participant-unhold", "participant-mute", "participant-unmute"]


def test_holding_twice_is_holding_once(carrier, desk):
    call, _, room = talking(carrier, desk)
    for _ in range(2):
        carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    carrier.settle()

    assert desk.room_events().count("participant-hold") == 1


def test_nobody_hears_a_caller_who_still_waits(carrier, desk):
    call = in_queue(carrier, desk)

    assert carrier.speak(call, "Is anybody there?") == 0
    with pytest.raises(NotPossible):
        carrier.speak(call, "   ")


def test_three_speak_in_one_room(carrier, desk, ear):
    call, leg, _ = talking(carrier, desk)
    second = ring(carrier, "agent-8")
    carrier.answer(second, "agent-8")

    assert carrier.speak(call, "hello all") == 2
    carrier.settle()
    assert ear.texts(leg, "heard") == ear.texts(second, "heard") == ["hello all"]


# Ringing and endings


def test_an_agent_who_does_not_answer_stops_ringing_and_the_caller_waits_on(carrier, desk, ear):
    call, leg = in_queue(carrier, desk), ring(carrier, ring_timeout_s=20)
    carrier.advance(19)
    assert carrier.call_state(leg) == "ringing"
    carrier.advance(1)

    assert carrier.call_state(leg) == "no-answer"
    assert ear.wait_for("ended", leg).data == {"n": 2, "reason": "no_answer", "status": "no-answer"}
    assert desk.statuses(leg) == ["initiated", "ringing", "no-answer"]
    assert carrier.call_state(call) == "in-progress"
    with pytest.raises(NotPossible, match="ended"):
        carrier.answer(leg, "agent-7")


def test_an_agent_who_declines_is_busy(carrier, desk):
    in_queue(carrier, desk)
    leg = ring(carrier)
    carrier.reject(leg, "agent-7")
    carrier.settle()

    assert desk.statuses(leg) == ["initiated", "ringing", "busy"]


def test_only_the_softphone_that_rings_can_answer(carrier, desk):
    call = in_queue(carrier, desk)
    leg = ring(carrier)

    for sid, identity in ((leg, "agent-8"), (leg, None), (call, None), ("CA0", "agent-7")):
        with pytest.raises(NotPossible, match="no such call"):
            carrier.answer(sid, identity)
    carrier.answer(leg, "agent-7")
    with pytest.raises(NotPossible, match="not ring"):
        carrier.answer(leg, "agent-7")


def test_a_ringing_leg_that_the_desk_takes_back_is_canceled(carrier, desk, ear):
    in_queue(carrier, desk)
    leg = ring(carrier)
    carrier.hang_up(leg)
    carrier.settle()

    assert carrier.call_state(leg) == "canceled"
    assert ear.wait_for("ended", leg).data["reason"] == "other_side"


def test_an_agent_who_hangs_up_leaves_the_caller_in_the_room(carrier, desk):
    call, leg, room = talking(carrier, desk)
    carrier.hang_up_phone(leg)
    carrier.settle()

    assert (carrier.call_state(leg), carrier.call_state(call)) == ("completed", "in-progress")
    assert desk.room_events()[-1] == "participant-leave"
    again = ring(carrier, "agent-8")
    carrier.answer(again, "agent-8")
    carrier.settle()
    assert desk.conferences[-1].conference_sid == room
    assert carrier.speak(call, "hello again") == 1


def test_the_desk_ends_a_room_and_everybody_goes_home(carrier, desk, ear):
    call, leg, room = talking(carrier, desk)
    carrier.end_conference(room)
    carrier.settle()

    assert (carrier.call_state(call), carrier.call_state(leg)) == ("completed", "completed")
    assert desk.conferences[-1].reason == "conference-ended-via-api"
    carrier.end_conference(room)
    carrier.hang_up(call)
    carrier.hang_up("CA-unknown")


def test_an_agent_alone_whose_caller_has_gone_can_be_sent_home(carrier, desk):
    call = in_queue(carrier, desk)
    leg = ring(carrier, end_conference_on_exit=True)
    carrier.hang_up_phone(call)
    carrier.answer(leg, "agent-7")
    carrier.settle()
    assert carrier.call_state(leg) == "in-progress"

    carrier.hang_up(leg)
    assert carrier.call_state(leg) == "completed"


def test_a_caller_who_hangs_up_in_the_menu_is_reported(carrier, desk):
    call = carrier.dial(CALLER)
    carrier.settle()
    carrier.hang_up_phone(call)
    carrier.settle()
    carrier.advance(60)

    assert desk.statuses(call) == ["completed"]
    assert [step for step, _ in desk.asked] == ["voice"]


def test_a_call_that_the_desk_refuses_is_not_answered(carrier, desk, ear):
    desk.answers["voice"] = lambda event: twiml.refuse("busy")
    call = carrier.dial(CALLER)
    carrier.settle()

    assert carrier.call_state(call) == "busy"
    assert "answered" not in [event.kind for event in ear.events]


def test_a_customer_is_called_back_on_the_phone(carrier, desk, ear):
    back = carrier.add_participant(conference="room", to=CALLER, from_=carrier.number, label="caller", status_url="/status")
    ringing = ear.wait_for("ringing", back)
    assert (ringing.identity, ringing.data["to"]) == (None, CALLER)
    carrier.answer(back)
    carrier.settle()

    assert desk.statuses(back) == ["initiated", "ringing", "in-progress"]


@pytest.mark.parametrize("to", ["", "client:", "client:a b", "agent-7", "138", "+0123456789"])
def test_an_address_that_nobody_can_ring_is_refused(carrier, desk, to):
    with pytest.raises(CarrierFailed) as error:
        carrier.add_participant(conference="room", to=to, from_=CALLER, label="x", status_url="/status")
    assert error.value.retryable is False
    assert carrier.settle()
    assert desk.calls == []


def test_a_leg_that_is_not_in_the_room_can_be_neither_held_nor_muted(carrier, desk):
    call, _, room = talking(carrier, desk)
    ringing = ring(carrier, "agent-8")

    for conference_sid, call_sid in (("CF0", call), (room, "CA0"), (room, ringing)):
        with pytest.raises(CarrierFailed):
            carrier.hold(conference_sid=conference_sid, call_sid=call_sid, on=True, hold_url="/hold")
        with pytest.raises(CarrierFailed):
            carrier.mute(conference_sid=conference_sid, call_sid=call_sid, on=True)


def test_a_waiting_caller_is_sent_to_other_instructions(carrier, desk, ear):
    call = in_queue(carrier, desk)
    desk.answers["closed"] = lambda event: twiml.goodbye([("en", "We have closed.")])
    carrier.redirect(call_sid=call, url="/closed")
    carrier.settle()

    assert ear.texts(call) == ["You are first.", "We have closed."]
    assert desk.room_events() == ["participant-join", "participant-leave", "conference-end"]
    carrier.advance(60)
    assert ear.texts(call)[-1] == "We have closed."
    for gone, code in ((call, 21220), ("CA0", 20404)):
        with pytest.raises(CarrierFailed) as error:
            carrier.redirect(call_sid=gone, url="/closed")
        assert error.value.code == code


def test_a_leg_on_hold_without_a_document_hears_the_music_of_the_carrier(carrier, desk, ear):
    call, _, room = talking(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="")

    assert ear.wait_for("music", call).data["url"] == "carrier:music"
