"""The corners of the simulated carrier: keys and silence, endings, faults of the network, mistakes of the application."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from channels.voice.simulated import Ear, NotPossible, SimulatedCarrier

CALLER = "+8613800138000"


def in_queue(carrier, desk):
    """A caller who waits in `room`."""
    desk.answers["voice"] = lambda event: twiml.join_queue("room", "/wait", status_url="/conference")
    call = carrier.dial(CALLER)
    assert carrier.settle()
    return call


def ring(carrier, identity="agent-7", **options):
    return carrier.add_participant(
        conference="room", to=f"client:{identity}", from_=CALLER, label=identity, status_url="/status", **options
    )


def talking(carrier, desk):
    call, leg = in_queue(carrier, desk), ring(carrier)
    carrier.answer(leg, "agent-7")
    assert carrier.settle()
    return call, leg, desk.conferences[0].conference_sid


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
    for gone in (call, "CA0"):
        with pytest.raises(CarrierFailed, match="not in progress"):
            carrier.redirect(call_sid=gone, url="/closed")


def test_a_leg_on_hold_without_a_document_hears_the_music_of_the_carrier(carrier, desk, ear):
    call, _, room = talking(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="")

    assert ear.wait_for("music", call).data["url"] == "carrier:music"


# Mistakes of the application


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response><Shout>Hi</Shout></Response>", 12200),
        ("<Response><Say tone='warm'>Hi</Say></Response>", 12200),
        ("not xml", 12100),
        ("<Response><Redirect>/nowhere</Redirect></Response>", 11200),
        ("<Response><Redirect/></Response>", 12200),
    ],
)
def test_a_mistake_of_the_application_ends_the_call_with_its_number(carrier, desk, ear, document, code):
    desk.answers["voice"] = lambda event: document
    call = carrier.dial(CALLER)
    carrier.settle()

    assert ear.wait_for("error", call).data["code"] == code
    assert ear.wait_for("ended", call).data["reason"] == "error"


def test_a_mistake_in_the_wait_document_leaves_silence_but_keeps_the_caller(carrier, desk, ear):
    desk.answers["wait"] = lambda event: twiml.goodbye([])
    call = in_queue(carrier, desk)

    assert ear.wait_for("error", call).data["code"] == 13238
    assert carrier.call_state(call) == "in-progress"


def test_an_application_that_is_away_fails_the_call(make_carrier):
    carrier = make_carrier(voice_path="http://127.0.0.1:1/voice")
    with Ear(carrier) as ear:
        call = carrier.dial(CALLER)
        assert ear.wait_for("error", call).data["code"] == 11200
        assert ear.wait_for("ended", call).data["status"] == "failed"


# Faults of the network


def test_a_webhook_whose_connection_failed_is_posted_once_more(make_carrier, desk):
    from channels.voice.simulated.webhooks import post_form

    tries = Counter()

    def flaky(url, form, headers):
        tries[headers["I-Twilio-Idempotency-Token"]] += 1
        if tries[headers["I-Twilio-Idempotency-Token"]] == 1:
            raise ConnectionResetError
        return post_form(url, form, headers)

    carrier = make_carrier(post=flaky)
    call = in_queue(carrier, desk)

    assert set(tries.values()) == {2}
    assert desk.room_events() == ["participant-join"]
    assert carrier.call_state(call) == "in-progress"


def test_with_duplicates_every_event_comes_twice_under_one_key(make_carrier, desk):
    carrier = make_carrier(duplicate=1.0)
    _, leg, _ = talking(carrier, desk)
    carrier.hang_up_phone(leg)
    carrier.settle()

    rooms = Counter(event.event_key() for event in desk.conferences)
    calls = Counter(event.event_key() for event in desk.calls)
    assert set(rooms.values()) == set(calls.values()) == {2}
    assert len(rooms) == 4
    assert len(calls) == 4


def test_with_reordering_events_overtake_each_other_and_none_is_lost(make_carrier, desk):
    carrier = make_carrier(reorder=0.5, seed=1)
    call, leg, room = talking(carrier, desk)
    for _ in range(5):
        carrier.mute(conference_sid=room, call_sid=call, on=True)
        carrier.mute(conference_sid=room, call_sid=call, on=False)
    carrier.hang_up_phone(call)
    carrier.settle()
    carrier.advance(5)

    sequence = [event.sequence for event in desk.conferences]
    assert sequence != sorted(sequence)
    assert sorted(sequence) == list(range(1, 17))
    assert sorted(desk.statuses(leg)) == ["completed", "in-progress", "initiated", "ringing"]


def test_with_latency_nothing_arrives_before_its_time(make_carrier, desk):
    carrier = make_carrier(latency_s=2.0)
    carrier.dial(CALLER)
    carrier.advance(1.9)
    assert desk.asked == []
    carrier.advance(0.1)

    assert [step for step, _ in desk.asked] == ["voice"]


def test_a_forged_signature_gets_nowhere(make_carrier, desk):
    carrier = SimulatedCarrier(
        base_url=desk.base_url, auth_token="another", number="+864008001234", voice_path="/voice", status_path=""
    )
    carrier.start()
    with Ear(carrier) as ear:
        call = carrier.dial(CALLER)
        assert ear.wait_for("ended", call).data["status"] == "failed"
    carrier.stop()

    assert desk.forged == 1
    assert desk.asked == []


# Running


def test_in_real_time_a_fast_carrier_waits_by_itself(make_carrier, desk):
    carrier = make_carrier(speed=1000)
    with Ear(carrier) as ear:
        call = carrier.dial(CALLER)
        assert ear.wait_for("ended", call).data["reason"] == "finished"
        assert ear.texts(call) == ["账单请按 1。", "For billing press 1.", "Goodbye."]


def test_fifty_calls_at_once_all_reach_the_queue(make_carrier, desk):
    desk.answers["voice"] = lambda event: twiml.join_queue("room of " + event.call_sid, "/wait", status_url="/conference")
    carrier = make_carrier()
    calls = []
    threads = [threading.Thread(target=lambda: calls.append(carrier.dial(CALLER))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert carrier.settle(30)

    assert len({event.conference_sid for event in desk.conferences}) == 50
    assert {carrier.call_state(call) for call in calls} == {"in-progress"}


def test_a_listener_that_fails_does_not_deafen_the_others(carrier, desk, caplog):
    def broken(event):
        raise RuntimeError("deaf")

    carrier.listen(broken)
    with Ear(carrier) as ear:
        ear.wait_for("gather", carrier.dial(CALLER))
    assert "A listener of the simulated carrier failed." in caplog.text


def test_a_carrier_stops_at_once_and_may_be_stopped_twice(make_carrier, desk):
    carrier = make_carrier(speed=1)
    in_queue(carrier, desk)
    carrier.stop()
    carrier.stop()

    assert carrier.settle(0) is True


def test_a_carrier_that_does_not_run_says_so(desk):
    carrier = SimulatedCarrier(base_url=desk.base_url, auth_token="t", number="+864008001234")

    with pytest.raises(NotPossible, match="not running"):
        carrier.dial(CALLER)
    with pytest.raises(CarrierFailed, match="not running") as error:
        ring(carrier)
    assert error.value.retryable is True


def test_an_ear_says_what_it_heard_instead(carrier, desk, ear):
    call = in_queue(carrier, desk)

    with pytest.raises(TimeoutError, match="No music was perceived, only: status, answered, joined, say"):
        ear.wait_for("music", call, timeout_s=0)


def test_a_token_is_valid_for_its_softphone_until_its_time_is_over(make_carrier):
    now = [1_000_000.0]
    carrier = make_carrier(now=lambda: now[0])
    token = carrier.client_token("agent-7")

    assert (token.kind, token.identity) == ("simulated", "agent-7")
    assert carrier.identity_of(token.token) == "agent-7"
    now[0] += token.expires_in_s
    assert carrier.identity_of(token.token) == "agent-7"
    now[0] += 1
    assert carrier.identity_of(token.token) is None


@pytest.mark.parametrize("options", [{"speed": -1}, {"auth_token": ""}])
def test_settings_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"carrier|speed"):
        SimulatedCarrier(**{"base_url": "http://127.0.0.1", "auth_token": "t", "number": "+864008001234"} | options)


@pytest.mark.parametrize("number", ["", "138", "tel:+86", "+86 138 0013 8000", "＋8613800138000"])
def test_a_number_that_is_none_cannot_call(carrier, number):
    with pytest.raises(NotPossible, match="phone number"):
        carrier.dial(number)
