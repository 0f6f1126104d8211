"""What callers hear, as it is now: built in, written otherwise, or uploaded audio in place of the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Setting, VoiceAudio
from desk.voice_texts import LANGUAGES, TEXTS, filled

Prompts = tuple[tuple[str, str], ...]
"""What to say in order: (language, text), or ("play", address)."""

PLAY = "play"
AUDIO_PATH = "/hooks/twilio/voice/audio/"


@dataclass(frozen=True)
class VoiceText:
    """A text in both languages; `audio` has the id of the audio that is played instead, 0 for none."""

    words: Mapping[str, str]
    audio: Mapping[str, int]
    is_own: bool = False


def setting_of(key: str) -> str:
    """Under which name a text is kept when it is not the built-in one."""
    return f"voice.text.{key}"


def built_in(key: str) -> VoiceText:
    """The text as it ships."""
    return VoiceText(TEXTS[key], dict.fromkeys(LANGUAGES, 0))


def as_kept(text: VoiceText) -> dict[str, str | int]:
    """One field for each part, as events and forms name them."""
    return {**{lang: text.words[lang] for lang in LANGUAGES}, **{f"{lang}.audio": text.audio[lang] for lang in LANGUAGES}}


def text_of(session: Session, key: str) -> VoiceText:
    """A text as callers hear it now."""
    row = session.get(Setting, setting_of(key))
    return built_in(key) if row is None else _read(row.value)


def all_texts(session: Session) -> dict[str, VoiceText]:
    """Every text, in the order in which a call comes by them."""
    rows = session.scalars(select(Setting).where(Setting.key.in_([setting_of(key) for key in TEXTS])))
    own = {row.key: _read(row.value) for row in rows}
    return {key: own.get(setting_of(key), built_in(key)) for key in TEXTS}


Value = str | int | Mapping[str, str]
"""What stands for a name in braces; a mapping has its wording in each language."""


def spoken(session: Session, base_url: str, key: str, locale: str = "", **values: Value) -> Prompts:
    """The text in the caller's language, or in both when it is not known, ready for the carrier."""
    text = text_of(session, key)
    languages = (locale,) if locale in LANGUAGES else LANGUAGES
    said = []
    for lang in languages:
        audio = address_of(session, base_url, text.audio[lang])
        said.append((PLAY, audio) if audio else (lang, filled(text.words[lang], _in(session, lang, values))))
    return tuple(said)


def address_of(session: Session, base_url: str, audio_id: int) -> str:
    """Where the carrier fetches this audio; empty for none."""
    audio = session.get(VoiceAudio, audio_id) if audio_id else None
    return "" if audio is None else f"{base_url}{AUDIO_PATH}{audio.token}"


def company(session: Session, lang: str) -> str:
    """What the house is called in this language."""
    row = session.get(Setting, "company")
    names = row.value if row is not None else {}
    return str(names.get(lang) or names.get("en") or "")


def joined(*parts: Iterable[tuple[str, str]]) -> Prompts:
    """Several texts, one after the other within each language: nobody should listen to both languages interleaved."""
    every = [prompt for part in parts for prompt in part]
    played = any(lang == PLAY for lang, _ in every)
    return tuple(every) if played else tuple(sorted(every, key=lambda prompt: LANGUAGES.index(prompt[0])))


def _in(session: Session, lang: str, values: Mapping[str, Value]) -> dict[str, str | int]:
    said = {name: value[lang] if isinstance(value, Mapping) else value for name, value in values.items()}
    return {"company": company(session, lang), **said}


def _read(kept: Mapping[str, str | int]) -> VoiceText:
    return VoiceText(
        {lang: str(kept[lang]) for lang in LANGUAGES},
        {lang: int(kept.get(f"{lang}.audio", 0)) for lang in LANGUAGES},
        is_own=True,
    )
