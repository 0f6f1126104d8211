"""The Socket.IO doors of the simulated carrier: `/phone` for the telephone on the try page, `/softphone` for an agent's leg.

Every client event is answered by its acknowledgement: `{"ok": true, ...}` or `{"error": {"code", "message"}}`. Everything that
a leg perceives is sent as `{"call_sid", "n", "kind", "data"}` (see `ListenEvent`); `n` grows by one per call, so that a page sees
what it was told twice and what it missed. Real sound is between the pages themselves; see `door_audio`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_socketio import SocketIO

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.door_audio import AudioLines
from channels.voice.simulated.door_phone import PhoneDoor
from channels.voice.simulated.door_softphone import SoftphoneDoor
from channels.voice.simulated.state import ListenEvent


def attach(
    socketio: SocketIO,
    carrier: SimulatedCarrier,
    *,
    identify: Callable[[dict[str, Any]], str | None],
    phone_allowed: Callable[[], bool],
    ice_servers: Sequence[dict[str, Any]] = (),
) -> None:
    """Open both doors. Call once, before the server starts.

    `identify(auth)` says which softphone a connection is (`agent-7`) or None to refuse it; it runs inside the request of the
    connection, so it may look at the session; `carrier.identity_of(auth["token"])` reads our own tokens. `phone_allowed()` says
    whether visitors may use the demonstration telephone now. `ice_servers` help browsers of different networks to find each other
    (`RTCConfiguration.iceServers`); on one machine or network none are needed.
    """
    audio = AudioLines(carrier, list(ice_servers))
    phones = PhoneDoor(socketio, carrier, audio, phone_allowed)
    softphones = SoftphoneDoor(socketio, carrier, audio, identify)
    socketio.on_namespace(phones)
    socketio.on_namespace(softphones)

    def deliver(event: ListenEvent) -> None:
        door = phones if event.identity is None else softphones
        door.deliver(event)

    carrier.listen(deliver)
