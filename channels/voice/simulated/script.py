"""Reads a TwiML document into verbs, as strictly as the real carrier: an unknown verb or attribute is an error, not a shrug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

_MAX_CHARS = 64 * 1024

# Error numbers of the real carrier, so that they can be looked up.
NOT_XML = 12100
SCHEMA = 12200
NOT_BESIDE_A_ROOM = 13238
HTTP_FAILED = 11200


class BadTwiml(Exception):
    """The document cannot be carried out; `code` is the carrier's error number and the text says what is wrong with it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Say:
    """`loop` 0 means again and again without end."""

    text: str
    lang: str
    loop: int = 1


@dataclass(frozen=True)
class Play:
    """`loop` 0 means without end."""

    url: str
    loop: int = 1


@dataclass(frozen=True)
class Pause:
    """Silence."""

    seconds: int = 1


@dataclass(frozen=True)
class Gather:
    """`action` empty means the address of the document itself; `num_digits` None means until `finish_on_key` or the timeout."""

    prompts: tuple[Say | Play | Pause, ...]
    action: str
    timeout_s: int
    num_digits: int | None
    finish_on_key: str
    post_silence: bool


@dataclass(frozen=True)
class Redirect:
    """Go on with another document; an empty `url` is this one again."""

    url: str


@dataclass(frozen=True)
class Dial:
    """Only conferences can be dialled. An empty `wait_url` is silence; None is the carrier's own music."""

    room: str
    action: str
    hangup_on_star: bool
    start_on_enter: bool
    end_on_exit: bool
    muted: bool
    wait_url: str | None
    status_url: str
    status_events: frozenset[str]
    label: str


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Do not take the call; `reason` is `rejected` or `busy`."""

    reason: str


Verb = Say | Play | Pause | Gather | Redirect | Dial | Hangup | Reject

_CONFERENCE_EVENTS = frozenset({"start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"})

_ATTRIBUTES = {
    "Say": {"voice", "language", "loop"},
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Redirect": {"method"},
    "Hangup": set(),
    "Reject": {"reason"},
    "Gather": {
        "action", "method", "timeout", "numDigits", "finishOnKey", "input", "actionOnEmptyResult", "language", "speechTimeout",
        "maxSpeechTime", "profanityFilter", "hints", "bargeIn", "debug", "enhanced", "speechModel",
        "partialResultCallback", "partialResultCallbackMethod",
    },
    "Dial": {
        "action", "method", "timeout", "hangupOnStar", "timeLimit", "callerId", "answerOnBridge", "ringTone", "record", "trim",
        "recordingStatusCallback", "recordingStatusCallbackMethod", "recordingStatusCallbackEvent", "recordingTrack",
    },
    "Conference": {
        "muted", "beep", "startConferenceOnEnter", "endConferenceOnExit", "waitUrl", "waitMethod", "maxParticipants", "record",
        "region", "coach", "trim", "participantLabel", "jitterBufferSize", "statusCallback", "statusCallbackEvent",
        "statusCallbackMethod", "recordingStatusCallback", "recordingStatusCallbackMethod", "recordingStatusCallbackEvent",
        "eventCallbackUrl",
    },
}  # fmt: skip


def parse(document: str) -> tuple[Verb, ...]:
    """The verbs of a document in order. An empty `<Response/>` is valid and has none. Raises `BadTwiml`."""
    if len(document) > _MAX_CHARS:
        raise BadTwiml(NOT_XML, "The document is larger than 64 kB.")
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
    _check_attributes(element)
    return read(element)


def _check_attributes(element: ElementTree.Element) -> None:
    for name in element.attrib:
        if name not in _ATTRIBUTES[element.tag]:
            raise BadTwiml(SCHEMA, f"<{element.tag}> has no attribute {name}.")


def _say(element: ElementTree.Element) -> Say:
    # The words inside speech markup (<break/>, <emphasis>) are all that a typed telephone can pass on.
    text = " ".join("".join(element.itertext()).split())
    return Say(text=text, lang=element.get("language", "en-US"), loop=_whole(element, "loop", 1))


def _play(element: ElementTree.Element) -> Play:
    url = _text(element)
    if not url and "digits" not in element.attrib:
        raise BadTwiml(SCHEMA, "<Play> has nothing to play.")
    return Play(url=url, loop=_whole(element, "loop", 1))


def _pause(element: ElementTree.Element) -> Pause:
    return Pause(seconds=_whole(element, "length", 1))


def _gather(element: ElementTree.Element) -> Gather:
    if element.get("input", "dtmf") != "dtmf":
        raise BadTwiml(SCHEMA, "Only keys can be gathered here, not speech.")
    prompts = []
    for child in element:
        if child.tag not in ("Say", "Play", "Pause"):
            raise BadTwiml(SCHEMA, f"<{child.tag}> cannot stand inside <Gather>.")
        prompts.append(_verb(child))
    return Gather(
        prompts=tuple(prompts),
        action=element.get("action", ""),
        timeout_s=_whole(element, "timeout", 5),
        num_digits=_whole(element, "numDigits", 0) or None,
        finish_on_key=element.get("finishOnKey", "#"),
        post_silence=_truth(element, "actionOnEmptyResult", False),
    )


def _redirect(element: ElementTree.Element) -> Redirect:
    return Redirect(url=_text(element))


def _dial(element: ElementTree.Element) -> Dial:
    children = list(element)
    if len(children) != 1 or children[0].tag != "Conference":
        raise BadTwiml(SCHEMA, "Only one <Conference> can be dialled here.")
    room = children[0]
    _check_attributes(room)
    if not _text(room):
        raise BadTwiml(SCHEMA, "<Conference> has no name.")
    events = frozenset(room.get("statusCallbackEvent", "start end" if room.get("statusCallback") else "").split())
    if events - _CONFERENCE_EVENTS:
        raise BadTwiml(SCHEMA, f"Unknown conference event {min(events - _CONFERENCE_EVENTS)}.")
    return Dial(
        room=_text(room),
        action=element.get("action", ""),
        hangup_on_star=_truth(element, "hangupOnStar", False),
        start_on_enter=_truth(room, "startConferenceOnEnter", True),
        end_on_exit=_truth(room, "endConferenceOnExit", False),
        muted=_truth(room, "muted", False),
        wait_url=room.get("waitUrl"),
        status_url=room.get("statusCallback", ""),
        status_events=events,
        label=room.get("participantLabel", ""),
    )


def _hangup(_element: ElementTree.Element) -> Hangup:
    return Hangup()


def _reject(element: ElementTree.Element) -> Reject:
    reason = element.get("reason", "rejected")
    if reason not in ("rejected", "busy"):
        raise BadTwiml(SCHEMA, f"<Reject> has no reason {reason}.")
    return Reject(reason)


_READERS: dict[str, Callable[[ElementTree.Element], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Redirect": _redirect,
    "Dial": _dial,
    "Hangup": _hangup,
    "Reject": _reject,
}


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _whole(element: ElementTree.Element, name: str, default: int) -> int:
    text = element.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise BadTwiml(SCHEMA, f"{name} of <{element.tag}> is not a whole number.")
    return int(text)


def _truth(element: ElementTree.Element, name: str, default: bool) -> bool:
    text = element.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise BadTwiml(SCHEMA, f"{name} of <{element.tag}> is neither true nor false.")
    return text.lower() == "true"
