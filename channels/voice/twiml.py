"""What we answer to the carrier: TwiML documents, built from texts and addresses that the caller of these functions decided.

A prompt is `(lang, text)` with lang `zh` or `en`; several prompts are spoken one after another, so that a caller whose language
is not known yet hears both. Every function answers the XML as text; send it as `text/xml`.
"""

from __future__ import annotations

from collections.abc import Sequence

from twilio.twiml.voice_response import Conference, Dial, Gather, VoiceResponse

Prompts = Sequence[tuple[str, str]]

CONFERENCE_EVENTS = "start end join leave mute hold"
MUSIC_URL = "https://s3.amazonaws.com/com.twilio.music.classical/BusyStrings.mp3"

_SPOKEN = {
    "zh": {"language": "zh-CN", "voice": "Polly.Zhiyu"},
    "en": {"language": "en-US", "voice": "Polly.Joanna"},
}


def gather_menu(prompts: Prompts, action_url: str, timeout_s: int = 5, num_digits: int = 1) -> str:
    """Ask for keys. The caller may press while we speak; silence is posted too (empty `Digits`), for the menu to decide about."""
    response = VoiceResponse()
    gather = Gather(
        input="dtmf",
        action=action_url,
        method="POST",
        timeout=timeout_s,
        num_digits=num_digits,
        action_on_empty_result=True,
    )
    _say(gather, prompts)
    response.append(gather)
    return str(response)


def join_queue(
    conference: str,
    wait_url: str,
    *,
    status_url: str,
    lead_in: Prompts = (),
    action_url: str = "",
    leave_on_star: bool = False,
) -> str:
    """Put the caller into a room where `wait_url` plays until an agent enters. The room ends when the caller leaves.

    With `leave_on_star` the caller may press the star key to leave the room and is then sent to `action_url` (a callback offer).
    Conference wait documents cannot take keys, so this is the one way out of the queue by keypad.
    """
    response = VoiceResponse()
    _say(response, lead_in)
    room = Conference(
        conference,
        start_conference_on_enter=False,
        end_conference_on_exit=True,
        beep="false",
        wait_url=wait_url,
        wait_method="POST",
        status_callback=status_url,
        status_callback_event=CONFERENCE_EVENTS,
        status_callback_method="POST",
    )
    response.append(_dial(room, action_url, leave_on_star))
    return str(response)


def agent_join(conference: str, *, status_url: str = "", label: str = "", muted: bool = False, action_url: str = "") -> str:
    """Put an agent into a room: the conversation starts, and goes on without him when he leaves."""
    response = VoiceResponse()
    extra: dict[str, object] = {}
    if status_url:
        extra |= {"status_callback": status_url, "status_callback_event": CONFERENCE_EVENTS, "status_callback_method": "POST"}
    if label:
        extra["participant_label"] = label
    if muted:
        extra["muted"] = True
    room = Conference(conference, start_conference_on_enter=True, end_conference_on_exit=False, beep="false", **extra)
    response.append(_dial(room, action_url, False))
    return str(response)


def wait(prompts: Prompts, again_s: int, *, again_url: str = "", music_url: str = "") -> str:
    """What a waiting caller hears: the prompts (place, estimate), music or silence for `again_s`, then the whole again.

    An empty `again_url` means the address that this document was fetched from. With `music_url` the music sets the pace and
    `again_s` is not used.
    """
    response = VoiceResponse()
    _say(response, prompts)
    if music_url:
        response.play(music_url, loop=1)
    else:
        response.pause(length=max(1, again_s))
    response.redirect(again_url, method="POST")
    return str(response)


def hold_music(prompts: Prompts = (), music_url: str = MUSIC_URL) -> str:
    """What a leg on hold hears: an optional sentence, then music without end."""
    response = VoiceResponse()
    _say(response, prompts)
    response.play(music_url, loop=0)
    return str(response)


def say_then(prompts: Prompts, next_url: str) -> str:
    """Speak, then ask `next_url` what to do."""
    response = VoiceResponse()
    _say(response, prompts)
    response.redirect(next_url, method="POST")
    return str(response)


def goodbye(prompts: Prompts) -> str:
    """Speak and hang up."""
    response = VoiceResponse()
    _say(response, prompts)
    response.hangup()
    return str(response)


def refuse(reason: str = "rejected") -> str:
    """Do not take the call at all (`rejected` or `busy`): nobody pays for it, and the caller hears a tone."""
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)


def _dial(room: Conference, action_url: str, leave_on_star: bool) -> Dial:
    options: dict[str, object] = {}
    if action_url:
        options |= {"action": action_url, "method": "POST"}
    if leave_on_star:
        options["hangup_on_star"] = True
    dial = Dial(**options)
    dial.append(room)
    return dial


def _say(parent: VoiceResponse | Gather, prompts: Prompts) -> None:
    for lang, text in prompts:
        parent.say(text, **_SPOKEN[lang.split("-")[0].lower()])
