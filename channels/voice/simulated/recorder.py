"""Recordings of the simulated carrier: begun, paused, ended, fetched."""

from __future__ import annotations

from collections.abc import Iterator

from channels.voice.port import CarrierFailed
from channels.voice.simulated import sound
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.sound import SPEAKING, Sound, Span
from channels.voice.simulated.state import Call, Recording, new_sid

# The carrier needs a moment until an ended recording can be fetched.
_PROCESSING_S = 1.0
# Of these lengths it writes down what was said, which takes a moment more.
_TRANSCRIBED_S = range(2, 121)
_WRITING_S = 3.0
_OWN, _OTHERS = 0, 1
CALL_API, RECORD_VERB = "StartCallRecordingAPI", "RecordVerb"
ALL_EVENTS = frozenset({"in-progress", "completed", "absent"})


class Recorder:
    """All methods are called with the exchange's lock held."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._spans: dict[str, dict[str, Span]] = {}  # by recording, by speaker

    def start(self, call: Call, *, source: str, channels: int, status_url: str, events: frozenset[str]) -> Recording:
        recording = Recording(
            sid=new_sid("RE"),
            call_sid=call.sid,
            source=source,
            status_url=status_url,
            status_events=events,
            sound=Sound(channels),
            started_at=self._exchange.now(),
            begun_s=self._exchange.loop.elapsed_s,
        )
        self._exchange.recordings[recording.sid] = recording
        call.recordings.append(recording)
        self.hearing(call)
        self._exchange.report_recording(recording)
        return recording

    def find(self, call: Call | None, recording_sid: str) -> Recording:
        """The recording (of this call). Raises `CarrierFailed`."""
        recording = self._exchange.recordings.get(recording_sid)
        if recording is None or recording.status == "deleted" or (call is not None and recording.call_sid != call.sid):
            raise CarrierFailed("There is no such recording.", retryable=False, code=20404)
        return recording

    def pause(self, recording: Recording, on: bool) -> None:
        if on and recording.status == "in-progress":
            recording.status = "paused"
            recording.sound.pause(self._at(recording))
        elif not on and recording.status == "paused":
            recording.status = "in-progress"
            recording.sound.resume(self._at(recording))
        elif recording.status not in ("in-progress", "paused"):
            raise CarrierFailed("This recording has ended.", retryable=False, code=21220)

    def stop(self, recording: Recording, *, trim: bool = False) -> None:
        """End it; a second time changes nothing. What was never spoken into is absent when it was to be trimmed."""
        if recording.status not in ("in-progress", "paused"):
            return
        length = self._at(recording)
        recording.sound.close(length)
        self._spans.pop(recording.sid, None)
        recording.duration_s = round(length)
        recording.status = "processing"
        empty = recording.duration_s == 0 or (trim and recording.sound.silent())
        self._exchange.after(_PROCESSING_S, lambda: self._complete(recording, empty))

    def stop_all(self, call: Call) -> None:
        for recording in call.recordings:
            self.stop(recording)

    def hearing(self, call: Call) -> None:
        """Whom this leg hears, and whether anybody hears it, has changed."""
        running = [one for one in call.recordings if one.status in ("in-progress", "paused") and one.sound.channels == 2]
        if not running:
            return
        audible = {*call.audible.hears, *((call.sid,) if call.audible.heard_by else ())}
        for recording in running:
            at = self._at(recording)
            open_spans = self._spans.setdefault(recording.sid, {})
            for gone in open_spans.keys() - audible:
                open_spans.pop(gone).end = at
            for who in audible - open_spans.keys():
                span = recording.sound.begin(who, _OWN if who == call.sid else _OTHERS, at)
                if span is not None:
                    open_spans[who] = span

    def words(self, call: Call, who: str, seconds: float, *, kind: str = SPEAKING) -> None:
        """Somebody (the leg itself, or another) says something on this line."""
        for recording in call.recordings:
            if recording.status == "in-progress":
                recording.sound.add(who, _OWN if who == call.sid else _OTHERS, self._at(recording), seconds, kind)

    def fetch(self, recording: Recording) -> tuple[Iterator[bytes], str]:
        """The sound; raises `CarrierFailed` while it is not complete."""
        if recording.status != "completed":
            if recording.status == "absent":
                raise CarrierFailed("This recording is empty.", retryable=False, code=20404)
            raise CarrierFailed("This recording cannot be fetched yet.", retryable=True, code=20404)
        return recording.sound.wav(recording.duration_s), sound.CONTENT_TYPE

    def delete(self, recording: Recording) -> None:
        recording.status = "deleted"
        recording.sound = Sound(recording.sound.channels)

    def _complete(self, recording: Recording, empty: bool) -> None:
        if recording.status == "processing":
            recording.status = "absent" if empty else "completed"
            self._exchange.report_recording(recording)
            if recording.transcribed_url and not empty and recording.duration_s in _TRANSCRIBED_S:
                self._exchange.after(_WRITING_S, lambda: self._exchange.report_words(recording))

    def _at(self, recording: Recording) -> float:
        return max(0.0, self._exchange.loop.elapsed_s - recording.begun_s)
