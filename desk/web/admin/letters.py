"""Letters: the texts of what the desk writes by itself, in both languages, seen as the customer would get them before saving."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.editing import fingerprint
from desk.actions.mail.letters import LONGEST_SUBJECT, set_letter
from desk.errors import Conflict, Invalid, NotFound
from desk.http.context import is_fragment, reading, writing
from desk.http.guard import needs
from desk.letter_texts import EXAMPLES, LANGUAGES, LETTERS, NEEDED, filled, has_subject, places_of
from desk.queries.mail.letters import Texts, all_letters, as_kept, texts_of
from desk.queries.work.queues import last_change
from desk.web.admin.page import field_errors, page
from desk.web.public.reader import language

pages = Blueprint("admin_letters", __name__, url_prefix="/admin/letters")

NAMES = {
    "received": lazy_gettext("Receipt of a message"),
    "reminder": lazy_gettext("The customer was asked and has not answered"),
    "acknowledgement": lazy_gettext("Receipt of a complaint"),
    "decision": lazy_gettext("Decision on a complaint"),
    "follow_up": lazy_gettext("Is the complaint settled?"),
    "notice": lazy_gettext("News on what many complain of"),
    "holding": lazy_gettext("No decision yet at the end of the time"),
    "extension": lazy_gettext("More time for a complaint"),
    "paused": lazy_gettext("A complaint waits for something"),
    "summary": lazy_gettext("A complaint settled on the spot"),
    "not_reached": lazy_gettext("We could not reach you"),
    "status_link": lazy_gettext("Link to follow a complaint"),
    "retyped": lazy_gettext("No complaint after all"),
    "survey": lazy_gettext("Question sheet by mail"),
    "survey_reminder": lazy_gettext("Question sheet by mail, the one reminder"),
    "survey_line": lazy_gettext("Question sheet in a chat"),
    "chat_transcript": lazy_gettext("What was said in a chat"),
}
PLACES = {
    "number": lazy_gettext("Number of the ticket"),
    "subject": lazy_gettext("What it is about"),
    "decide_by": lazy_gettext("The day of the answer at the latest"),
    "statement": lazy_gettext("What the customer complained of"),
    "link": lazy_gettext("The customer’s own link"),
    "received": lazy_gettext("The day it came in"),
    "reason": lazy_gettext("Why it takes longer, or what is new"),
    "outcome": lazy_gettext("The decision in one sentence"),
    "decision": lazy_gettext("The reasons"),
    "rights": lazy_gettext("Where the customer may go further"),
    "leave": lazy_gettext("Link to get no more question sheets"),
    "conversation": lazy_gettext("What both have said"),
}


@pages.get("")
@needs(Right.READ_SETTINGS)
def letters() -> str:
    with reading() as session:
        return page("admin/letters.html", letters=all_letters(session), names=NAMES, reader=language())


@pages.get("/<key>")
@needs(Right.READ_SETTINGS)
def letter(key: str) -> str:
    with reading() as session:
        return _page(key, texts_of(session, _known(key)))


@pages.post("/<key>")
@needs(Right.ADMINISTER)
def set_one(key: str) -> Response | tuple[str, int]:
    typed, was = _typed(_known(key)), request.form.get("seen", "")
    try:
        with writing() as tx:
            set_letter(tx, key, typed, seen=was)
    except Invalid as wrong:
        return _page(key, typed, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _page(key, typed, conflict=True), wrong.status
    flash(gettext("Saved. The next letter is written so."), "good")
    return redirect(url_for("admin_letters.letter", key=key), 303)


@pages.post("/<key>/reset")
@needs(Right.ADMINISTER)
def reset(key: str) -> Response:
    with writing() as tx:
        set_letter(tx, _known(key), LETTERS[key])
    flash(gettext("The built-in text is back."), "good")
    return redirect(url_for("admin_letters.letter", key=key), 303)


@pages.post("/<key>/draft")
@needs(Right.ADMINISTER)
def draft(key: str) -> str:
    """What the customer would get by what is being typed. Nothing is saved."""
    typed = _typed(_known(key))
    if not is_fragment():
        return _page(key, typed, seen_as=request.form.get("seen", ""))
    return page("admin/_letter_preview.html", preview=_preview(typed))


def _known(key: str) -> str:
    if key not in LETTERS:
        raise NotFound("There is no such letter.")
    return key


def _typed(key: str) -> Texts:
    form = request.form
    return {
        lang: (form.get(f"{lang}.subject", "") if has_subject(key) else "", form.get(f"{lang}.text", "")) for lang in LANGUAGES
    }


def _preview(texts: Texts) -> dict[str, tuple[str, str]]:
    return {lang: tuple(filled(part, EXAMPLES[lang]) for part in texts[lang]) for lang in LANGUAGES}  # type: ignore[misc]


def _page(key: str, texts: Texts, *, errors: dict[str, str] | None = None, conflict: bool = False, seen_as: str = "") -> str:
    with reading() as session:
        now = texts_of(session, key)
        kept, mine = as_kept(now), as_kept(texts)
        apart = [(field, mine[field], kept[field]) for field in kept if kept[field] != mine[field]] if conflict else []
        changed = last_change(session, "letter.changed", lambda event: event.data.get("letter") == key)
    return page(
        "admin/letter.html",
        key=key,
        name=NAMES[key],
        texts=texts,
        preview=_preview(texts),
        is_own=kept != as_kept(LETTERS[key]),
        places=[(each, PLACES[each], each in NEEDED[key]) for each in places_of(key)],
        has_subject=has_subject(key),
        longest=LONGEST_SUBJECT,
        languages=LANGUAGES,
        seen=seen_as or fingerprint(kept),
        errors=errors or {},
        conflict=conflict,
        others=apart,
        by=changed,
    )
