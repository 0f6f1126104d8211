"""What the doors of the phone and of the softphone share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import request
from flask_socketio import Namespace, SocketIO

from channels.voice.simulated.carrier import NotPossible, SimulatedCarrier
from channels.voice.simulated.door_audio import AudioLines
from channels.voice.simulated.state import ListenEvent

# A page that is loaded again needs a moment; a telephone without a page longer than this has gone.
_GRACE_S = 30.0

Answer = dict[str, Any]


class Door(Namespace, ABC):
    """A namespace of the carrier: an error becomes an answer, and a leg whose page is gone for good hangs up."""

    def __init__(self, path: str, socketio: SocketIO, carrier: SimulatedCarrier, audio: AudioLines) -> None:
        super().__init__(path)
        self.path = path
        self.io = socketio
        self.carrier = carrier
        self.audio = audio
        self.lock = threading.Lock()

    def trigger_event(self, event: str, *args: Any) -> Any:
        try:
            return super().trigger_event(event, *args)
        except NotPossible as error:
            return {"error": {"code": error.code, "message": str(error)}}

    def on_audio(self, data: Any) -> Answer:
        """The page wants the sound of its leg: `{call_sid, page, peer?, take?}`."""
        call_sid = self.own_leg(data)
        return self.audio.claim(self, request.sid, call_sid, data)

    def on_signal(self, data: Any) -> Answer:
        """An offer or an answer for another page: `{call_sid, to, kind, turn, sdp}`."""
        return self.audio.signal(request.sid, self.own_leg(data), data)

    @abstractmethod
    def own_leg(self, data: Any) -> str:
        """The leg that a page speaks of, when it is its own. Raises `NotPossible`."""

    def tell(self, event: str, data: Answer, to: str) -> None:
        self.io.emit(event, data, namespace=self.path, to=to)

    def hang_up_if(self, call_sid: str, gone: Callable[[], bool]) -> None:
        """End a leg after the grace period if its page is still gone by then."""

        def look() -> None:
            if gone():
                # A call that ended long ago may have been forgotten by now.
                with suppress(NotPossible):
                    self.carrier.hang_up_phone(call_sid)

        self.carrier.later(_GRACE_S, look)


def wire(event: ListenEvent) -> Answer:
    """An event as it is sent to a page."""
    data = dict(event.data)
    return {"call_sid": event.call_sid, "n": data.pop("n"), "kind": event.kind, "data": data}


def text(data: Any, name: str) -> str:
    """A field of what a page sent. Raises `NotPossible` when it is missing, empty or no text."""
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        raise NotPossible("bad_request", f"The field {name} is missing.")
    return value
