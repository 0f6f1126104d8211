"""How long a sound file lasts, read from its own bytes."""

from __future__ import annotations

import struct

_MPEG_1, _MPEG_2 = 0b11, (0b10, 0b00)  # the latter: 2 and 2.5
_LAYER_3 = 0b01
# kbit/s by the number in a frame's head (ISO 11172-3 table 3-B.2, ISO 13818-3); 0 and 15 say nothing.
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)


def seconds_of(content: bytes) -> float | None:
    """Seconds of a WAV or MP3 file; None of what is neither. An MP3 of changing rate is reckoned by its first frame."""
    return wav_seconds(content) or _mp3_seconds(content)


def wav_seconds(content: bytes) -> float | None:
    """Seconds of a WAV file, or None when it is none."""
    if len(content) < 44 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return None
    at, per_second = 12, 0
    while at + 8 <= len(content):
        name, size = content[at : at + 4], struct.unpack_from("<I", content, at + 4)[0]
        if name == b"fmt " and at + 20 <= len(content):
            per_second = struct.unpack_from("<I", content, at + 16)[0]
        if name == b"data":
            return size / per_second if per_second else None
        at += 8 + size + size % 2
    return None


def _mp3_seconds(content: bytes) -> float | None:
    at = _after_tag(content)
    while 0 <= at < len(content) - 4:
        version, layer = content[at + 1] >> 3 & 0b11, content[at + 1] >> 1 & 0b11
        if content[at + 1] & 0xE0 == 0xE0 and layer == _LAYER_3 and (version == _MPEG_1 or version in _MPEG_2):
            rate = (_RATES_1 if version == _MPEG_1 else _RATES_2)[content[at + 2] >> 4]
            if rate:
                return (len(content) - at) / (rate * 125)
        at = content.find(b"\xff", at + 1)
    return None


def _after_tag(content: bytes) -> int:
    """Where the sound may begin: behind an ID3v2 tag, whose length has seven bits in each byte."""
    at = 0
    if content[:3] == b"ID3" and len(content) >= 10:
        size = content[6:10]
        at = 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    return content.find(b"\xff", at)
