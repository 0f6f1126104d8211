"""What the parts of the simulated carrier share: calls and rooms, the lock over them, the way to listeners and to webhooks."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import urljoin

from channels.voice.simulated.audio import audio_length
from channels.voice.simulated.journal import Journal
from channels.voice.simulated.loop import Loop, Timer
from channels.voice.simulated.state import Call, ListenEvent, Recording, Room, new_sid
from channels.voice.simulated.webhooks import Form, Reply, Webhooks

log = logging.getLogger(__name__)

# Ended calls that are still known to `call_state`; older ones are forgotten, with their recordings.
_REMEMBERED = 2000
_API = "2010-04-01"
_REMEMBERED_AUDIO = 200

Listener = Callable[[ListenEvent], None]
Watcher = Callable[[list[str]], None]


class Exchange:
    """Shared state. Whoever reads or changes calls and rooms holds `lock`; listeners and webhooks run on the loop without it."""

    def __init__(self, loop: Loop, webhooks: Webhooks, *, account_sid: str, now: Callable[[], float], base_url: str) -> None:
        self.lock = threading.RLock()
        self.loop = loop
        self.account_sid = account_sid
        self.now = now
        self.calls: dict[str, Call] = {}
        self.rooms: dict[str, Room] = {}
        self.recordings: dict[str, Recording] = {}
        self.journal = Journal(now)
        self.webhooks = webhooks
        self._base_url = base_url
        self._callers: dict[str, None] = {}
        self._lengths: dict[str, float] = {}
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
        self.loop.soon(lambda: self.webhooks.ask(url, form, lambda reply: self._locked(lambda: then(reply))))

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
            seconds = 0 if call.answered_at is None else max(0, round(self.loop.elapsed_s - call.answered_at))
            form |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        if call.answered_by and not call.detecting:
            form |= {"AnsweredBy": call.answered_by}
        self._tell(call.sid, call.status_url, form)

    def report_machine(self, call: Call, took_s: float) -> None:
        """Post who answered to whoever asked for machine detection."""
        if call.amd_url:
            found = {"AnsweredBy": call.answered_by, "MachineDetectionDuration": str(round(took_s * 1000))}
            self._tell(call.sid, call.amd_url, {"AccountSid": self.account_sid, "CallSid": call.sid, **found})

    def report_recording(self, recording: Recording) -> None:
        """Post what became of a recording if its starter asked for events of this kind."""
        if not recording.status_url or recording.status not in recording.status_events:
            return
        form = {
            "AccountSid": self.account_sid,
            "CallSid": recording.call_sid,
            "RecordingSid": recording.sid,
            "RecordingUrl": self.recording_url(recording),
            "RecordingStatus": recording.status,
            "RecordingChannels": str(recording.sound.channels),
            "RecordingStartTime": formatdate(recording.started_at, usegmt=False),
            "RecordingSource": recording.source,
            "RecordingTrack": "both" if recording.sound.channels == 2 else "inbound",
            "ErrorCode": "0",
        }
        if recording.status == "completed":
            form["RecordingDuration"] = str(recording.duration_s)
        self._tell(recording.sid, recording.status_url, form)

    def report_words(self, recording: Recording) -> None:
        """Post what was said into a recording. A voice that came as sound is not understood."""
        form = {
            "AccountSid": self.account_sid,
            "CallSid": recording.call_sid,
            "RecordingSid": recording.sid,
            "RecordingUrl": self.recording_url(recording),
            "TranscriptionSid": new_sid("TR"),
            "TranscriptionText": " ".join(recording.words),
            "TranscriptionStatus": "completed" if recording.words else "failed",
            "TranscriptionType": "fast",
        }
        self._tell(recording.sid, recording.transcribed_url, form)

    def recording_url(self, recording: Recording) -> str:
        """Where the real carrier would keep it. Nobody answers there: use `fetch_recording`."""
        return f"https://api.twilio.com/{_API}/Accounts/{self.account_sid}/Recordings/{recording.sid}"

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
                "Coaching": _word(bool(call.seat.coach)),
                "StartConferenceOnEnter": _word(call.seat.start_on_enter),
                "EndConferenceOnExit": _word(call.seat.end_on_exit),
            }
            if call.seat.coach:
                form["CallSidToCoach"] = call.seat.coach
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
            "ApiVersion": _API,
        }

    def absolute(self, url: str) -> str:
        """An address of the application's, which may be given without its host; nothing stays nothing."""
        return urljoin(self._base_url, url) if url else ""

    def note_caller(self, number: str) -> None:
        """Somebody calls us from this number: it is theirs."""
        self._callers[number] = None
        if len(self._callers) > _REMEMBERED:
            self._callers.pop(next(iter(self._callers)))

    def has_called(self, number: str) -> bool:
        return number in self._callers

    def tell_about(self, call: Call, base: str, url: str, more: dict[str, str]) -> None:
        """Report something about a call that is in no status callback; `url` is relative to `base`."""
        self._tell(call.sid, urljoin(base, url), self.call_form(call) | more)

    def length_of(self, url: str, then: Callable[[float | None], None]) -> None:
        """Find out how long the audio at `url` lasts: seconds, 0 when nobody can say, None when there is none.

        Only our own audio is looked at (and remembered); what lies elsewhere is taken for music.
        """
        if not url.startswith(self._base_url):
            then(0.0)
            return
        if url in self._lengths:
            then(self._lengths[url])
            return

        def known(seconds: float | None) -> None:
            if seconds is not None:
                if len(self._lengths) >= _REMEMBERED_AUDIO:
                    self._lengths.pop(next(iter(self._lengths)))
                self._lengths[url] = seconds
            then(seconds)

        self.loop.outside(lambda: audio_length(url, self.webhooks.get), lambda seconds: self._locked(lambda: known(seconds)))

    def after(self, seconds: float, run: Callable[[], None]) -> Timer:
        return self.loop.after(seconds, lambda: self._locked(run))

    def forget_oldest(self, call: Call) -> None:
        """Remember that this call ended, and forget the one that ended longest ago when there are too many."""
        self._ended.append(call.sid)
        if len(self._ended) > _REMEMBERED:
            old = self.calls.pop(self._ended.popleft(), None)
            for recording in old.recordings if old is not None else ():
                self.recordings.pop(recording.sid, None)

    def _tell(self, lane: str, url: str, form: dict[str, str]) -> None:
        self.loop.soon(lambda: self.webhooks.tell(lane, url, form))

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
