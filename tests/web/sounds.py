"""Sound as a file, for pages that take it."""

from __future__ import annotations

import io
import wave


def pcm(seconds: int) -> bytes:
    """Silence of so many seconds, as WAV."""
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 8000 * seconds)
    return held.getvalue()
