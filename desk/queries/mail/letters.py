"""The letters that the desk writes by itself, as they are now: built in, or as an administrator wrote them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.letter_texts import LANGUAGES, LETTERS
from desk.models import Setting

Texts = Mapping[str, tuple[str, str]]  # language to subject and text


def setting_of(kind: str) -> str:
    """Under which name the texts of a letter are kept when they are not the built-in ones."""
    return f"letter.{kind}"


def as_kept(texts: Texts) -> dict[str, str]:
    """One field for each part, as events and forms name them."""
    return {f"{language}.{part}": texts[language][at] for language in LANGUAGES for at, part in enumerate(("subject", "text"))}


def texts_of(session: Session, kind: str) -> Texts:
    """A letter in both languages."""
    row = session.get(Setting, setting_of(kind))
    return _read(row.value) if row is not None else LETTERS[kind]


def all_letters(session: Session) -> dict[str, tuple[Texts, bool]]:
    """Every letter, and whether somebody has written it otherwise than it is built in."""
    kept = select(Setting).where(Setting.key.in_([setting_of(kind) for kind in LETTERS]))
    own = {row.key: _read(row.value) for row in session.scalars(kept)}
    return {kind: (own.get(setting_of(kind), LETTERS[kind]), setting_of(kind) in own) for kind in LETTERS}


def _read(kept: Mapping[str, str]) -> Texts:
    return {language: (kept[f"{language}.subject"], kept[f"{language}.text"]) for language in LANGUAGES}
