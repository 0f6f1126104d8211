"""The documents that we answer, and the strict reading of documents by the simulated carrier."""

from __future__ import annotations

import pytest

from channels.voice import twiml
from channels.voice.simulated import script
from channels.voice.simulated.verbs import BadTwiml, Dial, Gather, Hangup, Pause, Play, Redirect, Reject, Say

PROMPTS = [("zh", "您好，账单请按 1。"), ("en", "Hello, for billing press 1 & wait <here>.")]
SPOKEN = (Say("您好，账单请按 1。", "zh-CN"), Say("Hello, for billing press 1 & wait <here>.", "en-US"))


def response(inside):
    return f"<?xml version='1.0' encoding='UTF-8'?><Response>{inside}</Response>"


def test_a_menu_speaks_both_languages_takes_keys_meanwhile_and_reports_silence():
    assert script.parse(twiml.gather_menu(PROMPTS, "/menu", timeout_s=7, num_digits=2)) == (
        Gather(prompts=SPOKEN, action="/menu", timeout_s=7, num_digits=2, finish_on_key="#", post_silence=True),
    )


def test_a_caller_enters_a_room_that_waits_for_an_agent_and_ends_with_the_caller():
    *lead_in, dial = script.parse(twiml.join_queue("call 7", "/wait", status_url="/conference", lead_in=PROMPTS))

    assert tuple(lead_in) == SPOKEN
    assert isinstance(dial, Dial)
    assert (dial.room, dial.start_on_enter, dial.end_on_exit, dial.wait_url) == ("call 7", False, True, "/wait")
    assert (dial.status_url, dial.status_events) == ("/conference", {"start", "end", "join", "leave", "mute", "hold"})
    assert (dial.action, dial.hangup_on_star) == ("", False)


def test_a_caller_may_be_given_a_key_to_leave_the_queue():
    (dial,) = script.parse(twiml.join_queue("c", "/wait", status_url="/c", action_url="/callback", leave_on_star=True))

    assert (dial.action, dial.hangup_on_star) == ("/callback", True)


def test_an_agent_starts_the_room_and_does_not_end_it():
    (dial,) = script.parse(twiml.agent_join("call 7", status_url="/conference", label="agent-7", muted=True))

    assert (dial.room, dial.start_on_enter, dial.end_on_exit) == ("call 7", True, False)
    assert (dial.label, dial.muted, dial.status_url) == ("agent-7", True, "/conference")
    assert 'beep="false"' in twiml.agent_join("call 7")


def test_the_other_documents_are_read_as_they_were_meant():
    music = "https://desk.example/music.mp3"
    assert script.parse(twiml.wait(PROMPTS, 20)) == (*SPOKEN, Pause(20), Redirect(""))
    assert script.parse(twiml.wait([], 20, again_url="/wait?n=2", music_url=music)) == (Play(music, 1), Redirect("/wait?n=2"))
    assert script.parse(twiml.hold_music(PROMPTS, music)) == (*SPOKEN, Play(music, 0))
    assert script.parse(twiml.hold_music()) == (Play(twiml.MUSIC_URL, 0),)
    assert script.parse(twiml.say_then(PROMPTS, "/next")) == (*SPOKEN, Redirect("/next"))
    assert script.parse(twiml.goodbye(PROMPTS)) == (*SPOKEN, Hangup())
    assert script.parse(twiml.refuse("busy")) == (Reject("busy"),)


def test_chinese_is_spoken_by_a_chinese_voice():
    document = twiml.goodbye([("zh", "再见"), ("zh-CN", "再见"), ("en", "Bye")])

    assert document.count('language="zh-CN" voice="Polly.Zhiyu"') + document.count('voice="Polly.Zhiyu" language="zh-CN"') == 2
    assert "Polly.Joanna" in document


def test_speech_markup_is_read_as_its_words():
    assert script.parse(response("<Say>One<break/> <emphasis>two</emphasis>\n three</Say>")) == (Say("One two three", "en-US"),)


def test_an_empty_response_has_nothing_to_do():
    assert script.parse("<Response/>") == ()


@pytest.mark.parametrize(
    ("document", "code", "says"),
    [
        ("", 12100, "not XML"),
        ("<html>", 12100, "not XML"),
        ("<!DOCTYPE Response [<!ENTITY a 'b'>]><Response/>", 12100, "document type"),
        ("<Response>" + " " * 70_000 + "</Response>", 11750, "64 kB"),
        ("<Answer/>", 12200, "<Answer>"),
        ("<Response a='b'/>", 12200, "no attributes"),
        (response("<Shout>Hi</Shout>"), 12200, "<Shout>"),
        (response("<say>Hi</say>"), 12200, "<say>"),
        (response("<Conference>room</Conference>"), 12200, "<Conference>"),
        (response("<Say tone='warm'>Hi</Say>"), 12200, "tone"),
        (response("<Hangup now='true'/>"), 12200, "now"),
        (response("<Pause length='long'/>"), 13910, "length"),
        (response("<Pause length='-1'/>"), 13910, "length"),
        (response("<Play/>"), 12200, "nothing to play"),
        (response("<Reject reason='tired'/>"), 13810, "tired"),
        (response("<Gather><Hangup/></Gather>"), 13320, "<Hangup>"),
        (response("<Gather><Say tone='x'>Hi</Say></Gather>"), 12200, "tone"),
        (response("<Gather input='video'/>"), 13326, "speech"),
        (response("<Gather actionOnEmptyResult='yes'/>"), 13338, "actionOnEmptyResult"),
        (response("<Dial>+8613800138000</Dial>"), 13215, "<Conference>"),
        (response("<Dial><Conference/></Dial>"), 13237, "no name"),
        (response("<Dial><Conference moderator='x'>r</Conference></Dial>"), 12200, "moderator"),
        (
            response("<Dial><Conference statusCallback='/c' statusCallbackEvent='start dance'>r</Conference></Dial>"),
            16002,
            "dance",
        ),
    ],
)
def test_a_wrong_document_is_refused_with_what_is_wrong(document, code, says):
    with pytest.raises(BadTwiml, match=says) as error:
        script.parse(document)
    assert error.value.code == code
