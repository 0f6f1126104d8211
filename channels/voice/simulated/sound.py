"""What a line sounds like on a recording: a tone for each speaker, silence where nobody is heard, in true time.

Nobody speaks into a simulated telephone. So that a recording can be played and looked at all the same, each speaker has a pitch:
short pulses while they are on the line, one long tone while words of theirs are passed on.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

RATE = 8000
CONTENT_TYPE = "audio/x-wav"
# A recording keeps at most this many stretches of sound, and is at most this long.
_MOST_SPANS = 4000
_LONGEST_S = 4 * 3600
_PULSE_S, _EVERY_S = 0.25, 2.0
_LOUDNESS = 6000
_PITCHES = (220, 330, 440, 550, 660, 770)
ON_THE_LINE, SPEAKING, RECORDED_VOICE = "on the line", "speaking", "recorded voice"


@dataclass
class Span:
    """Somebody is on this channel from `start` to `end` (seconds from the start of the recording; None: still)."""

    start: float
    channel: int
    pitch: int
    kind: str
    end: float | None = None


@dataclass
class Sound:
    """The sound of one recording while it grows. `channels` is 2 (the leg itself, everybody else) or 1 (a voicemail)."""

    channels: int
    spans: list[Span] = field(default_factory=list)
    pauses: list[list[float | None]] = field(default_factory=list)

    def begin(self, who: str, channel: int, at: float, kind: str = ON_THE_LINE) -> Span | None:
        """Somebody can be heard from now on; None when the recording holds too much already."""
        if len(self.spans) >= _MOST_SPANS:
            return None
        span = Span(at, min(channel, self.channels - 1), pitch_of(who), kind)
        self.spans.append(span)
        return span

    def add(self, who: str, channel: int, at: float, seconds: float, kind: str = SPEAKING) -> None:
        """Somebody speaks for so long."""
        span = self.begin(who, channel, at, kind)
        if span is not None:
            span.end = at + seconds

    def pause(self, at: float) -> None:
        self.pauses.append([at, None])

    def resume(self, at: float) -> None:
        if self.pauses and self.pauses[-1][1] is None:
            self.pauses[-1][1] = at

    def close(self, at: float) -> None:
        """The recording has ended: nothing reaches beyond."""
        self.resume(at)
        for span in self.spans:
            span.end = at if span.end is None else min(span.end, at)

    def silent(self) -> bool:
        """Whether nobody said a word."""
        return not any(span.kind != ON_THE_LINE for span in self.spans)

    def wav(self, seconds: float) -> Iterator[bytes]:
        """The recording as a WAV file (8 kHz, 16 bit), in pieces of a second."""
        length = max(0, min(round(seconds * RATE), _LONGEST_S * RATE))
        yield _header(length, self.channels)
        for first in range(0, length, RATE):
            yield self._second(first / RATE, min(RATE, length - first))

    def _second(self, start: float, frames: int) -> bytes:
        tracks = [array("h", bytes(2 * frames)) for _ in range(self.channels)]
        for span in self.spans:
            for begin, end in _sounding(span, start, start + frames / RATE):
                _lay(tracks[span.channel], _wave(span.pitch), begin - start, end - start)
        for began, ended in self.pauses:
            for track in tracks:
                _lay(track, _SILENCE, (began or 0.0) - start, (ended if ended is not None else start + 1) - start)
        mixed = array("h", bytes(2 * frames * self.channels))
        for number, track in enumerate(tracks):
            mixed[number :: self.channels] = track
        return mixed.tobytes()


def pitch_of(who: str) -> int:
    """The pitch by which a speaker can be told on a recording, in Hz."""
    return _PITCHES[sum(who.encode()) % len(_PITCHES)]


def _sounding(span: Span, start: float, end: float) -> Iterator[tuple[float, float]]:
    """The parts of a stretch between two moments in which something sounds."""
    begin, until = max(span.start, start), min(end if span.end is None else span.end, end)
    if begin >= until:
        return
    if span.kind != ON_THE_LINE:
        yield begin, until
        return
    # Speakers of different pitch pulse at different moments.
    shift = _PITCHES.index(span.pitch) * _EVERY_S / len(_PITCHES)
    pulse = math.floor((begin - shift) / _EVERY_S) * _EVERY_S + shift
    while pulse < until:
        part = max(begin, pulse), min(until, pulse + _PULSE_S)
        if part[0] < part[1]:
            yield part
        pulse += _EVERY_S


def _lay(track: array[int], wave: array[int], begin: float, end: float) -> None:
    first, last = max(0, round(begin * RATE)), min(len(track), round(end * RATE))
    if first < last:
        track[first:last] = wave[first:last]


def _wave(pitch: int) -> array[int]:
    """A second of one pitch; whole numbers of Hz, so that seconds join without a click."""
    if pitch not in _waves:
        _waves[pitch] = array("h", (round(_LOUDNESS * math.sin(2 * math.pi * pitch * n / RATE)) for n in range(RATE)))
    return _waves[pitch]


_waves: dict[int, array[int]] = {}
_SILENCE = array("h", bytes(2 * RATE))


def _header(frames: int, channels: int) -> bytes:
    size = frames * channels * 2
    form = struct.pack("<HHIIHH", 1, channels, RATE, RATE * channels * 2, channels * 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", len(form)) + form
    return head + struct.pack("<4sI", b"data", size)
