"""Which attributes a TwiML element has, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import overload
from urllib.parse import urlsplit
from xml.etree import ElementTree

from channels.voice.simulated.verbs import SCHEMA, BadTwiml

_RECORDING = {"recordingStatusCallback", "recordingStatusCallbackMethod", "recordingStatusCallbackEvent"}

ATTRIBUTES = {
    "Say": {"voice", "language", "loop"},
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Redirect": {"method"},
    "Hangup": set(),
    "Reject": {"reason"},
    "Record": _RECORDING | {
        "action", "method", "timeout", "finishOnKey", "maxLength", "playBeep", "trim", "transcribe", "transcribeCallback",
    },
    "Gather": {
        "action", "method", "timeout", "numDigits", "finishOnKey", "input", "actionOnEmptyResult", "language", "speechTimeout",
        "profanityFilter", "hints", "bargeIn", "debug", "enhanced", "speechModel", "partialResultCallback",
        "partialResultCallbackMethod",
    },
    "Dial": _RECORDING | {
        "action", "method", "timeout", "hangupOnStar", "timeLimit", "callerId", "answerOnBridge", "ringTone", "record", "trim",
        "recordingTrack", "referUrl", "referMethod", "sequential",
    },
    "Conference": _RECORDING | {
        "muted", "beep", "startConferenceOnEnter", "endConferenceOnExit", "waitUrl", "waitMethod", "maxParticipants", "record",
        "region", "coach", "trim", "participantLabel", "jitterBufferSize", "statusCallback", "statusCallbackEvent",
        "statusCallbackMethod", "eventCallbackUrl",
    },
}  # fmt: skip


class Values:
    """Reads the attributes of one element. Every method raises `BadTwiml` with `code` when the value is not one."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    @property
    def text(self) -> str:
        return (self._element.text or "").strip()

    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: None) -> str | None: ...
    def get(self, name: str, default: str | None) -> str | None:
        return self._element.get(name, default)

    def whole(self, name: str, default: int, *, code: int, least: int = 0, most: int = 10**9, other: str = "") -> int:
        """A whole number from `least` to `most`; the word `other` stands for the default."""
        text = self._element.get(name)
        if text is None or (other and text == other):
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise BadTwiml(code, f"{name} of {self._name} is no whole number that it can be.")
        return int(text)

    def truth(self, name: str, default: bool, *, code: int) -> bool:
        text = self._element.get(name)
        if text is None:
            return default
        if text.lower() not in ("true", "false"):
            raise BadTwiml(code, f"{name} of {self._name} is neither true nor false.")
        return text.lower() == "true"

    def fitting(self, name: str, form: re.Pattern[str], code: int, default: str = "") -> str:
        text = self._element.get(name)
        if text is not None and not form.fullmatch(text):
            raise BadTwiml(code, f"{name} of {self._name} cannot be “{text[:40]}”.")
        return default if text is None else text

    def address(self, text: str, *, code: int = SCHEMA) -> str:
        """A relative or absolute web address, or nothing."""
        parts = urlsplit(text)
        if any(blank in text for blank in " \t\n") or parts.scheme not in ("", "http", "https"):
            raise BadTwiml(code, f"“{text[:60]}” in {self._name} is no web address.")
        return text

    def posting(self, name: str, code: int) -> None:
        """A method that is POST, the only one that is simulated."""
        if self._element.get(name, "POST") != "POST":
            raise BadTwiml(code, f"{name} of {self._name} is not POST.")

    def events(self, name: str, known: Collection[str], code: int) -> frozenset[str]:
        events = frozenset(self._element.get(name, "").split())
        strange = events - frozenset(known)
        if strange:
            raise BadTwiml(code, f"{name} of {self._name} knows no {min(strange)}.")
        return events

    @property
    def _name(self) -> str:
        return f"<{self._element.tag}>"
