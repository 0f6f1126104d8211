"""Reads a TwiML document into verbs, as strictly as the real carrier and more: what it only warns of is an error here.

Sources: the verbs' reference pages and the list of error codes in the real carrier's documentation. Not simulated, and refused:
verbs that we never emit (`Enqueue`, `Start`, `Number` ...) and methods other than POST.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

from channels.voice.simulated.attributes import ATTRIBUTES, Values
from channels.voice.simulated.verbs import (
    NOT_XML,
    SCHEMA,
    TOO_LARGE,
    BadTwiml,
    Dial,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Verb,
)

_MAX_CHARS = 64 * 1024
_LONGEST_SAY = 4096
_MOST_HINTS, _LONGEST_HINT = 500, 100
_KEYS = "0123456789*#"
_TONES = re.compile(r"[0-9*#wWA-D]+", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", re.ASCII)
_VOICE = re.compile(r"man|woman|alice|(Polly|Google)\.[A-Za-z0-9-]+", re.ASCII)
_CALL_SID = re.compile(r"CA[0-9a-f]{32}", re.ASCII)
_CONFERENCE_EVENTS = frozenset({"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"})
_RECORDING_EVENTS = frozenset({"in-progress", "completed", "absent"})


def parse(document: str) -> tuple[Verb, ...]:
    """The verbs of a document in order. An empty `<Response/>` is valid and has none. Raises `BadTwiml`."""
    if len(document) > _MAX_CHARS:
        raise BadTwiml(TOO_LARGE, "The document is larger than 64 kB.")
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise BadTwiml(NOT_XML, "A document type declaration is not allowed.")
    try:
        # Without a document type there are no entities to expand, and the size is bounded: nothing is left to defuse.
        root = ElementTree.fromstring(document.strip())  # noqa: S314
    except ElementTree.ParseError as error:
        raise BadTwiml(NOT_XML, f"The document is not XML: {error}") from error
    if root.tag != "Response":
        raise BadTwiml(SCHEMA, f"The document starts with <{root.tag}>, not <Response>.")
    if root.attrib:
        raise BadTwiml(SCHEMA, "<Response> takes no attributes.")
    return tuple(_verb(element) for element in root)


def _verb(element: ElementTree.Element) -> Verb:
    read = _READERS.get(element.tag)
    if read is None:
        raise BadTwiml(SCHEMA, f"<{element.tag}> is not a verb that can stand here.")
    if len(element) and element.tag not in ("Gather", "Dial", "Say"):
        raise BadTwiml(SCHEMA, f"Nothing can stand inside <{element.tag}>.")
    _check_attributes(element)
    return read(element, Values(element))


def _check_attributes(element: ElementTree.Element) -> None:
    for name in element.attrib:
        if name not in ATTRIBUTES[element.tag]:
            raise BadTwiml(SCHEMA, f"<{element.tag}> has no attribute {name}.")


def _say(element: ElementTree.Element, values: Values) -> Say:
    # The words inside speech markup (<break/>, <emphasis>) are all that a typed telephone can pass on.
    text = " ".join("".join(element.itertext()).split())
    if not text:
        raise BadTwiml(13520, "<Say> has nothing to say.")
    if len(text) > _LONGEST_SAY:
        raise BadTwiml(13521, f"<Say> has {len(text)} characters, more than {_LONGEST_SAY}.")
    values.fitting("voice", _VOICE, 13511)
    lang = values.fitting("language", _LANGUAGE, 13512, default="en-US")
    return Say(text=text, lang=lang, loop=values.whole("loop", 1, code=13510))


def _play(_element: ElementTree.Element, values: Values) -> Play:
    url = values.address(values.text, code=SCHEMA)
    digits = values.fitting("digits", _TONES, 13430)
    if not url and not digits:
        raise BadTwiml(SCHEMA, "<Play> has nothing to play.")
    return Play(url=url, digits=digits, loop=values.whole("loop", 1, code=13410))


def _pause(_element: ElementTree.Element, values: Values) -> Pause:
    return Pause(seconds=values.whole("length", 1, code=13910, least=1))


def _gather(element: ElementTree.Element, values: Values) -> Gather:
    values.posting("method", 13312)
    values.posting("partialResultCallbackMethod", 13329)
    kinds = set(values.get("input", "dtmf").split())
    if not kinds or kinds - {"dtmf", "speech"}:
        raise BadTwiml(13326, "input of <Gather> is dtmf, speech or both.")
    prompts = []
    for child in element:
        if child.tag not in ("Say", "Play", "Pause"):
            raise BadTwiml(13320, f"<{child.tag}> cannot stand inside <Gather>.")
        prompts.append(_verb(child))
    finish = values.get("finishOnKey", "#")
    if len(finish) > 1 or finish not in _KEYS:
        raise BadTwiml(13310, "finishOnKey of <Gather> is one key, or empty.")
    hints = tuple(hint.strip() for hint in values.get("hints", "").split(",") if hint.strip())
    if len(hints) > _MOST_HINTS or any(len(hint) > _LONGEST_HINT for hint in hints):
        raise BadTwiml(13330, f"hints of <Gather> are at most {_MOST_HINTS}, of at most {_LONGEST_HINT} characters each.")
    if values.get("speechTimeout", "auto") == "auto" and values.get("speechModel", "") == "default":
        raise BadTwiml(13335, "speechTimeout auto cannot be used with the default model.")
    for name, code in (("profanityFilter", 13333), ("bargeIn", 13332)):
        values.truth(name, True, code=code)
    return Gather(
        prompts=tuple(prompts),
        action=values.address(values.get("action", "")),
        timeout_s=values.whole("timeout", 5, code=13313, least=1, other="auto"),
        num_digits=values.whole("numDigits", 0, code=13314, least=1) or None,
        finish_on_key=finish,
        post_silence=values.truth("actionOnEmptyResult", False, code=13338),
        keys="dtmf" in kinds,
        speech="speech" in kinds,
        lang=values.fitting("language", _LANGUAGE, 13331, default="en-US"),
        hints=hints,
        speech_timeout_s=values.whole("speechTimeout", 0, code=13327, least=1, other="auto") or None,
        partial_url=values.address(values.get("partialResultCallback", "")),
    )


def _redirect(_element: ElementTree.Element, values: Values) -> Redirect:
    values.posting("method", 13710)
    return Redirect(url=values.address(values.text))


def _dial(element: ElementTree.Element, values: Values) -> Dial:
    values.posting("method", 13210)
    values.whole("timeout", 30, code=13212, least=1)
    children = list(element)
    if len(children) != 1 or children[0].tag != "Conference":
        raise BadTwiml(13215, "Only one <Conference> can be dialled here.")
    _check_attributes(children[0])
    room = Values(children[0])
    name = room.text
    if not name or len(name) > 128:
        raise BadTwiml(13237, "<Conference> has no name, or one of more than 128 characters.")
    room.posting("waitMethod", 13234)
    room.posting("statusCallbackMethod", 16002)
    label = room.get("participantLabel", "")
    if len(label) > 128 or "/" in label or "%2f" in label.lower() or _CALL_SID.fullmatch(label):
        raise BadTwiml(16023, "participantLabel has at most 128 characters, no slash and not the form of a CallSid.")
    coach = room.get("coach", "")
    if coach and not _CALL_SID.fullmatch(coach):
        raise BadTwiml(13240, "coach of <Conference> is not a CallSid.")
    beep = room.get("beep", "true")
    if beep not in ("true", "false", "onEnter", "onExit"):
        raise BadTwiml(13235, "beep of <Conference> is true, false, onEnter or onExit.")
    status_url = room.address(room.get("statusCallback", ""), code=16002)
    wait_url = room.get("waitUrl", None)
    return Dial(
        room=name,
        action=values.address(values.get("action", "")),
        hangup_on_star=values.truth("hangupOnStar", False, code=13213),
        start_on_enter=room.truth("startConferenceOnEnter", True, code=13232),
        end_on_exit=room.truth("endConferenceOnExit", False, code=13231),
        muted=room.truth("muted", False, code=13230),
        wait_url=None if wait_url is None else room.address(wait_url, code=13233),
        status_url=status_url,
        status_events=room.events("statusCallbackEvent", _CONFERENCE_EVENTS, 16002),
        label=label,
        beep=beep,
        coach=coach,
        most=room.whole("maxParticipants", 250, code=16002, least=1, most=250),
        time_limit_s=values.whole("timeLimit", 4 * 3600, code=13216, least=1, most=24 * 3600),
    )


def _record(_element: ElementTree.Element, values: Values) -> Record:
    values.posting("method", 13610)
    values.posting("recordingStatusCallbackMethod", 13610)
    finish = values.get("finishOnKey", "1234567890*#")
    if set(finish) - set(_KEYS):
        raise BadTwiml(13613, "finishOnKey of <Record> holds keys only.")
    transcribes = values.truth("transcribe", False, code=13614)
    written_url = values.address(values.get("transcribeCallback", ""), code=13615)
    trim = values.get("trim", "trim-silence")
    if trim not in ("trim-silence", "do-not-trim"):
        raise BadTwiml(13699, "trim of <Record> is trim-silence or do-not-trim.")
    return Record(
        action=values.address(values.get("action", "")),
        timeout_s=values.whole("timeout", 5, code=13611, least=1),
        max_s=values.whole("maxLength", 3600, code=13612, least=1, most=14400),
        finish_on_key=finish,
        beep=values.truth("playBeep", True, code=13616),
        trim=trim == "trim-silence",
        status_url=values.address(values.get("recordingStatusCallback", ""), code=13256),
        status_events=values.events("recordingStatusCallbackEvent", _RECORDING_EVENTS, 13621) or frozenset({"completed"}),
        transcribed_url=written_url if transcribes else "",
    )


def _hangup(_element: ElementTree.Element, _values: Values) -> Hangup:
    return Hangup()


def _reject(_element: ElementTree.Element, values: Values) -> Reject:
    reason = values.get("reason", "rejected")
    if reason not in ("rejected", "busy"):
        raise BadTwiml(13810, f"<Reject> has no reason {reason}.")
    return Reject(reason)


_READERS: dict[str, Callable[[ElementTree.Element, Values], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Redirect": _redirect,
    "Dial": _dial,
    "Record": _record,
    "Hangup": _hangup,
    "Reject": _reject,
}
