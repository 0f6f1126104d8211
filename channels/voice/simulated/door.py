"""The Socket.IO doors of the simulated carrier: `/phone` for the telephone on the try page, `/softphone` for an agent's leg.

Every client event is answered by its acknowledgement: `{"ok": true, ...}` or `{"error": {"code", "message"}}`. Everything that
a leg perceives is sent as `{"call_sid", "n", "kind", "data"}` (see `ListenEvent`); `n` grows by one per call, so that a page sees
what it was told twice and what it missed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, SocketIO, join_room, leave_room

from channels.voice.events import FINAL
from channels.voice.simulated.carrier import E164, NotPossible, SimulatedCarrier
from channels.voice.simulated.state import ListenEvent

# A page that is loaded again needs a moment; a telephone without a page longer than this has gone.
_GRACE_S = 30.0
_MOST_CALLS = 200

Answer = dict[str, Any]


def attach(
    socketio: SocketIO,
    carrier: SimulatedCarrier,
    *,
    identify: Callable[[dict[str, Any]], str | None],
    phone_allowed: Callable[[], bool],
) -> None:
    """Open both doors. Call once, before the server starts.

    `identify(auth)` says which softphone a connection is (`agent-7`) or None to refuse it; it runs inside the request of the
    connection, so it may look at the session; `carrier.identity_of(auth["token"])` reads our own tokens. `phone_allowed()` says
    whether visitors may use the demonstration telephone now.
    """
    phones = PhoneDoor(socketio, carrier, phone_allowed)
    softphones = SoftphoneDoor(socketio, carrier, identify)
    socketio.on_namespace(phones)
    socketio.on_namespace(softphones)

    def deliver(event: ListenEvent) -> None:
        door = phones if event.identity is None else softphones
        door.deliver(event)

    carrier.listen(deliver)


class _Door(Namespace):
    """What both doors share: an error becomes an answer, and a leg whose page is gone for good hangs up."""

    def __init__(self, path: str, socketio: SocketIO, carrier: SimulatedCarrier) -> None:
        super().__init__(path)
        self.path = path
        self.io = socketio
        self.carrier = carrier
        self.lock = threading.Lock()

    def trigger_event(self, event: str, *args: Any) -> Any:
        try:
            return super().trigger_event(event, *args)
        except NotPossible as error:
            return {"error": {"code": error.code, "message": str(error)}}

    def send(self, event: str, data: Answer, to: str) -> None:
        self.io.emit(event, data, namespace=self.path, to=to)

    def hang_up_if(self, call_sid: str, gone: Callable[[], bool]) -> None:
        """End a leg after the grace period if its page is still gone by then."""

        def look() -> None:
            if gone():
                self.carrier.hang_up_phone(call_sid)

        self.carrier.later(_GRACE_S, look)


class PhoneDoor(_Door):
    """The telephone of a visitor. It sees the calls that it dialled, and rings when the desk calls the number it goes by.

    From the client: `line {from}` (the number this telephone goes by), `dial {from}`, `press {call_sid, digit}`,
    `say {call_sid, text}`, `answer {call_sid}`, `reject {call_sid}`, `hang_up {call_sid}`, `resume {call_sid}` after a reconnect.
    To it: `phone`. The CallSid is random and only the telephone that dialled is told it, so to know it is the right to resume.
    """

    def __init__(self, socketio: SocketIO, carrier: SimulatedCarrier, allowed: Callable[[], bool]) -> None:
        super().__init__("/phone", socketio, carrier)
        self._allowed = allowed
        self._calls: dict[str, set[str]] = defaultdict(set)
        self._lines: dict[str, str] = {}
        self._ringing: dict[str, str] = {}

    def on_connect(self, _auth: Any = None) -> None:
        if not self._allowed():
            raise Refused("not_allowed")

    def on_disconnect(self, _reason: Any = None) -> None:
        with self.lock:
            self._lines.pop(request.sid, None)
            calls = self._calls.pop(request.sid, set())
        for call_sid in calls:
            self.hang_up_if(call_sid, lambda call_sid=call_sid: not self._watched(call_sid))

    def on_line(self, data: Any) -> Answer:
        self._take_line(_number(data))
        return {"ok": True}

    def on_dial(self, data: Any) -> Answer:
        if not self._allowed():
            raise NotPossible("not_allowed", "The demonstration telephone is switched off.")
        number = _number(data)
        with self.lock:
            mine = set(self._calls[request.sid])
            everybody = set().union(*self._calls.values())
        if any(self._lives(call_sid) for call_sid in mine):
            raise NotPossible("line_busy", "This telephone is in a call already.")
        if sum(self._lives(call_sid) for call_sid in everybody) >= _MOST_CALLS:
            raise NotPossible("too_many_calls", "Too many demonstration calls at once. Please try again in a minute.")
        self._take_line(number)
        return self._watch(self.carrier.dial(number))

    def on_press(self, data: Any) -> Answer:
        return {"ok": True, "heard": self.carrier.press(self._mine(data), _text(data, "digit"))}

    def on_say(self, data: Any) -> Answer:
        return {"ok": True, "heard_by": self.carrier.speak(self._mine(data), _text(data, "text"))}

    def on_answer(self, data: Any) -> Answer:
        call_sid = self._rings_here(data)
        self.carrier.answer(call_sid)
        return self._watch(call_sid)

    def on_reject(self, data: Any) -> Answer:
        self.carrier.reject(self._rings_here(data))
        return {"ok": True}

    def on_hang_up(self, data: Any) -> Answer:
        self.carrier.hang_up_phone(self._mine(data))
        return {"ok": True}

    def on_resume(self, data: Any) -> Answer:
        call_sid = _text(data, "call_sid")
        if self.carrier.identity_on(call_sid) is not None:
            raise NotPossible("no_such_call", "There is no such call.")
        return self._watch(call_sid)

    def deliver(self, event: ListenEvent) -> None:
        self.send("phone", _wire(event), to=event.call_sid)
        with self.lock:
            if event.kind == "ringing":
                self._ringing[event.call_sid] = event.data["to"]
            number = self._ringing.get(event.call_sid)
            if event.kind in ("answered", "ended"):
                self._ringing.pop(event.call_sid, None)
        if number is not None:
            # Every telephone with this number rings, and stops ringing when one of them has answered.
            self.send("phone", _wire(event), to=f"line {number}")

    def _take_line(self, number: str) -> None:
        with self.lock:
            before = self._lines.get(request.sid)
            self._lines[request.sid] = number
        if before is not None and before != number:
            leave_room(f"line {before}")
        join_room(f"line {number}")

    def _watch(self, call_sid: str) -> Answer:
        """Let this telephone perceive the call; the answer holds all that was perceived until now."""
        join_room(call_sid)
        events = [_wire(event) for event in self.carrier.transcript(call_sid)]
        with self.lock:
            self._calls[request.sid].add(call_sid)
        return {"ok": True, "call_sid": call_sid, "state": self.carrier.call_state(call_sid), "events": events}

    def _mine(self, data: Any) -> str:
        call_sid = _text(data, "call_sid")
        with self.lock:
            if call_sid in self._calls.get(request.sid, ()):
                return call_sid
        raise NotPossible("no_such_call", "There is no such call.")

    def _rings_here(self, data: Any) -> str:
        call_sid = _text(data, "call_sid")
        with self.lock:
            line = self._lines.get(request.sid)
            if line is not None and self._ringing.get(call_sid) == line:
                return call_sid
        raise NotPossible("not_ringing", "This call does not ring any more.")

    def _watched(self, call_sid: str) -> bool:
        with self.lock:
            return any(call_sid in calls for calls in self._calls.values())

    def _lives(self, call_sid: str) -> bool:
        state = self.carrier.call_state(call_sid)
        return state is not None and state not in FINAL


class SoftphoneDoor(_Door):
    """The leg of an agent. All pages of one agent ring together and share one leg.

    From the client: `answer`, `reject`, `hang_up {call_sid}`, `say {call_sid, text}`, `press {call_sid, digit}`,
    `mute {call_sid, on}`, and `leg`, which asks for the leg again. To it: `leg {call_sid | null, state, from, connected, events}`
    on every connect, `incoming {call_sid, n, from, label, room}`, and `event`.
    """

    def __init__(self, socketio: SocketIO, carrier: SimulatedCarrier, identify: Callable[[dict[str, Any]], str | None]) -> None:
        super().__init__("/softphone", socketio, carrier)
        self._identify = identify
        self._identities: dict[str, str] = {}

    def on_connect(self, auth: Any = None) -> None:
        identity = self._identify(auth if isinstance(auth, dict) else {})
        if identity is None:
            raise Refused("not_allowed")
        with self.lock:
            self._identities[request.sid] = identity
        join_room(identity)
        self.send("leg", self._leg(identity), to=request.sid)

    def on_disconnect(self, _reason: Any = None) -> None:
        with self.lock:
            identity = self._identities.pop(request.sid, None)
        call_sid = self.carrier.leg_of(identity) if identity is not None else None
        if identity is not None and call_sid is not None and self.carrier.call_state(call_sid) == "in-progress":
            self.hang_up_if(call_sid, lambda: not self._present(identity))

    def on_leg(self, _data: Any = None) -> Answer:
        return self._leg(self._who())

    def on_answer(self, data: Any) -> Answer:
        self.carrier.answer(_text(data, "call_sid"), self._who())
        return {"ok": True}

    def on_reject(self, data: Any) -> Answer:
        self.carrier.reject(_text(data, "call_sid"), self._who())
        return {"ok": True}

    def on_hang_up(self, data: Any) -> Answer:
        self.carrier.hang_up_phone(self._mine(data))
        return {"ok": True}

    def on_say(self, data: Any) -> Answer:
        return {"ok": True, "heard_by": self.carrier.speak(self._mine(data), _text(data, "text"))}

    def on_press(self, data: Any) -> Answer:
        return {"ok": True, "heard": self.carrier.press(self._mine(data), _text(data, "digit"))}

    def on_mute(self, data: Any) -> Answer:
        call_sid = self._mine(data)
        on = data.get("on")
        if not isinstance(on, bool):
            raise NotPossible("bad_request", "The field on is missing.")
        self.carrier.mute_self(call_sid, on)
        return {"ok": True}

    def deliver(self, event: ListenEvent) -> None:
        if event.identity is None:
            return
        if event.kind == "ringing":
            self.send("incoming", {"call_sid": event.call_sid, **event.data}, to=event.identity)
        else:
            self.send("event", _wire(event), to=event.identity)

    def _leg(self, identity: str) -> Answer:
        call_sid = self.carrier.leg_of(identity)
        if call_sid is None:
            return {"call_sid": None, "state": None, "from": "", "connected": False, "events": []}
        events = [_wire(event) for event in self.carrier.transcript(call_sid)]
        ringing = next((event["data"] for event in events if event["kind"] == "ringing"), {})
        state = self.carrier.call_state(call_sid)
        connected = any(event["kind"] == "connected" for event in events)
        return {"call_sid": call_sid, "state": state, "from": ringing.get("from", ""), "connected": connected, "events": events}

    def _who(self) -> str:
        with self.lock:
            identity = self._identities.get(request.sid)
        if identity is None:
            raise NotPossible("not_allowed", "This softphone is not connected.")
        return identity

    def _mine(self, data: Any) -> str:
        call_sid = _text(data, "call_sid")
        if self.carrier.identity_on(call_sid) != self._who():
            raise NotPossible("no_such_call", "There is no such call.")
        return call_sid

    def _present(self, identity: str) -> bool:
        with self.lock:
            return identity in self._identities.values()


def _wire(event: ListenEvent) -> Answer:
    data = dict(event.data)
    return {"call_sid": event.call_sid, "n": data.pop("n"), "kind": event.kind, "data": data}


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        raise NotPossible("bad_request", f"The field {name} is missing.")
    return value


def _number(data: Any) -> str:
    number = _text(data, "from")
    if not E164.fullmatch(number):
        raise NotPossible("bad_number", "A phone number starts with + and the country code and has digits only.")
    return number
