"""When things go wrong between the simulated carrier and the application: network, documents, signatures, running."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from channels.voice import twiml
from channels.voice.port import CarrierFailed
from channels.voice.simulated import Ear, NotPossible, SimulatedCarrier
from tests.unit.channels.voice.callers import CALLER, in_queue, ring, talking
from tests.unit.channels.voice.conftest import PATIENTLY

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
        assert ear.wait_for("error", call).data["code"] == 11205
        assert ear.wait_for("ended", call).data["status"] == "failed"


# Faults of the network


def test_a_webhook_whose_connection_failed_is_posted_once_more(make_carrier, desk):
    tries = Counter()

    def flaky(url, form, headers):
        tries[headers["I-Twilio-Idempotency-Token"]] += 1
        if tries[headers["I-Twilio-Idempotency-Token"]] == 1:
            raise ConnectionResetError
        return PATIENTLY(url, form, headers)

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
        base_url=desk.base_url,
        auth_token="another",
        number="+864008001234",
        now=time.time,
        voice_path="/voice",
        status_path="",
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
    assert carrier.settle()

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
    carrier = SimulatedCarrier(base_url=desk.base_url, auth_token="t", number="+864008001234", now=time.time)

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
        SimulatedCarrier(
            **{"base_url": "http://127.0.0.1", "auth_token": "t", "number": "+864008001234", "now": time.time} | options
        )


@pytest.mark.parametrize("number", ["", "138", "tel:+86", "+86 138 0013 8000", "＋8613800138000"])
def test_a_number_that_is_none_cannot_call(carrier, number):
    with pytest.raises(NotPossible, match="phone number"):
        carrier.dial(number)
