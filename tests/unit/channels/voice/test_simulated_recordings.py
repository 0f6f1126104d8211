"""Recordings of the simulated carrier: what can be heard on them, when they can be fetched, voicemails."""

from __future__ import annotations

import io
import wave

import pytest

from channels.voice import twiml
from channels.voice.events import read_recording
from channels.voice.port import CarrierFailed
from channels.voice.sound_length import wav_seconds
from tests.unit.channels.voice.callers import CALLER, in_queue, talking


@pytest.fixture
def told(desk):
    """The reports about recordings."""
    reports = []

    def note(event) -> str:
        reports.append(read_recording(desk.asked[-1][1]))
        return "<Response/>"

    desk.answers["recording"] = note
    return reports


def loudness(sound: bytes, channel: int) -> list[int]:
    """The loudest sample of each second on one channel."""
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        channels, samples = file.getnchannels(), memoryview(file.readframes(file.getnframes())).cast("h")
    return [
        max(abs(one) for one in samples[at + channel : at + 8000 * channels : channels])
        for at in range(0, len(samples), 8000 * channels)
    ]


def fetched(carrier, recording: str) -> bytes:
    pieces, kind = carrier.fetch_recording(recording)
    assert kind == "audio/x-wav"
    return b"".join(pieces)


def test_a_conversation_is_recorded_in_stereo_with_silence_where_it_was_paused_or_held(carrier, desk, told):
    call, leg, room = talking(carrier, desk)
    recording = carrier.start_recording(call_sid=call, status_url="/recording")
    for _ in range(10):
        carrier.speak(call, "My card number is coming now.")
        carrier.speak(leg, "I am listening, please go on.")
        carrier.advance(1)
    carrier.pause_recording(call_sid=call, recording_sid=recording, on=True)
    carrier.speak(call, "4111 1111 1111 1111, and so on and so on.")
    carrier.advance(10)
    carrier.pause_recording(call_sid=call, recording_sid=recording, on=False)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="")
    carrier.advance(10)
    carrier.hang_up_phone(call)
    carrier.settle()
    with pytest.raises(CarrierFailed) as error:
        carrier.fetch_recording(recording)
    assert error.value.retryable is True
    carrier.advance(2)

    assert [(one.status, one.duration_s) for one in told] == [("in-progress", None), ("completed", 30)]
    sound = fetched(carrier, recording)
    assert wav_seconds(sound) == 30
    for channel in (0, 1):
        seconds = loudness(sound, channel)
        assert min(seconds[:10]) > 1000, "somebody speaks"
        assert max(seconds[11:]) == 0, "paused, then on hold"


def test_a_recording_survives_the_agents_and_can_be_stopped_and_deleted(carrier, desk, told):
    call, leg, _ = talking(carrier, desk)
    recording = carrier.start_recording(call_sid=call, status_url="/recording")
    carrier.advance(5)
    carrier.hang_up_phone(leg)
    carrier.advance(5)
    carrier.stop_recording(call_sid=call, recording_sid=recording)
    carrier.stop_recording(call_sid=call, recording_sid=recording)
    carrier.advance(2)

    assert told[-1].duration_s == 10
    assert carrier.call_state(call) == "in-progress"
    carrier.delete_recording(recording)
    carrier.delete_recording(recording)
    with pytest.raises(CarrierFailed) as error:
        carrier.fetch_recording(recording)
    assert (error.value.retryable, error.value.code) == (False, 20404)


def test_what_does_not_run_cannot_be_recorded_or_paused(carrier, desk, told):
    call = in_queue(carrier, desk)
    recording = carrier.start_recording(call_sid=call, status_url="/recording")
    carrier.hang_up_phone(call)
    carrier.settle()

    for act, code in (
        (lambda: carrier.start_recording(call_sid=call, status_url="/recording"), 21220),
        (lambda: carrier.start_recording(call_sid="CA0", status_url="/recording"), 20404),
        (lambda: carrier.pause_recording(call_sid=call, recording_sid=recording, on=True), 21220),
        (lambda: carrier.pause_recording(call_sid=call, recording_sid="RE0", on=True), 20404),
    ):
        with pytest.raises(CarrierFailed) as error:
            act()
        assert error.value.code == code


def voicemail(carrier, desk, **options):
    """A caller who hears the beep. Their action is kept in `desk.asked` as `recorded`."""
    desk.answers["voice"] = lambda event: twiml.record_voicemail(
        [("en", "Please speak.")], "/recorded", status_url="/recording", **options
    )
    desk.answers["recorded"] = lambda event: twiml.goodbye([("en", "Thank you.")])
    call = carrier.dial(CALLER)
    carrier.settle()
    carrier.advance(2)
    return call


def recorded(desk) -> list[dict[str, str]]:
    return [form for step, form in desk.asked if step == "recorded"]


def test_a_voicemail_ends_with_the_hash_key_and_can_be_fetched(carrier, desk, ear, told):
    call = voicemail(carrier, desk)
    assert ear.wait_for("record", call).data["max_s"] == 180
    assert carrier.speak(call, "Please ring me back about my contract.") == 1
    carrier.advance(4)
    assert carrier.press(call, "1") is False
    assert carrier.press(call, "#") is True
    carrier.settle()
    carrier.advance(2)

    (form,) = recorded(desk)
    said = read_recording(form)
    assert (said.digits, said.duration_s) == ("#", told[-1].duration_s)
    assert told[-1].status == "completed"
    assert (told[-1].source, told[-1].channels) == ("RecordVerb", 1)
    assert max(loudness(fetched(carrier, said.recording_sid), 0)) > 1000
    assert ear.texts(call)[-1] == "Thank you."


def test_a_voicemail_ends_when_the_caller_falls_silent_or_has_spoken_long_enough(carrier, desk, told):
    call = voicemail(carrier, desk, silence_s=10)
    carrier.speak(call, "Hello, it is me.")
    carrier.advance(15)
    assert recorded(desk)[0]["Digits"] == ""

    call = voicemail(carrier, desk, max_s=30)
    for _ in range(28):
        carrier.voice(call)
        carrier.advance(1)
    assert len(recorded(desk)) == 1
    carrier.advance(2)
    assert recorded(desk)[1]["RecordingDuration"] == "30"


def test_a_caller_who_hangs_up_has_left_the_message_all_the_same(carrier, desk, told):
    call = voicemail(carrier, desk)
    carrier.speak(call, "Never mind, I will write.")
    carrier.advance(3)
    carrier.hang_up_phone(call)
    carrier.settle()
    carrier.advance(2)

    assert recorded(desk)[0]["Digits"] == "hangup"
    assert told[-1].status == "completed"


def test_a_silent_voicemail_is_absent_and_the_document_goes_on(carrier, desk, told):
    voicemail(carrier, desk)
    carrier.advance(30)

    assert ["RecordingSid" in form for form in recorded(desk)] == [False]
    assert [one.status for one in told] == ["absent"]
    with pytest.raises(CarrierFailed) as error:
        carrier.fetch_recording(told[0].recording_sid)
    assert error.value.retryable is False
