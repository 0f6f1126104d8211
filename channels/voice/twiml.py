"""What we answer to the carrier: TwiML documents, built from texts and addresses that the caller of these functions decided.

A prompt is `(lang, text)` with lang `zh` or `en`, or `("play", url)` for a recording at an absolute address; several prompts are
heard one after another, so that a caller whose language is not known yet hears both. Every function answers the XML as text; send
it as `text/xml`.
"""

from __future__ import annotations

from collections.abc import Sequence

from twilio.twiml.voice_response import Conference, Dial, Gather, VoiceResponse

Prompts = Sequence[tuple[str, str]]

PLAY = "play"
CONFERENCE_EVENTS = "start end join leave mute hold"
MUSIC_URL = "https://s3.amazonaws.com/com.twilio.music.classical/BusyStrings.mp3"
VOICEMAIL_S = 180

_SPOKEN = {
    "zh": {"language": "zh-CN", "voice": "Polly.Zhiyu"},
    "en": {"language": "en-US", "voice": "Polly.Joanna"},
}
# The carrier speaks at most 4096 characters of one <Say>, and counts those of a language other than English as more than one.
_LONGEST_SAY = 1000


def gather(
    prompts: Prompts,
    action_url: str,
    *,
    timeout_s: int = 5,
    num_digits: int | None = 1,
    finish_on_key: str = "#",
    speech: str = "",
    hints: Sequence[str] = (),
    partial_url: str = "",
) -> str:
    """Ask for keys, and with `speech` (the language, `cmn-Hans-CN`) for words as well (`SpeechResult`, helped by `hints`).

    The caller may press or speak while we speak; silence is posted too (empty `Digits`), for the action to decide about.
    `num_digits` None takes any number of keys up to `finish_on_key` or the timeout; `partial_url` hears words as they come.
    """
    options: dict[str, object] = {"input": "dtmf", "timeout": timeout_s, "action_on_empty_result": True}
    if num_digits is not None:
        options["num_digits"] = num_digits
    if finish_on_key != "#":
        options["finish_on_key"] = finish_on_key
    if speech:
        options |= {"input": "dtmf speech", "language": speech, "speech_timeout": "auto"}
    if speech and hints:
        options["hints"] = ", ".join(hints)
    if speech and partial_url:
        options |= {"partial_result_callback": partial_url, "partial_result_callback_method": "POST"}
    response = VoiceResponse()
    verb = Gather(action=action_url, method="POST", **options)
    _speak(verb, prompts)
    response.append(verb)
    return str(response)


def gather_menu(prompts: Prompts, action_url: str, timeout_s: int = 5, num_digits: int = 1) -> str:
    """Ask for keys alone."""
    return gather(prompts, action_url, timeout_s=timeout_s, num_digits=num_digits)


def join_queue(
    conference: str,
    wait_url: str,
    *,
    status_url: str,
    lead_in: Prompts = (),
    action_url: str = "",
    leave_on_star: bool = False,
    label: str = "",
) -> str:
    """Put the caller into a room where `wait_url` plays until an agent enters. The room ends when the caller leaves.

    With `leave_on_star` the caller may press the star key to leave the room and is then sent to `action_url` (a callback offer).
    Conference wait documents cannot take keys, so this is the one way out of the queue by keypad.
    """
    room = Conference(
        conference,
        start_conference_on_enter=False,
        end_conference_on_exit=True,
        beep="false",
        wait_url=wait_url,
        wait_method="POST",
        **_room_events(status_url, label),
    )
    return _enter(room, lead_in, action_url, leave_on_star)


def agent_join(conference: str, *, status_url: str = "", label: str = "", muted: bool = False, action_url: str = "") -> str:
    """Put an agent into a room: the conversation starts, and goes on without him when he leaves."""
    extra: dict[str, object] = _room_events(status_url, label)
    if muted:
        extra["muted"] = True
    room = Conference(conference, start_conference_on_enter=True, end_conference_on_exit=False, beep="false", **extra)
    return _enter(room, (), action_url)


def party_join(conference: str, *, status_url: str = "", label: str = "", lead_in: Prompts = (), action_url: str = "") -> str:
    """Put somebody whom we called, or a caller on the way back, into a room that is talking: it ends when they leave."""
    room = Conference(
        conference,
        start_conference_on_enter=True,
        end_conference_on_exit=True,
        beep="false",
        **_room_events(status_url, label),
    )
    return _enter(room, lead_in, action_url)


def wait(prompts: Prompts, again_s: int, *, again_url: str = "", music_url: str = "") -> str:
    """What a waiting caller hears: the prompts (place, estimate), music or silence for `again_s`, then the whole again.

    An empty `again_url` means the address that this document was fetched from. With `music_url` the music sets the pace and
    `again_s` is not used.
    """
    response = VoiceResponse()
    _speak(response, prompts)
    if music_url:
        response.play(music_url, loop=1)
    else:
        response.pause(length=max(1, again_s))
    response.redirect(again_url, method="POST")
    return str(response)


def hold_music(prompts: Prompts = (), music_url: str = MUSIC_URL) -> str:
    """What a leg on hold hears: an optional sentence, then music without end."""
    response = VoiceResponse()
    _speak(response, prompts)
    response.play(music_url, loop=0)
    return str(response)


def announcement(prompts: Prompts) -> str:
    """What one leg, or everybody in a room, hears between: sentences and recordings only."""
    response = VoiceResponse()
    _speak(response, prompts)
    return str(response)


def play_digits(digits: str) -> str:
    """Keys as tones, for an outbound party's own menu. `w` waits half a second."""
    response = VoiceResponse()
    response.play(digits=digits)
    return str(response)


def say_then(prompts: Prompts, next_url: str) -> str:
    """Speak, then ask `next_url` what to do."""
    response = VoiceResponse()
    _speak(response, prompts)
    response.redirect(next_url, method="POST")
    return str(response)


def record_voicemail(
    prompts: Prompts,
    action_url: str,
    *,
    status_url: str,
    max_s: int = VOICEMAIL_S,
    silence_s: int = 10,
    transcribed_url: str = "",
) -> str:
    """Speak, beep and record until the hash key, `silence_s` of silence or `max_s`; then `action_url` says how it goes on.

    `status_url` hears when the recording can be fetched. A caller who hangs up meanwhile is posted to `action_url` with the key
    `hangup`; one who said nothing at all comes there by redirect, without a recording. The carrier writes down what was said, and
    posts it to `transcribed_url`; it understands English alone, of 2 to 120 seconds.
    """
    written = {"transcribe": True, "transcribe_callback": transcribed_url} if transcribed_url else {}
    response = VoiceResponse()
    _speak(response, prompts)
    response.record(
        action=action_url,
        method="POST",
        max_length=max_s,
        timeout=silence_s,
        finish_on_key="#",
        play_beep=True,
        trim="do-not-trim",
        recording_status_callback=status_url,
        recording_status_callback_method="POST",
        recording_status_callback_event="completed absent",
        **written,
    )
    response.redirect(action_url, method="POST")
    return str(response)


def goodbye(prompts: Prompts) -> str:
    """Speak and hang up."""
    response = VoiceResponse()
    _speak(response, prompts)
    response.hangup()
    return str(response)


def refuse(reason: str = "rejected") -> str:
    """Do not take the call at all (`rejected` or `busy`): nobody pays for it, and the caller hears a tone."""
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)


def _enter(room: Conference, lead_in: Prompts, action_url: str = "", leave_on_star: bool = False) -> str:
    options: dict[str, object] = {}
    if action_url:
        options |= {"action": action_url, "method": "POST"}
    if leave_on_star:
        options["hangup_on_star"] = True
    response = VoiceResponse()
    _speak(response, lead_in)
    dial = Dial(**options)
    dial.append(room)
    response.append(dial)
    return str(response)


def _room_events(status_url: str, label: str) -> dict[str, object]:
    options: dict[str, object] = {}
    if status_url:
        options |= {"status_callback": status_url, "status_callback_event": CONFERENCE_EVENTS, "status_callback_method": "POST"}
    if label:
        options["participant_label"] = label
    return options


def _speak(parent: VoiceResponse | Gather, prompts: Prompts) -> None:
    for lang, text in prompts:
        if lang == PLAY:
            parent.play(text)
            continue
        for part in _parts(text):
            parent.say(part, **_SPOKEN[lang.split("-")[0].lower()])


def _parts(text: str) -> list[str]:
    """A text that somebody wrote too long for one <Say> is spoken in several, parted at a blank where there is one."""
    parts = []
    while len(text) > _LONGEST_SAY:
        cut = text.rfind(" ", 1, _LONGEST_SAY) + 1 or _LONGEST_SAY
        parts.append(text[:cut].rstrip())
        text = text[cut:]
    return [*parts, text]
