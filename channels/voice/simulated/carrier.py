"""The built-in carrier: the port that the desk uses, and the telephones and softphones on the other side of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from urllib.parse import urljoin

from channels.voice.port import CarrierFailed, ClientToken
from channels.voice.simulated.exchange import Exchange, Listener
from channels.voice.simulated.loop import Loop, Timer
from channels.voice.simulated.player import Player
from channels.voice.simulated.rooms import Rooms
from channels.voice.simulated.script import Dial
from channels.voice.simulated.state import Call, ListenEvent, Run, Seat, new_sid
from channels.voice.simulated.webhooks import Post, Webhooks

_TOKEN_S = 3600
_LONGEST_SPEECH = 1000
E164 = re.compile(r"\+[1-9]\d{6,14}")
_CLIENT = re.compile(r"client:([A-Za-z0-9_.-]{1,121})")


class NotPossible(Exception):
    """The telephone cannot do that now. `code` is for programs (`no_such_call`, `not_ringing`, ...), the text for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


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
        voice_path: str = "/hooks/twilio/voice/incoming",
        post: Post | None = None,
        status_path: str = "/hooks/twilio/voice/status",
        speed: float = 1.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        latency_s: float = 0.0,
        seed: int | None = None,
        now: Callable[[], float] = time.time,
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
        self._player = Player(self._exchange, answer=self._take, dial=self._dial, end=self._end)
        self._rooms = Rooms(self._exchange, self._player, left=self._left)

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
        with self._exchange.lock:
            room = self._rooms.open(conference)
            call = Call(
                sid=new_sid("CA"),
                from_=from_,
                to=to,
                direction="outbound-api",
                status="initiated",
                status_url=urljoin(self._base_url, status_url) if status_url else "",
                identity=client.group(1) if client else None,
            )
            call.invited = Seat(room, label, start_on_enter=True, end_on_exit=end_conference_on_exit)
            self._exchange.calls[call.sid] = call
            self._exchange.report_call(call)
            call.status = "ringing"
            self._exchange.report_call(call)
            self._exchange.perceive(call, "ringing", **{"from": from_, "to": to, "room": room.name, "label": label})
            call.ring_timer = self._exchange.after(ring_timeout_s, lambda: self._end(call, "no-answer", "no_answer"))
            return call.sid

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        with self._exchange.lock:
            call, seat = self._participant(conference_sid, call_sid)
            self._rooms.hold(call, seat, on, urljoin(self._base_url, hold_url) if hold_url else "")

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        with self._exchange.lock:
            call, seat = self._participant(conference_sid, call_sid)
            self._rooms.mute(call, seat, on)

    def hang_up(self, call_sid: str) -> None:
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            if call is not None:
                self._end(call, self._status_at_end(call), "other_side")

    def end_conference(self, conference_sid: str) -> None:
        with self._exchange.lock:
            room = self._rooms.find(conference_sid)
            if room is not None:
                self._rooms.end(room, "conference-ended-via-api")

    def call_state(self, call_sid: str) -> str | None:
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            return call.status if call is not None else None

    def client_token(self, identity: str) -> ClientToken:
        name = base64.urlsafe_b64encode(identity.encode()).decode().rstrip("=")
        claim = f"{name}.{int(self._now()) + _TOKEN_S}"
        return ClientToken(kind="simulated", token=f"{claim}.{self._mark(claim)}", identity=identity, expires_in_s=_TOKEN_S)

    def identity_of(self, token: str) -> str | None:
        """Whose token this is, or None when it is not ours or too old."""
        claim, _, mark = token.rpartition(".")
        name, _, until = claim.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(claim).encode()) or int(until) < self._now():
            return None
        try:
            return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None

    # The telephones and softphones

    def dial(self, from_: str, to: str | None = None) -> str:
        """A telephone calls our number. Answers the CallSid at once; what happens next comes to the listeners."""
        if not E164.fullmatch(from_):
            raise NotPossible("bad_number", "A phone number starts with + and the country code and has digits only.")
        with self._exchange.lock:
            call = Call(
                sid=new_sid("CA"),
                from_=from_,
                to=to or self.number,
                direction="inbound",
                status="ringing",
                status_url=self._status_url,
            )
            call.main = Run(url=self._voice_url, purpose="main")
            self._exchange.calls[call.sid] = call
            self._exchange.perceive(call, "status", status="ringing")
            self._player.fetch(call, call.main, "")
            return call.sid

    def press(self, call_sid: str, digit: str) -> bool:
        """Press one key (0-9, *, #). False when nothing was listening for keys."""
        if len(digit) != 1 or digit not in "0123456789*#":
            raise NotPossible("bad_digit", "A telephone has the keys 0 to 9, * and #.")
        with self._exchange.lock:
            call = self._live(call_sid)
            if call.seat is not None:
                return digit == "*" and self._leave_by_star(call)
            return call.main is not None and self._player.press(call, call.main, digit)

    def speak(self, call_sid: str, text: str) -> int:
        """Say something. Answers how many others heard it: nobody before the conversation, on hold or when muted."""
        words = " ".join(text.split())[:_LONGEST_SPEECH]
        if not words:
            raise NotPossible("nothing_said", "There is nothing to say.")
        with self._exchange.lock:
            return self._rooms.speak(self._live(call_sid), words)

    def answer(self, call_sid: str, identity: str | None = None) -> None:
        """Take a ringing call: `identity` for a softphone, None for a telephone that the desk called."""
        with self._exchange.lock:
            call = self._ringing(call_sid, identity)
            self._stop_ringing(call)
            self._take(call)
            if call.invited is not None:
                self._rooms.enter(call, call.invited)

    def reject(self, call_sid: str, identity: str | None = None) -> None:
        """Decline a ringing call."""
        with self._exchange.lock:
            self._end(self._ringing(call_sid, identity), "busy", "rejected")

    def mute_self(self, call_sid: str, on: bool) -> None:
        """The microphone switch of a softphone. The carrier does not know of it, so no event is posted."""
        with self._exchange.lock:
            call = self._live(call_sid)
            if call.self_muted != on:
                call.self_muted = on
                self._exchange.perceive(call, "mute", on=on)

    def hang_up_phone(self, call_sid: str) -> None:
        """The person on this leg hangs up. Nothing happens when the call has ended already."""
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            if call is None:
                raise _no_such_call()
            self._end(call, self._status_at_end(call), "hung_up")

    def transcript(self, call_sid: str) -> list[ListenEvent]:
        """What this leg has perceived so far, oldest first."""
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            if call is None:
                raise _no_such_call()
            return list(call.transcript)

    def identity_on(self, call_sid: str) -> str | None:
        """Which softphone this leg belongs to, None for a telephone."""
        with self._exchange.lock:
            call = self._exchange.calls.get(call_sid)
            if call is None:
                raise _no_such_call()
            return call.identity

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

    # What the parts ask for

    def _take(self, call: Call) -> None:
        """The call is answered."""
        if call.answered_at is not None:
            return
        call.status = "in-progress"
        call.answered_at = self._now()
        if not call.inbound:
            self._exchange.report_call(call)
        self._exchange.perceive(call, "answered")

    def _dial(self, call: Call, verb: Dial) -> None:
        room = self._rooms.open(verb.room)
        if verb.status_url and not room.status_url:
            base = call.main.url if call.main is not None else self._base_url
            room.status_url, room.status_events = urljoin(base, verb.status_url), verb.status_events
        seat = Seat(
            room,
            verb.label,
            start_on_enter=verb.start_on_enter,
            end_on_exit=verb.end_on_exit,
            muted=verb.muted,
            leave_on_star=verb.hangup_on_star,
            after=verb.action,
            wait_url=self._resolve(call, verb.wait_url),
        )
        self._rooms.enter(call, seat)

    def _left(self, call: Call, seat: Seat) -> None:
        """A leg is out of its room without having hung up: go on with its document, or end when it has none."""
        if call.ended:
            return
        if call.main is None:
            self._end(call, "completed", "room_ended")
        elif seat.after:
            self._player.fetch(call, call.main, seat.after, DialCallStatus="completed")
        else:
            self._player.go_on(call, call.main)

    def _end(self, call: Call, status: str, reason: str) -> None:
        if call.ended:
            return
        self._stop_ringing(call)
        for run in (call.main, call.over):
            if run is not None:
                run.cancel()
        # The room is left under the old status, as the carrier does: participant-leave, then completed.
        seat = call.seat
        call.status = status
        if seat is not None:
            self._rooms.leave(call, "participant_hung_up" if reason == "hung_up" else "participant_updated_via_api")
        elif call.invited is not None and not call.invited.room.members and call.invited.room.sid in self._exchange.rooms:
            # The room was opened for a leg that never came.
            self._exchange.rooms.pop(call.invited.room.sid)
        self._exchange.report_call(call)
        self._exchange.perceive(call, "ended", reason=reason, status=status)
        self._exchange.forget_oldest(call)

    def _leave_by_star(self, call: Call) -> bool:
        if call.seat is None or not call.seat.leave_on_star:
            return False
        seat = self._rooms.leave(call, "participant_pressed_star")
        if seat is not None:
            self._left(call, seat)
        return True

    def _stop_ringing(self, call: Call) -> None:
        if call.ring_timer is not None:
            call.ring_timer.cancel()
            call.ring_timer = None

    def _participant(self, conference_sid: str, call_sid: str) -> tuple[Call, Seat]:
        room = self._rooms.find(conference_sid)
        call = self._exchange.calls.get(call_sid)
        if room is None or call is None or call.seat is None or call.seat.room is not room:
            raise CarrierFailed("This call is not in that conference.", retryable=False)
        return call, call.seat

    def _live(self, call_sid: str) -> Call:
        call = self._exchange.calls.get(call_sid)
        if call is None:
            raise _no_such_call()
        if call.ended:
            raise NotPossible("ended", "This call has ended.")
        return call

    def _ringing(self, call_sid: str, identity: str | None) -> Call:
        call = self._live(call_sid)
        if call.identity != identity or call.inbound:
            raise _no_such_call()
        if call.status != "ringing":
            raise NotPossible("not_ringing", "This call does not ring any more.")
        return call

    def _status_at_end(self, call: Call) -> str:
        return "completed" if call.answered_at is not None else "canceled"

    def _resolve(self, call: Call, url: str | None) -> str | None:
        return urljoin(call.main.url, url) if url and call.main is not None else url

    def _mark(self, claim: str) -> str:
        return hmac.new(self._secret, b"softphone " + claim.encode(), hashlib.sha256).hexdigest()


def _no_such_call() -> NotPossible:
    return NotPossible("no_such_call", "There is no such call.")
