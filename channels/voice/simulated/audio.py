"""How long an audio file lasts, as far as its first bytes tell."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.sound_length import seconds_of

# Spoken prompts are kept at about this rate when the file itself does not say.
_BYTES_PER_S = 8000


def audio_length(url: str, get: Callable[[str], tuple[str, bytes]]) -> float | None:
    """Seconds of the audio at `url`, or None when there is no audio."""
    try:
        kind, content = get(url)
    except OSError:
        return None
    if not kind.startswith("audio/") or not content:
        return None
    return seconds_of(content) or len(content) / _BYTES_PER_S
