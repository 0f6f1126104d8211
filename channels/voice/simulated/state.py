"""The simulated carrier's nouns: a call (one leg), a room (conference) and what somebody on the line perceives."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from channels.voice.events import FINAL
from channels.voice.simulated.loop import Timer
from channels.voice.simulated.script import Gather, Verb

# A transcript is for a page that was loaded again, not an archive.
_TRANSCRIPT = 500


@dataclass(frozen=True)
class ListenEvent:
    """What one leg perceives. `identity` is the softphone's (`agent-7`), None for a telephone.

    `kind` and `data`: `ringing` {from, to, room, label} · `status` {status} · `answered` {} · `say` {text, lang} · `gather`
    {num_digits, finish_on_key} · `music` {url} · `joined` {room}, then `connected` {room} when somebody hears · `said`
    {text, heard_by} (own words) · `heard` {text, by, by_identity} · `hold` {on} · `mute` {on} · `error` {code, message} ·
    `ended` {reason, status}. Every event of a call has a number in `data["n"]`, growing by one.
    """

    call_sid: str
    identity: str | None
    kind: str
    data: dict[str, Any]


@dataclass
class Run:
    """A document being carried out for a call. Once cancelled, no timer and no answer moves it."""

    url: str
    purpose: str
    verbs: tuple[Verb, ...] = ()
    at: int = 0
    cancelled: bool = False
    timer: Timer | None = None
    gather: Gather | None = None
    digits: str = ""
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
    ring_timer: Timer | None = None
    invited: Seat | None = None
    answered_at: float | None = None
    sequence: int = 0
    heard: int = 0
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
    status_url: str = ""
    status_events: frozenset[str] = frozenset()
    started: bool = False
    ended: bool = False
    sequence: int = 0


def new_sid(prefix: str) -> str:
    """A name nobody can guess: `CA` for a call, `CF` for a room, then 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex
