"""How long a sound lasts, from its own bytes."""

from __future__ import annotations

import io
import wave

import pytest

from channels.voice.sound_length import seconds_of

FRAMES = {  # four bytes that begin a frame (layer III), and its bytes in a second
    "MPEG 1, 128 kbit/s": (b"\xff\xfb\x90\x00", 16_000),
    "MPEG 1 with a checksum, 64 kbit/s": (b"\xff\xfa\x50\x00", 8_000),
    "MPEG 2, 64 kbit/s": (b"\xff\xf3\x80\x00", 8_000),
    "MPEG 2.5, 8 kbit/s": (b"\xff\xe3\x10\x00", 1_000),
}


def wav(seconds, rate=8000, width=1):
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(b"\x80" * 2 * width * rate * seconds)
    return held.getvalue()


@pytest.mark.parametrize(("rate", "width"), [(8000, 1), (44_100, 2)])
def test_a_wav_says_it_itself(rate, width):
    assert seconds_of(wav(3, rate, width)) == 3


@pytest.mark.parametrize(("head", "per_second"), FRAMES.values(), ids=FRAMES)
def test_an_mp3_lasts_as_long_as_its_rate_makes_it(head, per_second):
    sound = head + b"\x00" * (12 * per_second - 4)
    assert seconds_of(sound) == 12
    # A tag before it may hold anything; its length has seven bits in each byte.
    assert seconds_of(b"ID3\x03\x00\x00\x00\x00\x01\x48" + b"\xff" * 200 + sound) == pytest.approx(12, abs=0.3)


@pytest.mark.parametrize(
    "junk", [b"", b"\xff", b"ID3", b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f", b"\xff\xfb\xf0\x00" * 9, b"RIFF" * 20, b"a" * 99]
)
def test_what_is_no_sound_has_no_length(junk):
    assert seconds_of(junk) is None
