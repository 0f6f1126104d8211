"""The `/phone` door: the telephone of a visitor on the try page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, join_room, leave_room

from channels.voice.events import FINAL
from channels.voice.simulated.carrier import E164, NotPossible, SimulatedCarrier
from channels.voice.simulated.door_audio import AudioLines
from channels.voice.simulated.door_common import Answer, Door, text, wire
from channels.voice.simulated.state import ListenEvent

_MOST_CALLS = 200
_ANY_LINE = "line *"


class PhoneDoor(Door):
    """The telephone of a visitor. It sees the calls that it dialled, and rings when the desk calls the number it goes by.

    From the client: `line {from, all?}` (the number this telephone goes by; with `all` it also rings for numbers that no other
    telephone goes by), `dial {from}`, `press {call_sid, digit}`, `say {call_sid, text}`, `voice {call_sid}`, `answer {call_sid}`,
    `reject {call_sid}`, `hang_up {call_sid}`, `resume {call_sid}` after a reconnect.
    To it: `phone`. The CallSid is random and only the telephone that dialled is told it, so to know it is the right to resume.
    """

    def __init__(self, socketio: SocketIO, carrier: SimulatedCarrier, audio: AudioLines, allowed: Callable[[], bool]) -> None:
        super().__init__("/phone", socketio, carrier, audio)
        self._allowed = allowed
        self._calls: dict[str, set[str]] = defaultdict(set)
        self._lines: dict[str, str] = {}
        self._for_all: set[str] = set()
        # Each call that rings, and whether it does so for a number that no telephone went by.
        self._ringing: dict[str, tuple[ListenEvent, bool]] = {}

    def on_connect(self, _auth: Any = None) -> None:
        if not self._allowed():
            raise Refused("not_allowed")

    def on_disconnect(self, _reason: Any = None) -> None:
        self.audio.gone(request.sid)
        with self.lock:
            self._lines.pop(request.sid, None)
            self._for_all.discard(request.sid)
            calls = self._calls.pop(request.sid, set())
        for call_sid in calls:
            self.hang_up_if(call_sid, lambda call_sid=call_sid: not self._watched(call_sid))

    def on_line(self, data: Any) -> Answer:
        number = _number(data)
        if data.get("all") is True:
            with self.lock:
                self._for_all.add(request.sid)
            join_room(_ANY_LINE)
        self._take_line(number)
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
        return {"ok": True, "heard": self.carrier.press(self.own_leg(data), text(data, "digit"))}

    def on_say(self, data: Any) -> Answer:
        return {"ok": True, "heard_by": self.carrier.speak(self.own_leg(data), text(data, "text"))}

    def on_voice(self, data: Any) -> Answer:
        """The microphone of this telephone hears somebody; needed while a voicemail records."""
        self.carrier.voice(self.own_leg(data))
        return {"ok": True}

    def on_answer(self, data: Any) -> Answer:
        call_sid = self._rings_here(data)
        self.carrier.answer(call_sid)
        return self._watch(call_sid)

    def on_reject(self, data: Any) -> Answer:
        self.carrier.reject(self._rings_here(data))
        return {"ok": True}

    def on_hang_up(self, data: Any) -> Answer:
        self.carrier.hang_up_phone(self.own_leg(data))
        return {"ok": True}

    def on_resume(self, data: Any) -> Answer:
        call_sid = text(data, "call_sid")
        if self.carrier.identity_on(call_sid) is not None:
            raise NotPossible("no_such_call", "There is no such call.")
        return self._watch(call_sid)

    def deliver(self, event: ListenEvent) -> None:
        self.tell("phone", wire(event), to=event.call_sid)
        with self.lock:
            if event.kind == "ringing":
                self._ringing[event.call_sid] = event, event.data["to"] not in self._lines.values()
            ringing = self._ringing.get(event.call_sid)
            if event.kind in ("answered", "ended"):
                self._ringing.pop(event.call_sid, None)
        if ringing is not None:
            # Every telephone with this number rings, and stops ringing when one of them has answered.
            first, for_all = ringing
            self.tell("phone", wire(event), to=f"line {first.data['to']}")
            if for_all:
                self.tell("phone", wire(event), to=_ANY_LINE)

    def _take_line(self, number: str) -> None:
        with self.lock:
            before = self._lines.get(request.sid)
            self._lines[request.sid] = number
        if before is not None and before != number:
            leave_room(f"line {before}")
        join_room(f"line {number}")
        with self.lock:
            ringing = [event for event, for_all in self._ringing.values() if self._rings(event, for_all)]
        for event in ringing:
            self.tell("phone", wire(event), to=request.sid)

    def _rings(self, event: ListenEvent, for_all: bool) -> bool:
        """Whether a call rings at this telephone. Called with the lock held."""
        return event.data["to"] == self._lines.get(request.sid) or (for_all and request.sid in self._for_all)

    def _watch(self, call_sid: str) -> Answer:
        """Let this telephone perceive the call; the answer holds all that was perceived until now."""
        events = [wire(event) for event in self.carrier.transcript(call_sid)]
        join_room(call_sid)
        with self.lock:
            self._calls[request.sid].add(call_sid)
        return {"ok": True, "call_sid": call_sid, "state": self.carrier.call_state(call_sid), "events": events}

    def own_leg(self, data: Any) -> str:
        call_sid = text(data, "call_sid")
        with self.lock:
            if call_sid in self._calls.get(request.sid, ()):
                return call_sid
        raise NotPossible("no_such_call", "There is no such call.")

    def _rings_here(self, data: Any) -> str:
        call_sid = text(data, "call_sid")
        with self.lock:
            ringing = self._ringing.get(call_sid)
            if ringing is not None and self._rings(*ringing):
                return call_sid
        raise NotPossible("not_ringing", "This call does not ring any more.")

    def _watched(self, call_sid: str) -> bool:
        with self.lock:
            return any(call_sid in calls for calls in self._calls.values())

    def _lives(self, call_sid: str) -> bool:
        state = self.carrier.call_state(call_sid)
        return state is not None and state not in FINAL


def _number(data: Any) -> str:
    number = text(data, "from")
    if not E164.fullmatch(number):
        raise NotPossible("bad_number", "A phone number starts with + and the country code and has digits only.")
    return number
