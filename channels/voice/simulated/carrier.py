"""The built-in carrier: the port that the desk uses, and the telephones and softphones on the other side of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from urllib.parse import urljoin

from channels.voice.port import CarrierFailed, ClientToken
from channels.voice.simulated import passes
from channels.voice.simulated.exchange import Exchange, Listener, Watcher
from channels.voice.simulated.loop import Loop, Timer
from channels.voice.simulated.state import Call, ListenEvent, Seat, new_sid
from channels.voice.simulated.switch import NotPossible, Switch
from channels.voice.simulated.webhooks import Post, Webhooks

E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

_TOKEN_S = 3600
_LONGEST_SPEECH = 1000
_CLIENT = re.compile(r"client:([A-Za-z0-9_.-]{1,121})")


class SimulatedCarrier:
    """A carrier in memory that uses the application exactly as Twilio does: signed posts over HTTP, TwiML, REST verbs.

    `base_url` is where the application is reached and what the signature covers. `voice_path` answers incoming calls,
    `status_path` hears that they ended ("" for nobody). `post(url, form, headers) -> Reply` replaces HTTP. `speed` divides every
    delay; with 0 time moves only by `advance`. `duplicate` and `reorder` (chances), `latency_s` and `seed` make a bad network.
    `now` is the wall clock (seconds since 1970) for timestamps and token expiry. All methods may be called from any thread.
    """

    name = "simulated"

    def __init__(
        self,
        *,
        base_url: str,
        auth_token: str,
        number: str,
        now: Callable[[], float],
        voice_path: str = "/hooks/twilio/voice/incoming",
        post: Post | None = None,
        status_path: str = "/hooks/twilio/voice/status",
        speed: float = 1.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        latency_s: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if not auth_token:
            raise ValueError("The simulated carrier needs an auth token to sign with.")
        self.number = number
        self._base_url = base_url
        self._secret = auth_token.encode()
        self._voice_url = urljoin(base_url, voice_path)
        self._status_url = urljoin(base_url, status_path) if status_path else ""
        self._now = now
        self._loop = Loop(speed=speed)
        webhooks = Webhooks(
            self._loop,
            auth_token=auth_token,
            post=post,
            duplicate=duplicate,
            reorder=reorder,
            latency_s=latency_s,
            seed=seed,
        )
        account_sid = "AC" + hashlib.sha256(b"account of " + self._secret).hexdigest()[:32]
        self._exchange = Exchange(self._loop, webhooks, account_sid=account_sid, now=now)
        self._switch = Switch(self._exchange, now=now)
        self._lock = self._exchange.lock

    # Running

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Stop at once: no call is ended properly, as when the power fails."""
        self._loop.stop()

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was caused has happened, answers from the application included. False when it took too long."""
        return self._loop.settle(timeout_s)

    def advance(self, seconds: float) -> None:
        """Let simulated time pass (speed 0 only) and wait for everything that this causes."""
        self._loop.advance(seconds)

    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """Run something in simulated time, on the carrier's thread."""
        return self._loop.after(seconds, run)

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Hear what everybody on every line perceives, in order, on the carrier's thread. Answers the function that stops it."""
        return self._exchange.listen(callback)

    def watch_rooms(self, watcher: Watcher) -> None:
        """Tell `watcher`, on the carrier's thread, the CallSids of a room whenever who hears whom may have changed in it."""
        self._exchange.watch_rooms(watcher)

    # The port

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
        client = _CLIENT.fullmatch(to)
        if client is None and not E164.fullmatch(to):
            raise CarrierFailed(f"{to} is neither a client nor a phone number.", retryable=False)
        if not self._loop.running:
            raise CarrierFailed("The simulated carrier is not running.", retryable=True)
        with self._lock:
            call = Call(
                sid=new_sid("CA"),
                from_=from_,
                to=to,
                direction="outbound-api",
                status="initiated",
                status_url=self._absolute(status_url),
                identity=client.group(1) if client else None,
            )
            room = self._switch.rooms.open(conference)
            seat = Seat(room, label, start_on_enter=True, end_on_exit=end_conference_on_exit)
            self._switch.ring_out(call, seat, ring_timeout_s)
            return call.sid

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        with self._lock:
            call, seat = self._switch.participant(conference_sid, call_sid)
            self._switch.rooms.hold(call, seat, on, self._absolute(hold_url))

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        with self._lock:
            call, seat = self._switch.participant(conference_sid, call_sid)
            self._switch.rooms.mute(call, seat, on)

    def redirect(self, *, call_sid: str, url: str) -> None:
        with self._lock:
            call = self._exchange.calls.get(call_sid)
            if call is None or call.status != "in-progress":
                raise CarrierFailed("This call is not in progress.", retryable=False)
            self._switch.redirect(call, self._absolute(url))

    def hang_up(self, call_sid: str) -> None:
        with self._lock:
            call = self._exchange.calls.get(call_sid)
            if call is not None:
                self._switch.hang_up(call, "other_side")

    def end_conference(self, conference_sid: str) -> None:
        with self._lock:
            room = self._switch.rooms.find(conference_sid)
            if room is not None:
                self._switch.rooms.end(room, "conference-ended-via-api")

    def call_state(self, call_sid: str) -> str | None:
        with self._lock:
            call = self._exchange.calls.get(call_sid)
            return call.status if call is not None else None

    def client_token(self, identity: str) -> ClientToken:
        token = passes.issue(self._secret, identity, self._now() + _TOKEN_S)
        return ClientToken(kind="simulated", token=token, identity=identity, expires_in_s=_TOKEN_S)

    def identity_of(self, token: object) -> str | None:
        """Whose token this is, or None when it is not ours or too old. Takes whatever a stranger sent."""
        return passes.read(self._secret, token, self._now())

    # The telephones and softphones

    def dial(self, from_: str, to: str | None = None) -> str:
        """A telephone calls our number. Answers the CallSid at once; what happens next comes to the listeners."""
        if not E164.fullmatch(from_):
            raise NotPossible("bad_number", "A phone number starts with + and the country code and has digits only.")
        if not self._loop.running:
            raise NotPossible("not_running", "The simulated carrier is not running.")
        with self._lock:
            return self._switch.ring_in(from_, to or self.number, self._voice_url, self._status_url).sid

    def press(self, call_sid: str, digit: str) -> bool:
        """Press one key (0-9, *, #). False when nothing was listening for keys."""
        if len(digit) != 1 or digit not in "0123456789*#":
            raise NotPossible("bad_digit", "A telephone has the keys 0 to 9, * and #.")
        with self._lock:
            call = self._switch.live(call_sid)
            if call.seat is not None:
                return digit == "*" and self._switch.leave_by_star(call)
            return call.main is not None and self._switch.player.press(call, call.main, digit)

    def speak(self, call_sid: str, text: str) -> int:
        """Say something. Answers how many others heard it: nobody before the conversation, on hold or when muted."""
        words = " ".join(text.split())[:_LONGEST_SPEECH]
        if not words:
            raise NotPossible("nothing_said", "There is nothing to say.")
        with self._lock:
            return self._switch.rooms.speak(self._switch.live(call_sid), words)

    def answer(self, call_sid: str, identity: str | None = None) -> None:
        """Take a ringing call: `identity` for a softphone, None for a telephone that the desk called."""
        with self._lock:
            self._switch.take(self._switch.ringing(call_sid, identity))

    def reject(self, call_sid: str, identity: str | None = None) -> None:
        """Decline a ringing call."""
        with self._lock:
            self._switch.end(self._switch.ringing(call_sid, identity), "busy", "rejected")

    def mute_self(self, call_sid: str, on: bool) -> None:
        """The microphone switch of a softphone. The carrier does not know of it, so no event is posted."""
        with self._lock:
            call = self._switch.live(call_sid)
            if call.self_muted != on:
                call.self_muted = on
                self._exchange.perceive(call, "mute", on=on)
                if call.seat is not None:
                    self._exchange.room_changed(call.seat.room)

    def hang_up_phone(self, call_sid: str) -> None:
        """The person on this leg hangs up. Nothing happens when the call has ended already."""
        with self._lock:
            self._switch.hang_up(self._switch.known(call_sid), "hung_up")

    # Looking

    def transcript(self, call_sid: str) -> list[ListenEvent]:
        """What this leg has perceived so far, oldest first."""
        with self._lock:
            return list(self._switch.known(call_sid).transcript)

    def audible(self, call_sid: str) -> tuple[list[str], list[str]]:
        """The CallSids of the legs that this one hears now, and of those that hear it; of nobody for a leg that is unknown."""
        with self._lock:
            call = self._exchange.calls.get(call_sid)
            hears, heard_by = self._switch.rooms.audible(call) if call is not None else ([], [])
            return [one.sid for one in hears], [one.sid for one in heard_by]

    def ended(self, call_sid: str) -> bool:
        """Whether this leg is over, or so long over that it is unknown."""
        with self._lock:
            call = self._exchange.calls.get(call_sid)
            return call is None or call.ended

    def identity_on(self, call_sid: str) -> str | None:
        """Which softphone this leg belongs to, None for a telephone."""
        with self._lock:
            return self._switch.known(call_sid).identity

    def live_calls(self) -> list[str]:
        """The CallSids of all legs that have not ended, oldest first."""
        with self._lock:
            return [call.sid for call in self._exchange.calls.values() if not call.ended]

    def leg_of(self, identity: str) -> str | None:
        """The leg a softphone is on or that rings there, the one it talks on first."""
        with self._lock:
            legs = [call for call in self._exchange.calls.values() if call.identity == identity and not call.ended]
            legs.sort(key=lambda call: call.status != "in-progress")
            return legs[0].sid if legs else None

    def _absolute(self, url: str) -> str:
        return urljoin(self._base_url, url) if url else ""
