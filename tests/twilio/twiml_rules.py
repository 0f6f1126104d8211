"""The verbs, nouns and attributes of TwiML that Twilio documents, with the values that each may have.

Written down from Twilio's reference pages for each verb (twilio.com/docs/voice/twiml), apart from what our own carrier reads:
two readers who learnt from one book, so that one's mistake does not excuse the other's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree

Check = Callable[[str], bool]


def one_of(*words: str) -> Check:
    return lambda text: text in words


def some_of(*words: str) -> Check:
    return lambda text: bool(text.split()) and set(text.split()) <= set(words)


def number(least: int, most: int = 10**6, *words: str) -> Check:
    return lambda text: text in words or bool(re.fullmatch(r"\d{1,7}", text, re.ASCII) and least <= int(text) <= most)


def like(pattern: str) -> Check:
    return lambda text: bool(re.fullmatch(pattern, text, re.ASCII))


def address(text: str) -> bool:
    parts = urlsplit(text)
    return not re.search(r"\s", text) and ((parts.scheme in ("http", "https") and bool(parts.netloc)) or text.startswith("/"))


def anything(text: str) -> bool:
    return bool(text)


TRUTH, METHOD = one_of("true", "false"), one_of("GET", "POST")
E164 = like(r"\+[1-9]\d{6,14}")
RECORDING = {
    "recordingStatusCallback": address,
    "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": some_of("in-progress", "completed", "absent"),
    "trim": one_of("trim-silence", "do-not-trim"),
}
# The voices of the languages that we speak: a voice speaks one language, and `language` has to be that one.
VOICES = {
    "Polly.Zhiyu": ("zh-CN", "cmn-CN"),
    "Polly.Zhiyu-Neural": ("zh-CN", "cmn-CN"),
    "Polly.Joanna": ("en-US",),
    "Polly.Joanna-Neural": ("en-US",),
}
# What is understood has names of its own: Mandarin as it is spoken on the mainland is cmn-Hans-CN.
HEARD = ("cmn-Hans-CN", "cmn-Hant-TW", "yue-Hant-HK", "en-US", "en-GB", "en-AU", "en-IN")

ATTRIBUTES: dict[str, dict[str, Check]] = {
    "Response": {},
    "Say": {"voice": one_of(*VOICES), "language": like(r"[a-z]{2,3}(-[A-Za-z]{2,4}){1,2}"), "loop": number(0, 1000)},
    "Play": {"loop": number(0, 1000), "digits": like(r"[0-9A-Dw*#W]+")},
    "Pause": {"length": number(1)},
    "Redirect": {"method": METHOD},
    "Hangup": {},
    "Reject": {"reason": one_of("rejected", "busy")},
    "Gather": {
        "action": address,
        "method": METHOD,
        "input": one_of("dtmf", "speech", "dtmf speech"),
        "finishOnKey": like(r"[0-9*#]?"),
        "hints": anything,
        "language": one_of(*HEARD),
        "numDigits": number(1),
        "partialResultCallback": address,
        "partialResultCallbackMethod": METHOD,
        "profanityFilter": TRUTH,
        "speechTimeout": number(1, 10**6, "auto"),
        "timeout": number(1),
        "speechModel": anything,
        "enhanced": TRUTH,
        "actionOnEmptyResult": TRUTH,
    },
    "Dial": {
        "action": address,
        "answerOnBridge": TRUTH,
        "callerId": E164,
        "hangupOnStar": TRUTH,
        "method": METHOD,
        "record": one_of(
            "do-not-record", "record-from-answer", "record-from-ringing", "record-from-answer-dual", "record-from-ringing-dual"
        ),
        "recordingTrack": one_of("inbound", "outbound", "both"),
        "ringTone": like("[a-z]{2}"),
        "sequential": TRUTH,
        "timeLimit": number(1, 86400),
        "timeout": number(1, 600),
        **RECORDING,
    },
    "Conference": {
        "muted": TRUTH,
        "beep": one_of("true", "false", "onEnter", "onExit"),
        "startConferenceOnEnter": TRUTH,
        "endConferenceOnExit": TRUTH,
        "participantLabel": like(r"[^/]{1,128}"),
        "jitterBufferSize": one_of("off", "small", "medium", "large"),
        "waitUrl": lambda text: not text or address(text),
        "waitMethod": METHOD,
        "maxParticipants": number(2, 250),
        "record": one_of("do-not-record", "record-from-start"),
        "region": one_of("us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"),
        "coach": like("CA[0-9a-f]{32}"),
        "statusCallback": address,
        "statusCallbackMethod": METHOD,
        "statusCallbackEvent": some_of("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"),
        "eventCallbackUrl": address,
        **RECORDING,
    },
    "Number": {
        "url": address,
        "method": METHOD,
        "sendDigits": like(r"[0-9*#wW]+"),
        "statusCallback": address,
        "statusCallbackMethod": METHOD,
        "statusCallbackEvent": some_of("initiated", "ringing", "answered", "completed"),
        "machineDetection": one_of("Enable", "DetectMessageEnd"),
        "amdStatusCallback": address,
        "amdStatusCallbackMethod": METHOD,
    },
    "Record": {
        "action": address,
        "method": METHOD,
        "timeout": number(1),
        "finishOnKey": like(r"[0-9*#]*"),
        "maxLength": number(1, 14400),
        "playBeep": TRUTH,
        "transcribe": TRUTH,
        "transcribeCallback": address,
        **RECORDING,
    },
}
INSIDE = {
    "Response": {"Say", "Play", "Pause", "Redirect", "Hangup", "Reject", "Gather", "Dial", "Record"},
    "Gather": {"Say", "Play", "Pause"},
    "Dial": {"Conference", "Number"},
}
IN_A_ROOM = {"Say", "Play", "Pause", "Redirect"}  # what may be heard while waiting, on hold and as an announcement
LAST = {"Redirect", "Hangup", "Reject"}  # what stands after these is never reached
LONGEST_SAY, LONGEST_DOCUMENT = 4096, 64_000
HINTS, HINT = 500, 100


def faults_of(document: str, *, in_a_room: bool = False) -> list[str]:
    """What Twilio would not take, or never come to, in a document."""
    if not document.startswith('<?xml version="1.0" encoding="UTF-8"?>'):
        return ["it does not say that it is XML in UTF-8"]
    if len(document.encode()) > LONGEST_DOCUMENT:
        return ["it is too long"]
    root = ElementTree.fromstring(document)
    faults = ["it is no Response"] if root.tag != "Response" else []
    if in_a_room:
        faults += [f"<{verb.tag}> is not heard in a room" for verb in root if verb.tag not in IN_A_ROOM]
    faults += [f"nothing after <{verb.tag}> is reached" for verb in list(root)[:-1] if verb.tag in LAST]
    return faults + list(_faults(root))


def _faults(element: ElementTree.Element) -> Iterator[str]:
    known = ATTRIBUTES.get(element.tag)
    if known is None:
        yield f"<{element.tag}> is none that we know of"
        return
    for name, value in element.attrib.items():
        if name not in known:
            yield f"<{element.tag}> has no {name}"
        elif not known[name](value):
            yield f"{name} of <{element.tag}> cannot be “{value}”"
    yield from _faults_together(element)
    for child in element:
        if child.tag not in INSIDE.get(element.tag, ()):
            yield f"<{child.tag}> cannot stand in <{element.tag}>"
        yield from _faults(child)


def _faults_together(element: ElementTree.Element) -> Iterator[str]:
    """What holds between attributes and text."""
    text, has = (element.text or "").strip(), element.attrib
    if element.tag == "Say":
        if not 0 < len(text) <= LONGEST_SAY:
            yield f"<Say> of {len(text)} characters"
        if "voice" in has and "language" in has and has["language"] not in VOICES.get(has["voice"], ()):
            yield f"{has['voice']} does not speak {has['language']}"
    elif element.tag == "Play" and not (address(text) if text else "digits" in has):
        yield f"<Play> has neither an address nor digits: “{text}”"
    elif element.tag == "Redirect" and text and not address(text):
        yield f"<Redirect> to “{text}”"
    elif element.tag == "Conference" and not text:
        yield "<Conference> without a name"
    elif element.tag == "Gather":
        hints = [hint.strip() for hint in has.get("hints", "").split(",")]
        if len(hints) > HINTS or any(len(hint) > HINT for hint in hints):
            yield "hints that are too many or too long"
        if "speech" not in has.get("input", "dtmf") and has.keys() & {
            "hints",
            "language",
            "speechTimeout",
            "partialResultCallback",
        }:
            yield "words about speech where only keys are taken"
    elif element.tag == "Dial" and len(element) + bool(text) != 1:
        yield "<Dial> of nobody, or of two"
