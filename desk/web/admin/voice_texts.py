"""What callers hear: every text in both languages, spoken or as uploaded audio, heard here before it is saved."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls.voice_texts import LONGEST_TEXT, add_audio, check_audio, set_text
from desk.actions.editing import fingerprint
from desk.errors import Conflict, Invalid, NotFound
from desk.files import KeptFile
from desk.http.context import is_fragment, keep_uploads, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.queries.calls.voice_texts import VoiceText, address_of, all_texts, as_kept, built_in, company, text_of
from desk.queries.work.queues import last_change
from desk.voice_texts import EXAMPLES, LANGUAGES, TEXTS, filled, needs_words, places_of
from desk.web.admin.page import field_errors, page
from desk.web.admin.voice_words import TEXT_NAMES, TEXT_PLACES
from desk.web.public.reader import language

pages = Blueprint("admin_voice_texts", __name__, url_prefix="/admin/voice/texts")


@pages.get("")
@needs(Right.READ_SETTINGS)
def texts() -> str:
    with reading() as session:
        return page("admin/voice_texts.html", texts=all_texts(session), names=TEXT_NAMES, reader=language())


@pages.get("/<key>")
@needs(Right.READ_SETTINGS)
def one(key: str) -> str:
    with reading() as session:
        return _page(key, text_of(session, _known(key)))


@pages.post("/<key>")
@needs(Right.ADMINISTER)
def set_one(key: str) -> Response | tuple[str, int]:
    typed, was = _typed(_known(key)), request.form.get("seen", "")
    try:
        files = _uploads()
        with writing() as tx:
            added = {lang: add_audio(tx, file).id for lang, file in files.items()}
            set_text(tx, key, typed.words, {**typed.audio, **added}, seen=was)
    except Invalid as wrong:
        return _page(key, typed, errors=field_errors(wrong, "zh.audio"), seen_as=was), wrong.status
    except Conflict as wrong:
        return _page(key, typed, conflict=True), wrong.status
    flash(gettext("Saved. Callers hear it from now on."), "good")
    return redirect(url_for("admin_voice_texts.one", key=key), 303)


@pages.post("/<key>/reset")
@needs(Right.ADMINISTER)
def reset(key: str) -> Response:
    as_built = built_in(_known(key))
    with writing() as tx:
        set_text(tx, key, as_built.words, as_built.audio)
    flash(gettext("The built-in text is back."), "good")
    return redirect(url_for("admin_voice_texts.one", key=key), 303)


@pages.post("/<key>/draft")
@needs(Right.ADMINISTER)
def draft(key: str) -> str:
    """What callers would hear by what is being typed. Nothing is saved."""
    typed = _typed(_known(key))
    if not is_fragment():
        return _page(key, typed, seen_as=request.form.get("seen", ""))
    with reading() as session:
        names = {lang: company(session, lang) for lang in LANGUAGES}
        audio = {lang: address_of(session, "", typed.audio[lang]) for lang in LANGUAGES}
    return page("admin/_voice_text_preview.html", preview=_preview(typed, names), audio=audio)


def _known(key: str) -> str:
    if key not in TEXTS:
        raise NotFound("There is no such text.")
    return key


def _typed(key: str) -> VoiceText:
    form = request.form
    keeps = {lang: f"{lang}.spoken" not in form and not needs_words(key) for lang in LANGUAGES}
    audio = {lang: (whole(form.get(f"{lang}.audio", "")) or 0) if keeps[lang] else 0 for lang in LANGUAGES}
    return VoiceText({lang: form.get(lang, "").replace("\0", "") for lang in LANGUAGES}, audio)


def _uploads() -> dict[str, KeptFile]:
    found = {lang: keep_uploads(f"{lang}.file") for lang in LANGUAGES}
    files = {lang: kept[0] for lang, kept in found.items() if kept}
    for file in files.values():
        check_audio(file)
    return files


def _preview(text: VoiceText, names: Mapping[str, str]) -> dict[str, str]:
    return {lang: filled(text.words[lang], {**EXAMPLES[lang], "company": names[lang]}) for lang in LANGUAGES}


def _page(key: str, text: VoiceText, *, errors: dict[str, str] | None = None, conflict: bool = False, seen_as: str = "") -> str:
    with reading() as session:
        kept, mine = as_kept(text_of(session, key)), as_kept(text)
        apart = [(field, mine[field], kept[field]) for field in kept if kept[field] != mine[field]] if conflict else []
        changed = last_change(session, "voice.text_set", lambda event: event.data.get("text") == key)
        audio = {lang: address_of(session, "", text.audio[lang]) for lang in LANGUAGES}
        names = {lang: company(session, lang) for lang in LANGUAGES}
    return page(
        "admin/voice_text.html",
        key=key,
        name=TEXT_NAMES.get(key, key),
        text=text,
        audio=audio,
        takes_audio=not needs_words(key),
        preview=_preview(text, names),
        is_own=kept != as_kept(built_in(key)),
        places=[(each, TEXT_PLACES.get(each, each)) for each in places_of(key)],
        languages=LANGUAGES,
        longest=LONGEST_TEXT,
        seen=seen_as or fingerprint(kept),
        errors=errors or {},
        conflict=conflict,
        others=apart,
        by=changed,
    )
