"""Brings recordings home: fetched and held against their length, deleted at the carrier, erased when their time is over."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from channels.voice.port import CarrierFailed
from desk.actions.calls import recordings, voicemails
from desk.events import SYSTEM
from desk.files import KeptFile
from desk.installation import Installation
from desk.models import CallRecording
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.complaints.keeping import belongs_to_case
from desk.store import Tx

log = logging.getLogger(__name__)

BATCH = 20
CLAIM = timedelta(minutes=10)  # how long one try may take before another worker tries too
SWEEP_S = 3600.0
SLACK_S = 2.0  # a carrier rounds the length of a recording to whole seconds


class Recordings:
    """A part of the worker. Nothing is asked of the carrier inside a transaction; a try that dies with us is made again."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._sweep_at = float("-inf")

    def turn(self) -> float | None:
        for recording_id in self._due():
            if self._claim(recording_id):
                self._bring_home(recording_id)
        self._sweep()
        with self._desk.store.read() as reading:
            next_at = reading.scalar(select(func.min(CallRecording.next_at)))
        return None if next_at is None else max(0.0, (next_at - self._desk.clock.now()).total_seconds())

    def _due(self) -> list[int]:
        query = select(CallRecording.id).where(CallRecording.next_at <= self._desk.clock.now())
        with self._desk.store.read() as reading:
            return list(reading.scalars(query.order_by(CallRecording.next_at).limit(BATCH)))

    def _claim(self, recording_id: int) -> bool:
        """Whether the next try is ours; another process may have been quicker."""
        with self._desk.store.tx(SYSTEM) as tx:
            mine = update(CallRecording).where(CallRecording.id == recording_id, CallRecording.next_at <= tx.now)
            return tx.session.execute(mine.values(next_at=tx.now + CLAIM)).rowcount == 1

    def _bring_home(self, recording_id: int) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            recording = tx.session.get_one(CallRecording, recording_id)
            to_fetch = recording.attachment_id is None and not recordings.unwanted(tx, recording)
        try:
            if to_fetch:
                self._fetch(recording)
            else:
                self._desk.carrier.delete_recording(recording.sid)
                self._note(recording_id, recordings.left_carrier)
        except CarrierFailed as failed:
            log.warning("recording %s could not be brought home: %s", recording.sid, failed)
            error, again = str(failed), failed.retryable
            self._note(recording_id, lambda tx, row: recordings.put_off(tx, row, error, again=again))
        except OSError as error:
            log.exception("recording %s could not be kept", recording.sid)
            said = str(error)
            self._note(recording_id, lambda tx, row: recordings.put_off(tx, row, said, again=True))

    def _fetch(self, recording: CallRecording) -> None:
        pieces, claimed = self._desk.carrier.fetch_recording(recording.sid)
        file = self._desk.files.keep_pieces(pieces, f"{recording.kind}-{recording.call_id}-{recording.id}.wav", claimed)
        doubt = doubt_of(self._desk.files.path(file.sha256), file, recording.duration_s)
        if doubt and recording.attempts < len(recordings.RETRY_S):
            self._note(recording.id, lambda tx, row: recordings.put_off(tx, row, doubt, again=True))
            return

        def keep(tx: Tx, row: CallRecording) -> None:
            recordings.fetched(tx, row, file, doubt)
            if row.kind == recordings.VOICEMAIL:
                voicemails.fetched(tx, row)

        self._note(recording.id, keep)

    def _note(self, recording_id: int, verb: Callable[[Tx, CallRecording], None]) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            verb(tx, tx.session.get_one(CallRecording, recording_id))

    def _sweep(self) -> None:
        """Erase what has been kept long enough; messages left for us are part of their ticket and stay as long as it does."""
        now = self._desk.clock.monotonic()
        if now < self._sweep_at:
            return
        with self._desk.store.read() as reading:
            kept_days = voice_policy(reading).recordings_kept_days
            query = select(CallRecording.id).where(
                CallRecording.attachment_id.is_not(None),
                CallRecording.started_at < self._desk.clock.now() - timedelta(days=kept_days),
                CallRecording.kind == recordings.CALL,
                ~belongs_to_case(CallRecording.call_id),
            )
            over = list(reading.scalars(query.order_by(CallRecording.started_at).limit(BATCH)))
        for recording_id in over:
            with self._desk.store.tx(SYSTEM) as tx:
                sha256 = recordings.erase(tx, tx.session.get_one(CallRecording, recording_id))
                if sha256:
                    # Before the commit: should we die in between, the row still asks for it and the next sweep comes back.
                    self._desk.files.remove(sha256)
        self._sweep_at = now if len(over) == BATCH else now + SWEEP_S


def doubt_of(path: Path, file: KeptFile, duration_s: int | None) -> str:
    """Why this may not be the whole recording; empty when it is. Only of WAV the length shows."""
    if file.size == 0:
        return "The file is empty."
    if file.content_type != "audio/wav":
        return ""
    with path.open("rb") as sound:
        seconds = wav_seconds(sound.read(4096), file.size)
    if seconds is None:
        return "The file ends before its sound does."
    if duration_s is not None and seconds < duration_s - SLACK_S:
        return f"It lasts {seconds:.0f} s and should last {duration_s} s."
    return ""


def wav_seconds(head: bytes, size: int) -> float | None:
    """How long a WAV of `size` bytes that begins with `head` lasts; None when it is cut off or has no sound near its start."""
    at, per_second = 12, 0
    while at + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and at + 20 <= len(head):
            per_second = struct.unpack_from("<I", head, at + 16)[0]
        if name == b"data":
            there = size - at - 8
            return None if not per_second or there < length else length / per_second
        at += 8 + length + length % 2
    return None
