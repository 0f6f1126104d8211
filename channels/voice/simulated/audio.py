"""How long an audio file lasts, as far as its first bytes tell."""

from __future__ import annotations

import struct
from collections.abc import Callable

# Spoken prompts are kept at about this rate when the file itself does not say (MP3).
_BYTES_PER_S = 8000


def audio_length(url: str, get: Callable[[str], tuple[str, bytes]]) -> float | None:
    """Seconds of the audio at `url`, or None when there is no audio."""
    try:
        kind, content = get(url)
    except OSError:
        return None
    if not kind.startswith("audio/") or not content:
        return None
    return wav_length(content) or len(content) / _BYTES_PER_S


def wav_length(content: bytes) -> float | None:
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
