"""The other side of the simulated carrier: the telephones and softphones, and what can be looked at."""

from __future__ import annotations

from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.journal import LogEntry
from channels.voice.simulated.rest import E164
from channels.voice.simulated.state import ListenEvent
from channels.voice.simulated.switch import NotPossible, Switch
from channels.voice.simulated.webhooks import Answered

_LONGEST_SPEECH = 1000


class Telephones:
    """What people do at their telephones, for `SimulatedCarrier`. Raises `NotPossible`."""

    _switch: Switch
    _exchange: Exchange
    _voice_url: str
    _status_url: str
    number: str

    def dial(self, from_: str, to: str | None = None) -> str:
        """A telephone calls our number. Answers the CallSid at once; what happens next comes to the listeners."""
        if not E164.fullmatch(from_):
            raise NotPossible("bad_number", "A phone number starts with + and the country code and has digits only.")
        if not self._exchange.loop.running:
            raise NotPossible("not_running", "The simulated carrier is not running.")
        with self._exchange.lock:
            return self._switch.ring_in(from_, to or self.number, self._voice_url, self._status_url).sid

    def press(self, call_sid: str, digit: str) -> bool:
        """Press one key (0-9, *, #). False when nothing was listening for keys."""
        if len(digit) != 1 or digit not in "0123456789*#":
            raise NotPossible("bad_digit", "A telephone has the keys 0 to 9, * and #.")
        with self._exchange.lock:
            return self._switch.press(self._switch.live(call_sid), digit)

    def speak(self, call_sid: str, text: str) -> int:
        """Say something. Answers how many heard it (a menu that listens, a voicemail): nobody on hold or when muted."""
        words = " ".join(text.split())[:_LONGEST_SPEECH]
        if not words:
            raise NotPossible("nothing_said", "There is nothing to say.")
        with self._exchange.lock:
            return self._switch.say(self._switch.live(call_sid), words)

    def voice(self, call_sid: str, seconds: float = 1.0) -> None:
        """The microphone of this leg hears somebody for so long: a voicemail is not silent. Nothing happens otherwise."""
        with self._exchange.lock:
            call = self._switch.live(call_sid)
            if call.main is not None:
                self._switch.player.voicemail.say(call, call.main, min(max(seconds, 0.1), 10.0))

    def answer(self, call_sid: str, identity: str | None = None) -> None:
        """Take a ringing call: `identity` for a softphone, None for a telephone that the desk called."""
        with self._exchange.lock:
            self._switch.take(self._switch.ringing(call_sid, identity))

    def reject(self, call_sid: str, identity: str | None = None) -> None:
        """Decline a ringing call."""
        with self._exchange.lock:
            self._switch.end(self._switch.ringing(call_sid, identity), "busy", "rejected")

    def mute_self(self, call_sid: str, on: bool) -> None:
        """The microphone switch of a softphone. The carrier does not know of it, so no event is posted."""
        with self._exchange.lock:
            call = self._switch.live(call_sid)
            if call.self_muted != on:
                call.self_muted = on
                self._exchange.perceive(call, "mute", on=on)
                self._switch.rooms.listen_again(call)

    def hang_up_phone(self, call_sid: str) -> None:
        """The person on this leg hangs up. Nothing happens when the call has ended already."""
        with self._exchange.lock:
            self._switch.hang_up(self._switch.known(call_sid), "hung_up")

    # Looking

    def transcript(self, call_sid: str) -> list[ListenEvent]:
        """What this leg has perceived so far, oldest first."""
        with self._exchange.lock:
            return list(self._switch.known(call_sid).transcript)

    def audible(self, call_sid: str) -> tuple[list[str], list[str]]:
        """The CallSids of the legs that this one hears now, and of those that hear it; of nobody for a leg that is unknown."""
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            return (list(call.audible.hears), list(call.audible.heard_by)) if call is not None else ([], [])

    def ended(self, call_sid: str) -> bool:
        """Whether this leg is over, or so long over that it is unknown."""
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            return call is None or call.ended

    def identity_on(self, call_sid: str) -> str | None:
        """Which softphone this leg belongs to, None for a telephone."""
        with self._exchange.lock:
            return self._switch.known(call_sid).identity

    def live_calls(self) -> list[str]:
        """The CallSids of all legs that have not ended, oldest first."""
        with self._exchange.lock:
            return [call.sid for call in self._exchange.calls.values() if not call.ended]

    def leg_of(self, identity: str) -> str | None:
        """The leg a softphone is on or that rings there, the one it talks on first."""
        with self._exchange.lock:
            legs = [call for call in self._exchange.calls.values() if call.identity == identity and not call.ended]
            legs.sort(key=lambda call: call.status != "in-progress")
            return legs[0].sid if legs else None

    def log(self) -> list[LogEntry]:
        """The carrier's own account of every leg, in the order in which they began."""
        with self._exchange.lock:
            return self._exchange.journal.entries()

    def forget_log(self) -> None:
        """Begin the account and the answer times anew; legs that live on are not in it."""
        with self._exchange.lock:
            self._exchange.journal.forget()
        self._exchange.webhooks.answer_times.forget()

    def answer_times(self) -> dict[str, list[Answered]]:
        """When each webhook was sent, and how long the application took to answer it, by path."""
        return self._exchange.webhooks.answer_times.taken()
