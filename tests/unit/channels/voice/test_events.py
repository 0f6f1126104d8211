"""Reading webhooks, recognising the second delivery, and never moving a state backwards."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.events import FINAL, STATUSES, BadWebhook, later, read_call, read_conference

CALL = {
    "CallSid": "CA1",
    "AccountSid": "AC1",
    "From": "+8613800138000",
    "To": "+864008001234",
    "CallStatus": "in-progress",
    "Direction": "inbound",
    "ApiVersion": "2010-04-01",
}


def test_a_voice_request_is_read():
    event = read_call(CALL | {"Digits": "2"})

    assert (event.call_sid, event.from_, event.to) == ("CA1", "+8613800138000", "+864008001234")
    assert (event.status, event.direction, event.digits, event.sequence) == ("in-progress", "inbound", "2", None)
    assert event.final is False


def test_silence_is_not_the_same_as_not_being_asked():
    assert read_call(CALL | {"Digits": ""}).digits == ""
    assert read_call(CALL).digits is None


def test_a_status_callback_is_read():
    event = read_call(CALL | {"CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "61"})

    assert (event.status, event.sequence, event.duration_s, event.final) == ("completed", 3, 61, True)


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "³", "１"])
def test_a_sequence_number_that_is_none_is_left_out(number):
    assert read_call(CALL | {"SequenceNumber": number}).sequence is None


def test_a_webhook_about_nothing_is_refused():
    with pytest.raises(BadWebhook, match="CallSid"):
        read_call({"From": "+86"})
    with pytest.raises(BadWebhook, match="StatusCallbackEvent"):
        read_conference({"ConferenceSid": "CF1"})
    with pytest.raises(BadWebhook, match="ConferenceSid"):
        read_conference({"StatusCallbackEvent": "conference-end"})


def test_a_conference_event_is_read():
    event = read_conference(
        {
            "ConferenceSid": "CF1",
            "FriendlyName": "call 7",
            "StatusCallbackEvent": "participant-leave",
            "CallSid": "CA1",
            "ParticipantLabel": "agent-7",
            "SequenceNumber": "5",
            "Hold": "true",
            "Muted": "false",
            "ReasonParticipantLeft": "participant_hung_up",
        }
    )

    assert (event.friendly_name, event.event, event.label, event.sequence) == ("call 7", "participant-leave", "agent-7", 5)
    assert (event.hold, event.muted, event.reason) == (True, False, "participant_hung_up")


def test_two_deliveries_have_one_key_and_two_events_have_two():
    first = read_call(CALL | {"SequenceNumber": "1"})
    assert first.event_key() == read_call(CALL | {"SequenceNumber": "1"}).event_key()
    assert first.event_key() != read_call(CALL | {"SequenceNumber": "2"}).event_key()
    assert read_call(CALL).event_key("menu") != read_call(CALL).event_key("incoming")
    assert read_call(CALL | {"Digits": "1"}).event_key("menu") != read_call(CALL | {"Digits": "2"}).event_key("menu")


def test_the_same_key_pressed_twice_is_two_requests_when_the_carrier_marks_its_attempts():
    pressed = CALL | {"Digits": "0"}

    assert read_call(pressed, "first").event_key("menu") == read_call(pressed, "first").event_key("menu")
    assert read_call(pressed, "first").event_key("menu") != read_call(pressed, "second").event_key("menu")


@given(st.lists(st.sampled_from(STATUSES), min_size=1))
def test_a_state_never_moves_backwards_and_the_first_end_is_the_end(statuses):
    kept = list(itertools.accumulate([None, *statuses], later))[1:]

    ends = [status for status in statuses if status in FINAL]
    assert kept[-1] == (ends[0] if ends else max(statuses, key=STATUSES.index))
    ranks = [min(STATUSES.index(status), 4) for status in kept]
    assert ranks == sorted(ranks)


def test_an_unknown_status_changes_nothing():
    assert later("ringing", "something new") == "ringing"
