"""The verb `Record`: a beep, then what the caller says until a key, silence, the longest length or the end of the call."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.loop import Timer
from channels.voice.simulated.recorder import RECORD_VERB, Recorder
from channels.voice.simulated.state import Call, Recording, Run
from channels.voice.simulated.verbs import Record

HANGUP = "hangup"


class Voicemail:
    """All methods are called with the exchange's lock held. `submit(call, run, url, **form)` asks for the next document."""

    def __init__(
        self,
        exchange: Exchange,
        recorder: Recorder,
        *,
        submit: Callable[..., None],
        go_on: Callable[[Call, Run], None],
    ) -> None:
        self._exchange = exchange
        self._recorder = recorder
        self._submit = submit
        self._go_on = go_on
        self._limits: dict[str, Timer] = {}

    def begin(self, call: Call, run: Run, record: Record) -> None:
        run.record = record
        run.recording = self._recorder.start(
            call,
            source=RECORD_VERB,
            channels=1,
            status_url=urljoin(run.url, record.status_url) if record.status_url else "",
            events=record.status_events,
        )
        run.recording.transcribed_url = urljoin(run.url, record.transcribed_url) if record.transcribed_url else ""
        if record.beep:
            self._exchange.perceive(call, "beep")
        self._exchange.perceive(call, "record", max_s=record.max_s, finish_on_key=record.finish_on_key)
        self._limits[call.sid] = self._exchange.after(record.max_s, lambda: self._finish(call, run, record, ""))
        self._wait_for_silence(call, run, record, record.timeout_s)

    def press(self, call: Call, run: Run, digit: str) -> bool:
        """Take a key that ends the recording. False for any other."""
        record = run.record
        if record is None or run.cancelled or digit not in record.finish_on_key:
            return False
        self._finish(call, run, record, digit)
        return True

    def say(self, call: Call, run: Run, seconds: float, words: str = "") -> bool:
        """The caller says something, for so long. False when nothing is being recorded."""
        record = run.record
        if record is None or run.recording is None or run.cancelled:
            return False
        if words:
            run.recording.words.append(words)
        self._recorder.words(call, call.sid, seconds)
        self._wait_for_silence(call, run, record, seconds + record.timeout_s)
        return True

    def hung_up(self, call: Call, run: Run) -> None:
        """The call has ended meanwhile: what was said is kept, and the action is told."""
        record, recording = run.record, run.recording
        if record is None or recording is None:
            return
        self._stop(call, run)
        if not recording.sound.silent():
            form = self._exchange.call_form(call) | self._result(recording, HANGUP)
            self._exchange.ask(urljoin(run.url, record.action), form, lambda _reply: None)

    def _wait_for_silence(self, call: Call, run: Run, record: Record, seconds: float) -> None:
        if run.timer is not None:
            run.timer.cancel()
        run.timer = self._exchange.after(seconds, lambda: self._finish(call, run, record, ""))

    def _finish(self, call: Call, run: Run, record: Record, digit: str) -> None:
        recording = run.recording
        if run.cancelled or run.record is not record or recording is None:
            return
        run.hops = 0
        self._stop(call, run)
        if recording.sound.silent():
            self._go_on(call, run)
        else:
            self._submit(call, run, record.action, **self._result(recording, digit))

    def _stop(self, call: Call, run: Run) -> None:
        limit = self._limits.pop(call.sid, None)
        if limit is not None:
            limit.cancel()
        if run.timer is not None:
            run.timer.cancel()
        recording, run.record, run.recording = run.recording, None, None
        if recording is not None:
            self._recorder.stop(recording, trim=True)
            self._exchange.perceive(call, "recorded", seconds=recording.duration_s)

    def _result(self, recording: Recording, digits: str) -> dict[str, str]:
        return {
            "RecordingUrl": self._exchange.recording_url(recording),
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.duration_s),
            "Digits": digits,
        }
