"""Every document that we can build is one that Twilio takes; those of the stories are looked at where they are told."""

from __future__ import annotations

import inspect
import itertools

import pytest

from channels.voice import twiml
from tests.twilio.twiml_rules import faults_of

URL, TALK = (
    "https://desk.example/hooks/x?call=1&at=2",
    (("zh", "您好，请按 1。"), ("en-GB", "Hello & welcome <b>"), ("play", "https://desk.example/a.wav")),
)
# For each parameter of a builder the values that it is tried with; each builder is tried with every combination of them.
VALUES = {
    "prompts": [(), TALK, (("zh", "长" * 2500),)],
    "lead_in": [(), TALK],
    "action_url": ["", URL],
    "status_url": ["", URL],
    "transcribed_url": ["", URL],
    "wait_url": [URL],
    "next_url": [URL],
    "again_url": ["", URL],
    "music_url": ["", "https://desk.example/music.mp3"],
    "partial_url": ["", URL],
    "timeout_s": [1, 30],
    "num_digits": [None, 1, 12],
    "finish_on_key": ["#", "*", ""],
    "speech": ["", "cmn-Hans-CN", "en-US"],
    "hints": [(), ("billing", "账单")],
    "conference": ["call-7"],
    "leave_on_star": [False, True],
    "label": ["", "agent-7"],
    "muted": [False, True],
    "again_s": [0, 15],
    "digits": ["1w2#*", "W0"],
    "max_s": [1, 180],
    "silence_s": [1, 10],
    "reason": ["rejected", "busy"],
}
MUST = {  # what is never empty
    *(("gather", "action_url"), ("gather_menu", "action_url"), ("record_voicemail", "action_url")),
    *(("record_voicemail", "status_url"), ("hold_music", "music_url")),
}
ROOM_DOCUMENTS = {"wait", "hold_music", "announcement", "play_digits"}
BUILDERS = {
    name: builder
    for name, builder in vars(twiml).items()
    if inspect.isfunction(builder) and not name.startswith("_") and builder.__module__ == twiml.__name__
}


@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_built_is_what_twilio_takes_whatever_the_options(name):
    builder = BUILDERS[name]
    names = list(inspect.signature(builder).parameters)
    choices = [[value for value in VALUES[each] if value != "" or (name, each) not in MUST] for each in names]
    for values in itertools.product(*choices):
        given = dict(zip(names, values, strict=True))
        assert faults_of(builder(**given), in_a_room=name in ROOM_DOCUMENTS) == [], given


def xml(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<Shout>!</Shout>", "none that we know of"),
        ("<Say/>", "<Say> of 0 characters"),
        ('<Say loudness="11">x</Say>', "has no loudness"),
        ('<Say voice="Polly.Joanna" language="zh-CN">x</Say>', "does not speak zh-CN"),
        ('<Pause length="0"/>', "cannot be “0”"),
        ('<Play digits="1,2"/>', "cannot be “1,2”"),
        ("<Play/>", "neither an address nor digits"),
        ("<Play>music.mp3</Play>", "neither an address nor digits"),
        ("<Hangup/><Say>x</Say>", "nothing after <Hangup>"),
        ('<Gather timeout="auto"/>', "cannot be “auto”"),
        ('<Gather input="speech dtmf"/>', "cannot be “speech dtmf”"),
        ('<Gather hints="x"/>', "only keys are taken"),
        ("<Gather><Redirect/></Gather>", "cannot stand in <Gather>"),
        ("<Dial><Conference/></Dial>", "without a name"),
        ('<Dial><Conference beep="yes">r</Conference></Dial>', "cannot be “yes”"),
        ('<Dial><Conference statusCallbackEvent="join left">r</Conference></Dial>', "cannot be “join left”"),
        ('<Dial><Conference maxParticipants="251">r</Conference></Dial>', "cannot be “251”"),
        ("<Dial/>", "<Dial> of nobody"),
        ('<Dial timeout="601"><Number>+15550001</Number></Dial>', "cannot be “601”"),
        ('<Record maxLength="14401"/>', "cannot be “14401”"),
        ('<Record recordingStatusCallbackEvent="done"/>', "cannot be “done”"),
        ('<Redirect method="PUT">/x</Redirect>', "cannot be “PUT”"),
    ],
)
def test_a_document_that_twilio_would_not_take_is_found_out(inside, fault):
    assert any(fault in found for found in faults_of(xml(inside)))
    assert faults_of("<Response/>") != []
    assert faults_of(xml("<Dial><Conference>r</Conference></Dial>"), in_a_room=True) != []
