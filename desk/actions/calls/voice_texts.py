"""Writing what callers hear otherwise, uploading audio in place of words, and the rules for calls."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import phonenumbers

from channels.voice.sound_length import seconds_of
from desk.actions.editing import check_same, differences, fingerprint
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import Attachment, Setting, VoiceAudio
from desk.queries.calls.voice_policy import SETTING, VoicePolicy, voice_policy
from desk.queries.calls.voice_texts import VoiceText, as_kept, built_in, setting_of, text_of
from desk.sentences import N_
from desk.store import Tx
from desk.voice_texts import LANGUAGES, TEXTS, needs_words, places_in, places_of

LONGEST_TEXT = 800
LARGEST_AUDIO = 5 * 1024 * 1024
AUDIO_TYPES = ("audio/wav", "audio/mpeg")
MUSIC_S = (10, 300)  # after each playing callers hear their place again
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def set_text(tx: Tx, key: str, words: Mapping[str, str], audio: Mapping[str, int], *, seen: str | None = None) -> bool:
    """Write a text otherwise in both languages, or have audio played instead. The built-in text again is a reset.

    False when nothing was different. Raises `Invalid` with the fields that are wrong ("zh"), `Conflict` when somebody else was
    quicker than whoever saw `seen`.
    """
    row = tx.session.get(Setting, setting_of(key), with_for_update=True)
    old = as_kept(text_of(tx.session, key))
    check_same(old, seen)
    text = VoiceText({lang: _lines(words[lang]) for lang in LANGUAGES}, {lang: audio.get(lang, 0) for lang in LANGUAGES})
    wrong = dict(_wrong(tx, key, text))
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    new = as_kept(text)
    data = differences(old, new)
    if not data:
        return False
    if new == as_kept(built_in(key)):
        tx.session.delete(row)
    elif row is None:
        tx.session.add(Setting(key=setting_of(key), value=new))
    else:
        row.value = new
    tx.emit("voice.text_set", data={"text": key, "version": fingerprint(new), **data})
    return True


def add_audio(tx: Tx, file: KeptFile) -> VoiceAudio:
    """Make a stored file playable on calls. Raises `Invalid` when it is neither WAV nor MP3, or too large."""
    check_audio(file)
    attachment = Attachment(
        sha256=file.sha256, name=file.name, content_type=file.content_type, claimed_type=file.claimed_type, size=file.size,
        created_at=tx.now,
    )  # fmt: skip
    tx.session.add(attachment)
    tx.session.flush()
    audio = VoiceAudio(token=secrets.token_urlsafe(24), attachment_id=attachment.id, created_at=tx.now)
    tx.session.add(audio)
    tx.session.flush()
    tx.emit("voice.audio_added", data={"audio": audio.id, "name": file.name, "size": file.size})
    return audio


def check_audio(file: KeptFile) -> None:
    """Raises `Invalid` for what callers could not be played."""
    if file.content_type not in AUDIO_TYPES:
        raise Invalid("Only WAV and MP3 files can be played to callers.")
    if not 0 < file.size <= LARGEST_AUDIO:
        raise Invalid("An audio file has at most 5 MB.")


def check_music(file: KeptFile, content: bytes) -> None:
    """Raises `Invalid` for what nobody should hear again and again while they wait."""
    check_audio(file)
    least, most = MUSIC_S
    if not least <= (seconds_of(content) or 0) <= most:
        raise Invalid("Music for who waits lasts from ten seconds to five minutes.")


def set_policy(tx: Tx, new: VoicePolicy, *, seen: str | None = None) -> bool:
    """Set the rules for calls; they hold from the next step of every call on. False when nothing was different."""
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    old = voice_policy(tx.session).to_dict()
    check_same(old, seen)
    new = replace(new, emergency_number=new.emergency_number.strip())
    wrong = dict(_wrong_rules(new))
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    data = differences(old, new.to_dict())
    if not data:
        return False
    if row is None:
        tx.session.add(Setting(key=SETTING, value=new.to_dict()))
    else:
        row.value = new.to_dict()
    tx.emit("voice.rules_set", data=data)
    return True


def phone_number(number: str, region: str = "CN") -> str:
    """The number in E.164. Raises `Invalid` for what is none."""
    try:
        parsed = phonenumbers.parse(number.strip(), region)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise Invalid("Write a phone number with its country, such as +862155501234.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


RANGES: Mapping[str, tuple[int, int]] = {
    "pause_s": (10, 600),
    "wrap_up_prompt_s": (10, 600),
    "callback_from_s": (0, 3600),
    "voicemail_max_s": (10, 600),
    "queue_limit": (1, 1000),
    "recordings_kept_days": (1, 3650),
}


def _wrong_rules(rules: VoicePolicy) -> Iterator[tuple[str, str]]:
    values: dict[str, Any] = rules.to_dict()
    for name, (least, most) in RANGES.items():
        if not least <= values[name] <= most:
            yield name, N_("This number is out of bounds.")
    if not all(_TIME.fullmatch(time) for time in rules.callback_hours) or rules.callback_hours[0] >= rules.callback_hours[1]:
        yield "callback_hours", N_("Write two times in order, such as 08:00 and 21:00.")
    if rules.emergency_number and not re.fullmatch(r"\+?\d{2,15}", rules.emergency_number):
        yield "emergency_number", N_("An emergency number has digits only, such as 112.")


def _wrong(tx: Tx, key: str, text: VoiceText) -> Iterator[tuple[str, str]]:
    """Each field that is wrong, with the sentence that says why; one for each field."""
    known = set(places_of(key))
    for lang in LANGUAGES:
        words = text.words[lang]
        if not words or len(words) > LONGEST_TEXT:
            yield lang, N_("Write a text of at most 800 characters.")
        elif not places_in(words) <= known or words.count("{") != words.count("}") or _stray(words):
            yield lang, N_("There is a name in braces that this text does not know.")
        elif not _needed(key, lang) <= places_in(words):
            yield lang, N_("A name in braces is missing that this text cannot do without.")
        if not text.audio[lang]:
            continue
        if needs_words(key):
            yield f"{lang}.audio", N_("This text says something that is different each time, which no recording can say.")
        elif tx.session.get(VoiceAudio, text.audio[lang]) is None:
            yield f"{lang}.audio", N_("This audio is not there any more.")


def _needed(key: str, lang: str) -> set[str]:
    return places_in(TEXTS[key][lang]) - {"company"}


def _stray(words: str) -> bool:
    """A brace that belongs to no name would be read out."""
    return any(brace in re.sub(r"\{[a-z_]+\}", "", words) for brace in "{}")


def _lines(text: str) -> str:
    return " ".join(text.split())
