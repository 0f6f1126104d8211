"""Menus tried out before callers hear them: what each says, and a walk through them key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from desk.queries.calls.menus import menu_texts
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.calls.voice_texts import address_of, company, spoken
from desk.voice_texts import LANGUAGES
from routing.call_flow import QUEUE, Flow, menus_of, start_of
from routing.ivr import AUDIO, Menu, Position, Say, step

MOST_KEYS = 40
NO_RECORDING = "9"


@dataclass(frozen=True)
class Line:
    """Something heard: in `lang` the `text`, or the audio at the address `audio`; or the key that the caller pressed."""

    lang: str = ""
    text: str = ""
    audio: str = ""
    key: str | None = None


@dataclass(frozen=True)
class Walk:
    """The keys pressed so far and all that was heard; `chosen` says where the caller has come to, when they have."""

    keys: tuple[str, ...]
    lines: tuple[Line, ...]
    chosen: Mapping[str, str]
    done: bool


def heard(session: Session, base_url: str, flow: Flow) -> dict[str, dict[str, list[Line]]]:
    """By menu and language, what callers hear; the language menu first if there is one."""
    menus = _menus(session, flow)
    order = [*(["language"] if "language" in menus else []), *(menu.key for menu in flow.menus)]
    return {
        key: {lang: _lines(session, base_url, step(menus, Position(key, {"language": lang}), None).say) for lang in LANGUAGES}
        for key in order
    }


def walk(session: Session, base_url: str, flow: Flow, keys: Sequence[str], locale: str = "") -> Walk:
    """Press these keys one after the other ("" is silence). What comes after the end of the way is not pressed."""
    menus = _menus(session, flow)
    taken = step(menus, start_of(flow, locale), None)
    lines, pressed = _lines(session, base_url, taken.say), []
    asked = False  # whether the notice of the recording is waiting for its key
    for key in keys[:MOST_KEYS]:
        if taken.done and not asked:
            break
        pressed.append(key)
        lines.append(Line(key=key))
        if asked:
            text = "not_recorded" if key == NO_RECORDING else "recorded" if key else ""
            lines += _texts(session, base_url, text, taken.position) if text else []
            asked = False
            break
        taken = step(menus, taken.position, key)
        lines += _lines(session, base_url, taken.say)
        asked = taken.done and taken.position.chosen.get("do") == QUEUE and voice_policy(session).recording
        if asked:
            lines += _texts(session, base_url, "recording", taken.position)
    done = taken.done and not asked
    return Walk(tuple(pressed), tuple(lines), taken.position.chosen if done else {}, done)


def _menus(session: Session, flow: Flow) -> dict[str, Menu]:
    return menus_of(flow, menu_texts(session, {lang: company(session, lang) for lang in LANGUAGES}))


def _texts(session: Session, base_url: str, key: str, position: Position) -> list[Line]:
    said = spoken(session, base_url, key, position.chosen.get("language", ""))
    return [Line(audio=text) if lang == "play" else Line(lang, text) for lang, text in said]


def _lines(session: Session, base_url: str, say: Say) -> list[Line]:
    return [
        Line(audio=address_of(session, base_url, int(text))) if lang == AUDIO else Line(lang, text) for lang, text in say if text
    ]
