"""TwiML's verbs as frozen values, and the error numbers under which the real carrier refuses a document."""

from __future__ import annotations

from dataclasses import dataclass

# Numbers of the real carrier, so that they can be looked up.
HTTP_FAILED = 11200
NO_CONNECTION = 11205
TOO_LARGE = 11750
NOT_XML = 12100
SCHEMA = 12200
CONTENT_TYPE = 12300
COACH = 13240
NOT_BESIDE_A_ROOM = 13238
NOT_AUDIO = 13420
ROOM_IS_FULL = 16020
LABEL_IN_USE = 16025


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
    """A recording at `url`, or else the tones of `digits` (`w` waits half a second). `loop` 0 means without end."""

    url: str
    loop: int = 1
    digits: str = ""


@dataclass(frozen=True)
class Pause:
    """Silence."""

    seconds: int = 1


@dataclass(frozen=True)
class Gather:
    """`action` empty means the address of the document itself; `num_digits` None means until `finish_on_key` or the timeout.

    `speech_timeout_s` None is `auto`: the end of the sentence ends the gathering.
    """

    prompts: tuple[Say | Play | Pause, ...]
    action: str
    timeout_s: int
    num_digits: int | None
    finish_on_key: str
    post_silence: bool
    keys: bool = True
    speech: bool = False
    lang: str = "en-US"
    hints: tuple[str, ...] = ()
    speech_timeout_s: int | None = None
    partial_url: str = ""


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
    beep: str = "true"
    coach: str = ""
    most: int = 250
    time_limit_s: int = 4 * 3600


@dataclass(frozen=True)
class Record:
    """A voicemail: beep, then until a key of `finish_on_key`, `timeout_s` of silence or `max_s`."""

    action: str
    timeout_s: int
    max_s: int
    finish_on_key: str
    beep: bool
    trim: bool
    status_url: str
    status_events: frozenset[str]
    transcribed_url: str


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Do not take the call; `reason` is `rejected` or `busy`."""

    reason: str


Verb = Say | Play | Pause | Gather | Redirect | Dial | Record | Hangup | Reject
