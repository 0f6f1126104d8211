"""What the desk asks of a telephone carrier: every call stands in a conference from the start, so its verbs are the room's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


class Carrier(Protocol):
    """A provider of telephone calls.

    All methods may be called from any thread, may take as long as a web request takes, and raise `CarrierFailed`. Call them
    outside a database transaction. A `CallSid` (`CA...`) names one leg, a conference SID (`CF...`) the room the legs stand in;
    `conference` is the name that we chose for the room, which the carrier maps to a conference SID when the first leg enters.
    """

    name: str

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
    ) -> str:
        """Ring `to` (`client:agent-7` or E.164) and let it into the room when it answers. Answers the CallSid of the new leg.

        `label` is unique in the room and comes back in conference events. Progress is posted to `status_url`. `conference` must
        not hold personal data; Twilio keeps `ring_timeout_s` between 5 and 600 and lets it ring about 5 s longer.
        """
        ...

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        """Take a leg out of the sound (it hears the TwiML at `hold_url`) or back in. `hold_url` is ignored when `on` is false."""
        ...

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        """Stop or start passing on what a leg says. It still hears."""
        ...

    def redirect(self, *, call_sid: str, url: str) -> None:
        """Take a leg out of whatever it does, its room included, and let it go on with the TwiML at `url` (callback, voicemail).

        A room that was to end with this leg ends.
        """
        ...

    def hang_up(self, call_sid: str) -> None:
        """End a leg in whatever state it is. A leg that has already ended is not an error."""
        ...

    def end_conference(self, conference_sid: str) -> None:
        """Send everybody home. A room that is already empty is not an error."""
        ...

    def call_state(self, call_sid: str) -> str | None:
        """The carrier's word for the state of a leg (`channels.voice.events.STATUSES`), or None when it knows no such leg."""
        ...

    def client_token(self, identity: str) -> ClientToken:
        """What the browser of `identity` needs to take calls."""
        ...


@dataclass(frozen=True)
class ClientToken:
    """A pass for one softphone: `kind` chooses the transport in `softphone.js`. It must be renewed within `expires_in_s`."""

    kind: Literal["twilio", "simulated"]
    token: str
    identity: str
    expires_in_s: int


class CarrierFailed(Exception):
    """The carrier did not do what we asked. `retryable` says whether trying again can help; the text is fit to show an agent."""

    def __init__(self, reason: str, *, retryable: bool) -> None:
        super().__init__(reason)
        self.retryable = retryable
