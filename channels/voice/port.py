"""What the desk asks of a telephone carrier: every call stands in a conference from the start, so its verbs are the room's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


class Carrier(Protocol):
    """A provider of telephone calls.

    All methods may be called from any thread, may take as long as a web request takes, and raise `CarrierFailed`. Call them
    outside a database transaction. A `CallSid` (`CA...`) names one leg, a conference SID (`CF...`) the room the legs stand in;
    `conference` is the name that we chose for the room, which the carrier maps to a conference SID when the first leg enters.
    Every address is an absolute URL.
    """

    name: str

    # Legs and rooms

    def add_participant(
        self,
        *,
        conference: str,
        to: str,
        from_: str,
        label: str,
        status_url: str,
        ring_timeout_s: int = 30,
        end_conference_on_exit: bool = False,
        muted: bool = False,
        coach: str = "",
        start_on_enter: bool = True,
        machine_detection: bool = False,
        amd_url: str = "",
        time_limit_s: int = 0,
        room_url: str = "",
    ) -> str:
        """Ring `to` (`client:agent-7` or E.164) and let it into the room when it answers. Answers the CallSid of the new leg.

        `label` is unique in the room and comes back in conference events. Progress is posted to `status_url`. `conference` must
        not hold personal data; Twilio keeps `ring_timeout_s` between 5 and 600 and lets it ring about 5 s longer. `coach` is the
        leg that alone hears the new one; it must be in the room and not on hold (16027). With `machine_detection` the carrier
        posts to `amd_url` who answered (`AnsweredBy`), some seconds after the answer. A `time_limit_s` of 0 means the carrier's
        own limit, four hours. The events of the room go to the address that the first leg to enter it brought: `room_url`.
        """
        ...

    def update_participant(
        self,
        *,
        conference_sid: str,
        call_sid: str,
        muted: bool | None = None,
        coach: str | None = None,
        end_on_exit: bool | None = None,
    ) -> None:
        """Change how a leg stands in its room; None leaves a thing as it is. `coach` is the leg to coach, "" ends coaching."""
        ...

    def remove_participant(self, *, conference_sid: str, call_sid: str) -> None:
        """Take a leg out of its room. One that has no document to go on with ends. A leg that has left already is no error."""
        ...

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        """Take a leg out of the sound (it hears the TwiML at `hold_url`) or back in. `hold_url` is ignored when `on` is false."""
        ...

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        """Stop or start passing on what a leg says. It still hears."""
        ...

    def announce(self, *, conference_sid: str, call_sid: str, url: str) -> None:
        """Let this leg alone hear the TwiML at `url` (Say, Play, Pause and Redirect only) while it stays in its room."""
        ...

    def send_keys(self, *, conference_sid: str, call_sid: str, digits: str, play_url: str) -> None:
        """Press keys (`0-9*#w`, `w` waits half a second) towards an outbound party.

        `play_url` answers `twiml.play_digits(digits)`. A leg that stands in no room takes no keys: `CarrierFailed`.
        """
        ...

    def redirect(self, *, call_sid: str, url: str) -> None:
        """Take a leg out of whatever it does, its room included, and let it go on with the TwiML at `url` (callback, voicemail).

        A room that was to end with this leg ends. A leg that has ended already is an error (21220).
        """
        ...

    def hang_up(self, call_sid: str) -> None:
        """End a leg in whatever state it is. A leg that has already ended is not an error."""
        ...

    def end_conference(self, conference_sid: str) -> None:
        """Send everybody home. A room that is already empty is not an error."""
        ...

    # Recordings: of one leg, the other side on a channel of its own, so that they survive every transfer

    def start_recording(self, *, call_sid: str, status_url: str) -> str:
        """Record this leg from now on, in stereo. Answers the RecordingSid (`RE...`); `status_url` hears when it is complete."""
        ...

    def pause_recording(self, *, call_sid: str, recording_sid: str, on: bool) -> None:
        """Record silence instead of what is said, or go on with what is said. Asking for what is already so is not an error."""
        ...

    def stop_recording(self, *, call_sid: str, recording_sid: str) -> None:
        """End the recording and keep it. One that has ended already is not an error."""
        ...

    def fetch_recording(self, recording_sid: str) -> tuple[Iterator[bytes], str]:
        """The sound in pieces, and its content type. `CarrierFailed` is retryable while the carrier has not finished it."""
        ...

    def delete_recording(self, recording_sid: str) -> None:
        """Remove the sound at the carrier. One that is gone is not an error."""
        ...

    # Asking how things are

    def call_state(self, call_sid: str) -> str | None:
        """The carrier's word for the state of a leg (`channels.voice.events.STATUSES`), or None when it knows no such leg."""
        ...

    def call_info(self, call_sid: str) -> CallInfo | None:
        """What the carrier knows of a leg now, or None when it knows no such leg."""
        ...

    def room_info(self, conference: str) -> RoomInfo | None:
        """What the carrier knows of a room (by our name or its SID; the latest of that name), or None when there is none."""
        ...

    def check(self) -> list[Finding]:
        """Look at everything that must be right at the carrier's end before calls can come. Never raises."""
        ...

    def client_token(self, identity: str) -> ClientToken:
        """What the browser of `identity` needs to take calls."""
        ...


@dataclass(frozen=True)
class ClientToken:
    """A pass for one softphone: `kind` chooses the transport in `softphone.js`. It must be renewed within `expires_in_s`.

    `edge` is where its sound enters the carrier's network; "" leaves that to the carrier. `door` is the path of
    the Socket.IO that a simulated one connects to; "" is the desk's own.
    """

    kind: Literal["twilio", "simulated"]
    token: str
    identity: str
    expires_in_s: int
    edge: str = ""
    door: str = ""


@dataclass(frozen=True)
class CallInfo:
    """One leg. `status` as in `channels.voice.events.STATUSES`; `direction` as Twilio says it (`inbound`, `outbound-api`, ...).

    `answered_by` is "" unless machine detection ran (`human`, `machine_start`, `fax`, `unknown`).
    """

    sid: str
    status: str
    direction: str
    from_: str
    to: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str = ""


@dataclass(frozen=True)
class SeatInfo:
    """One leg in a room. `status` is Twilio's for a participant: queued, connecting, ringing, connected, complete, failed."""

    call_sid: str
    label: str
    muted: bool = False
    held: bool = False
    coaching: str = ""
    status: str = "connected"


@dataclass(frozen=True)
class RoomInfo:
    """A room. `status` is init, in-progress or completed; `participants` are those who are in it (or on their way) now."""

    sid: str
    name: str
    status: str
    participants: tuple[SeatInfo, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it is, and what to do about it when it is not right."""

    level: Literal["ok", "warning", "error"]
    what: str
    advice: str = ""


class CarrierFailed(Exception):
    """The carrier did not do what we asked. `retryable` says whether trying again can help; the text is fit to show an agent.

    `code` is the carrier's own error number (21220, 16027, 20404 ...), 0 when it gave none.
    """

    def __init__(self, reason: str, *, retryable: bool, code: int = 0) -> None:
        super().__init__(reason)
        self.retryable = retryable
        self.code = code
