"""What the parts of the simulated carrier share: calls and rooms, the lock over them, the way to listeners and to webhooks."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from channels.voice.simulated.loop import Loop, Timer
from channels.voice.simulated.state import Call, ListenEvent, Room
from channels.voice.simulated.webhooks import Form, Reply, Webhooks

log = logging.getLogger(__name__)

# Ended calls that are still known to `call_state`; older ones are forgotten.
_REMEMBERED = 2000

Listener = Callable[[ListenEvent], None]
Watcher = Callable[[list[str]], None]


class Exchange:
    """Shared state. Whoever reads or changes calls and rooms holds `lock`; listeners and webhooks run on the loop without it."""

    def __init__(self, loop: Loop, webhooks: Webhooks, *, account_sid: str, now: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.loop = loop
        self.account_sid = account_sid
        self.now = now
        self.calls: dict[str, Call] = {}
        self.rooms: dict[str, Room] = {}
        self._webhooks = webhooks
        self._listeners: list[Listener] = []
        self._watchers: list[Watcher] = []
        self._ended: deque[str] = deque()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; answers the function that removes it."""
        with self.lock:
            self._listeners = [*self._listeners, listener]

        def stop() -> None:
            with self.lock:
                self._listeners = [one for one in self._listeners if one is not listener]

        return stop

    def watch_rooms(self, watcher: Watcher) -> None:
        """Tell `watcher`, on the loop, the CallSids of a room whenever who hears whom may have changed in it."""
        with self.lock:
            self._watchers = [*self._watchers, watcher]

    def room_changed(self, room: Room) -> None:
        if self._watchers:
            legs = [member.sid for member in room.members]
            self.loop.soon(lambda: self._tell_watchers(legs))

    def perceive(self, call: Call, kind: str, **data: Any) -> None:
        """Let the person on this leg perceive something."""
        call.heard += 1
        event = ListenEvent(call.sid, call.identity, kind, {"n": call.heard, **data})
        call.transcript.append(event)
        self.loop.soon(lambda: self._deliver(event))

    def ask(self, url: str, form: Form, then: Callable[[Reply], None]) -> None:
        self.loop.soon(lambda: self._webhooks.ask(url, form, lambda reply: self._locked(lambda: then(reply))))

    def report_call(self, call: Call) -> None:
        """Post the state of a leg to whoever asked for its progress."""
        if not call.status_url:
            return
        form = self.call_form(call) | {
            "CallbackSource": "call-progress-events",
            "Timestamp": self._timestamp(),
            "SequenceNumber": str(call.sequence),
        }
        call.sequence += 1
        if call.ended:
            seconds = 0 if call.answered_at is None else max(0, round(self.now() - call.answered_at))
            form |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        self._tell(call.sid, call.status_url, form)

    def report_room(self, room: Room, event: str, call: Call | None = None, **more: str) -> None:
        """Post an event of a room if its first visitor with a status address asked for events of this kind."""
        self.room_changed(room)
        kind = event.split("-", 1)[1].removeprefix("un")
        if not room.status_url or kind not in room.status_events:
            return
        room.sequence += 1
        form = {
            "AccountSid": self.account_sid,
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(room.sequence),
            "Timestamp": self._timestamp(),
        }
        if call is not None and call.seat is not None:
            form |= {
                "CallSid": call.sid,
                "ParticipantLabel": call.seat.label,
                "Muted": _word(call.seat.muted),
                "Hold": _word(call.seat.held),
                "Coaching": "false",
                "StartConferenceOnEnter": _word(call.seat.start_on_enter),
                "EndConferenceOnExit": _word(call.seat.end_on_exit),
            }
        self._tell(room.sid, room.status_url, form | more)

    def call_form(self, call: Call) -> dict[str, str]:
        """The fields every request about a call carries."""
        return {
            "CallSid": call.sid,
            "AccountSid": self.account_sid,
            "From": call.from_,
            "Caller": call.from_,
            "To": call.to,
            "Called": call.to,
            "CallStatus": call.status,
            "Direction": call.direction,
            "ApiVersion": "2010-04-01",
        }

    def after(self, seconds: float, run: Callable[[], None]) -> Timer:
        return self.loop.after(seconds, lambda: self._locked(run))

    def forget_oldest(self, call: Call) -> None:
        """Remember that this call ended, and forget the one that ended longest ago when there are too many."""
        self._ended.append(call.sid)
        if len(self._ended) > _REMEMBERED:
            self.calls.pop(self._ended.popleft(), None)

    def _tell(self, lane: str, url: str, form: dict[str, str]) -> None:
        self.loop.soon(lambda: self._webhooks.tell(lane, url, form))

    def _locked(self, run: Callable[[], None]) -> None:
        with self.lock:
            run()

    def _deliver(self, event: ListenEvent) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                log.exception("A listener of the simulated carrier failed.")

    def _tell_watchers(self, legs: list[str]) -> None:
        for watcher in self._watchers:
            try:
                watcher(legs)
            except Exception:
                log.exception("A watcher of the simulated carrier failed.")

    def _timestamp(self) -> str:
        return formatdate(self.now(), usegmt=False)


def _word(truth: bool) -> str:
    return "true" if truth else "false"
