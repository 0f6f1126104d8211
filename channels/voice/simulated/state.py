"""The simulated carrier's nouns: a call (one leg), a room (conference), a recording and what somebody on the line perceives."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from channels.voice.events import FINAL
from channels.voice.simulated.loop import Timer
from channels.voice.simulated.sound import Sound
from channels.voice.simulated.verbs import Gather, Record, Verb

# A transcript is for a page that was loaded again, not an archive.
_TRANSCRIPT = 500


@dataclass(frozen=True)
class ListenEvent:
    """What one leg perceives. `identity` is the softphone's (`agent-7`), None for a telephone.

    `kind` and `data`: `ringing` {from, to, room, label} · `status` {status} · `answered` {} · `say` {text, lang} · `gather`
    {num_digits, finish_on_key, speech} · `music` {url} · `keys` {digits} (tones towards it) · `beep` {} · `record` {max_s,
    finish_on_key}, then `recorded` {seconds} · `announcement` {on} · `joined` {room}, then `connected` {room} when somebody
    hears · `said` {text, heard_by} (own words) · `heard` {text, by, by_identity} · `hold` {on} · `mute` {on} · `coach` {call_sid}
    · `error` {code, message} · `ended` {reason, status}. Every event of a call has a number in `data["n"]`, growing by one.
    """

    call_sid: str
    identity: str | None
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Audible:
    """Whom a leg hears and who hears it, by CallSid."""

    hears: tuple[str, ...] = ()
    heard_by: tuple[str, ...] = ()


@dataclass
class Run:
    """A document being carried out for a call. Once cancelled, no timer and no answer moves it.

    `purpose` is `main` (the call's own), `wait`, `hold` or `announce` (beside a room).
    """

    url: str
    purpose: str
    verbs: tuple[Verb, ...] = ()
    at: int = 0
    cancelled: bool = False
    begun: bool = False
    timer: Timer | None = None
    gather: Gather | None = None
    digits: str = ""
    words: str = ""
    record: Record | None = None
    recording: Recording | None = None
    # Documents fetched since time last passed: a redirect that leads back to itself must end.
    hops: int = 0

    def cancel(self) -> None:
        self.cancelled = True
        if self.timer is not None:
            self.timer.cancel()


@dataclass
class Seat:
    """A leg's place in a room. `after` is the address that decides what comes after the room, "" for the rest of the document."""

    room: Room
    label: str
    start_on_enter: bool
    end_on_exit: bool
    muted: bool = False
    held: bool = False
    leave_on_star: bool = False
    after: str = ""
    wait_url: str | None = None
    beep: str = "false"
    coach: str = ""
    most: int = 250
    time_limit_s: float = 4 * 3600


@dataclass
class Recording:
    """A recording of one leg: `status` is in-progress, paused, processing, completed, absent or deleted."""

    sid: str
    call_sid: str
    source: str
    status_url: str
    status_events: frozenset[str]
    sound: Sound
    started_at: float  # seconds since 1970
    begun_s: float  # simulated time
    status: str = "in-progress"
    duration_s: int = 0
    words: list[str] = field(default_factory=list)  # what was said into a voicemail
    transcribed_url: str = ""


@dataclass
class Call:
    """One leg, from the first ring to its end. `identity` is the softphone's name, None for a telephone."""

    sid: str
    from_: str
    to: str
    direction: str
    status: str
    status_url: str = ""
    identity: str | None = None
    seat: Seat | None = None
    self_muted: bool = False
    # The document of the call itself stays while the room plays its own documents (wait, hold) over it.
    main: Run | None = None
    over: Run | None = None
    aside: Run | None = None
    ring_timer: Timer | None = None
    limit_timer: Timer | None = None
    invited: Seat | None = None
    amd_url: str = ""
    answered_by: str = ""
    detecting: bool = False
    arrived_at: float = 0.0
    answered_at: float | None = None
    ended_at: float | None = None
    sequence: int = 0
    heard: int = 0
    audible: Audible = field(default_factory=Audible)
    recordings: list[Recording] = field(default_factory=list)
    transcript: deque[ListenEvent] = field(default_factory=lambda: deque(maxlen=_TRANSCRIPT))

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"


@dataclass
class Room:
    """A conference in progress. It has started when somebody came who starts it and there are two."""

    sid: str
    name: str
    members: list[Call] = field(default_factory=list)
    invited: dict[str, Call] = field(default_factory=dict)
    status_url: str = ""
    status_events: frozenset[str] = frozenset()
    entered: bool = False
    started: bool = False
    ended: bool = False
    sequence: int = 0


def new_sid(prefix: str) -> str:
    """A name nobody can guess: `CA` for a call, `CF` for a room, `RE` for a recording, then 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex
