"""The `/softphone` door: the leg of an agent in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO, join_room

from channels.voice.simulated.carrier import NotPossible, SimulatedCarrier
from channels.voice.simulated.door_audio import AudioLines
from channels.voice.simulated.door_common import Answer, Door, text, wire
from channels.voice.simulated.state import ListenEvent


class SoftphoneDoor(Door):
    """The leg of an agent. All pages of one agent ring together and share one leg.

    From the client: `answer`, `reject`, `hang_up {call_sid}`, `say {call_sid, text}`, `press {call_sid, digit}`,
    `mute {call_sid, on}`, and `leg`, which asks for the leg again. To it: `leg {call_sid | null, state, from, connected, events}`
    on every connect, `incoming {call_sid, n, from, label, room}`, and `event`.
    """

    def __init__(
        self,
        socketio: SocketIO,
        carrier: SimulatedCarrier,
        audio: AudioLines,
        identify: Callable[[dict[str, Any]], str | None],
    ) -> None:
        super().__init__("/softphone", socketio, carrier, audio)
        self._identify = identify
        self._identities: dict[str, str] = {}

    def on_connect(self, auth: Any = None) -> None:
        identity = self._identify(auth if isinstance(auth, dict) else {})
        if identity is None:
            raise Refused("not_allowed")
        with self.lock:
            self._identities[request.sid] = identity
        join_room(identity)
        self.tell("leg", self._leg(identity), to=request.sid)

    def on_disconnect(self, _reason: Any = None) -> None:
        self.audio.gone(request.sid)
        with self.lock:
            identity = self._identities.pop(request.sid, None)
        call_sid = self.carrier.leg_of(identity) if identity is not None else None
        if identity is not None and call_sid is not None and self.carrier.call_state(call_sid) == "in-progress":
            self.hang_up_if(call_sid, lambda: not self._present(identity))

    def on_leg(self, _data: Any = None) -> Answer:
        return self._leg(self._who())

    def on_answer(self, data: Any) -> Answer:
        self.carrier.answer(text(data, "call_sid"), self._who())
        return {"ok": True}

    def on_reject(self, data: Any) -> Answer:
        self.carrier.reject(text(data, "call_sid"), self._who())
        return {"ok": True}

    def on_hang_up(self, data: Any) -> Answer:
        self.carrier.hang_up_phone(self.own_leg(data))
        return {"ok": True}

    def on_say(self, data: Any) -> Answer:
        return {"ok": True, "heard_by": self.carrier.speak(self.own_leg(data), text(data, "text"))}

    def on_press(self, data: Any) -> Answer:
        return {"ok": True, "heard": self.carrier.press(self.own_leg(data), text(data, "digit"))}

    def on_mute(self, data: Any) -> Answer:
        call_sid = self.own_leg(data)
        on = data.get("on")
        if not isinstance(on, bool):
            raise NotPossible("bad_request", "The field on is missing.")
        self.carrier.mute_self(call_sid, on)
        return {"ok": True}

    def deliver(self, event: ListenEvent) -> None:
        if event.identity is None:
            return
        if event.kind == "ringing":
            self.tell("incoming", {"call_sid": event.call_sid, **event.data}, to=event.identity)
        else:
            self.tell("event", wire(event), to=event.identity)

    def _leg(self, identity: str) -> Answer:
        call_sid = self.carrier.leg_of(identity)
        if call_sid is None:
            return {"call_sid": None, "state": None, "from": "", "connected": False, "events": []}
        events = [wire(event) for event in self.carrier.transcript(call_sid)]
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

    def own_leg(self, data: Any) -> str:
        call_sid = text(data, "call_sid")
        if self.carrier.identity_on(call_sid) != self._who():
            raise NotPossible("no_such_call", "There is no such call.")
        return call_sid

    def _present(self, identity: str) -> bool:
        with self.lock:
            return identity in self._identities.values()
