"""The status page of a complaint: how far it is, what is promised, what we need, and a place to add and to answer.

Whoever has the address has the complaint: the key in it is the proof, so that these forms need no cookie beside it.
"""

from __future__ import annotations

import secrets

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from desk.actions.complaints import complainant
from desk.actions.complaints.letters import by_code, mail_status_link
from desk.errors import Conflict, Invalid, NotFound
from desk.events import Actor
from desk.http.context import installation, keep_uploads, reading, writing
from desk.http.guard import public, signed
from desk.http.problems import say
from desk.queries.complaints.complaints import complaint_by_key, latest_letter, status_view
from desk.sentences import N_
from desk.web.complaints.file import kept_letter, kept_pdf
from desk.web.public.complaints import locale_of, unlisted
from desk.web.public.rate import limit
from desk.web.public.reader import in_language_of, language

pages = Blueprint("track", __name__)


@pages.get("/track")
@public
def ask() -> str:
    return render_template("track/ask.html", sent=False, number=request.args.get("number", ""))


@pages.post("/track")
@public
def send_link() -> str | Response:
    """The same answer whether or not there is such a complaint; the link goes to the address we have, never to the screen.

    Only whoever gave no name has a code, which opens the page as the link does.
    """
    limit("track", "20 per 10 minutes")
    number, contact = request.form.get("number", "").strip()[:40], request.form.get("contact", "").strip()[:254]
    if number and contact:
        limit("track number", "5 per hour", who=number)
        with writing(Actor("customer", None, "visitor")) as tx:
            mail_status_link(tx, number, contact)
            opened = by_code(tx, number, contact)
        if opened is not None:
            return unlisted(redirect(url_for("track.status", key=opened.access_key), 303))
    return render_template("track/ask.html", sent=bool(number and contact), number=number, incomplete=not (number and contact))


@pages.get("/track/<key>")
@signed
@in_language_of(locale_of)
def status(key: str) -> tuple[Response, int]:
    return _page(key)


@pages.get("/track/<key>/letter")
@signed
@in_language_of(locale_of)
def letter(key: str) -> Response:
    """The latest decision's letter, exactly as it was sent."""
    with reading() as session:
        return kept_letter(latest_letter(session, complaint_by_key(session, key)))


@pages.get("/track/<key>/letter.pdf")
@signed
@in_language_of(locale_of)
def letter_pdf(key: str) -> Response:
    """The same letter as a file."""
    with reading() as session:
        decision = latest_letter(session, complaint_by_key(session, key))
    if decision.pdf is None:
        raise NotFound("There is no such letter.")
    return kept_pdf(decision.pdf, "decision.pdf")


@pages.post("/track/<key>/add")
@signed
@in_language_of(locale_of)
def add(key: str) -> tuple[Response, int] | Response:
    """Words or files from the complainant."""
    limit("addition", "30 per 10 minutes", who=key)
    text = request.form.get("text", "").strip()
    try:
        files = keep_uploads()
        with writing(_writer()) as tx:
            complainant.adds(tx, complaint_by_key(tx.session, key), text, files, token=_token())
    except Invalid as wrong:
        fields = {name: gettext(sentence) for name, sentence in wrong.fields.items()}
        return _page(key, errors=fields or {"files": say(wrong)}, text=text, status=422)
    except Conflict as gone:
        return _page(key, errors={"text": say(gone)}, text=text, status=409)
    return _back(key, gettext("Thank you. It is with your complaint, and whoever handles it has been told."))


@pages.post("/track/<key>/answer")
@signed
@in_language_of(locale_of)
def answer(key: str) -> tuple[Response, int] | Response:
    """Whether the matter is settled."""
    limit("answer", "30 per 10 minutes", who=key)
    text, settled = request.form.get("text", "").strip(), request.form.get("settled", "")
    try:
        if settled not in ("yes", "no"):
            raise Invalid("Please choose an answer.", {"settled": N_("Please choose an answer.")})
        with writing(_writer()) as tx:
            complainant.answers(tx, complaint_by_key(tx.session, key), settled == "yes", text, token=_token())
    except Invalid as wrong:
        fields = {"answer-" + name: gettext(sentence) for name, sentence in wrong.fields.items()}
        return _page(key, errors=fields, answer=text, settled=settled, status=422)
    except Conflict as gone:
        return _page(key, errors={"answer-text": say(gone)}, answer=text, settled=settled, status=409)
    if settled == "yes":
        return _back(key, gettext("Thank you. We have closed your complaint."))
    return _back(key, gettext("Thank you for telling us. Somebody else looks at it again now."))


@pages.record_once
def _without_cookie(state: object) -> None:
    """The key in the address is what another site cannot know; it stands in for the token in a cookie."""
    csrf: CSRFProtect = state.app.extensions["csrf"]  # type: ignore[attr-defined]
    csrf.exempt(add)
    csrf.exempt(answer)


def _page(
    key: str, *, errors: dict[str, str] | None = None, text: str = "", answer: str = "", settled: str = "", status: int = 200
) -> tuple[Response, int]:
    with reading() as session:
        try:
            complaint = complaint_by_key(session, key)
        except NotFound:
            return unlisted(current_app.make_response(render_template("track/unknown.html", locale=language()))), 404
        view = status_view(session, complaint, language(), now=installation().clock.now())
    page = render_template(
        "track/status.html",
        locale=language(),
        view=view,
        key=key,
        token=secrets.token_urlsafe(16),
        errors=errors or {},
        text=text,
        answer=answer,
        settled=settled,
        mail_address=installation().settings.mail_from,
    )
    return unlisted(current_app.make_response(page)), status


def _back(key: str, thanks: str) -> Response:
    flash(thanks, "good")
    return unlisted(redirect(url_for("track.status", key=key), 303))


def _writer() -> Actor:
    return Actor("customer", None, "customer")


def _token() -> str:
    """Names one filling of a form, so that sending it twice adds its words once."""
    token = request.form.get("token", "")
    return token if 16 <= len(token) <= 64 else secrets.token_urlsafe(16)
