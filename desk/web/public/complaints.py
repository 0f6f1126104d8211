"""The public complaint form: the promise first, a number at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, astuple

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import force_locale, gettext
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.form import ComplaintForm, read_complaint, to_inbound
from desk.actions.complaints import complaints
from desk.actions.complaints.form import check_form
from desk.actions.complaints.policy import promise
from desk.config import BABEL_LOCALES, LOCALES
from desk.days import day_in_words
from desk.errors import Invalid, NotFound
from desk.events import Actor
from desk.files import KeptFile
from desk.http.context import MAX_FILES, installation, keep_uploads, reading, writing
from desk.http.guard import public, signed
from desk.http.problems import say
from desk.models import Complaint, Queue, Ticket
from desk.models.ticket import CATEGORIES
from desk.queries.complaints.complaints import complaint_by_key, status_view
from desk.web.public.help_centre import note_asked_all_the_same
from desk.web.public.rate import limit
from desk.web.public.reader import in_language_of, language
from knowledge.language import guess

pages = Blueprint("complaints", __name__)


def locale_of(session: Session, key: str) -> str:
    """The language in which this complaint's customer is written to; empty when there is no such complaint."""
    query = select(Ticket.locale).join(Complaint, Complaint.ticket_id == Ticket.id)
    return session.scalar(query.where(Complaint.access_key == key)) or ""


TRAP = "website"  # a field that people do not see and programs fill in


@pages.get("/complaints/new")
@public
def new() -> str:
    return _page(ComplaintForm(token=secrets.token_urlsafe(16)), [], {})


@pages.post("/complaints/new")
@public
def send() -> Response | tuple[str, int]:
    limit("complaint", "200 per 10 minutes")
    with force_locale(BABEL_LOCALES[_locale()]):
        return _send(read_complaint(request.form, language()))


def _send(form: ComplaintForm) -> Response | tuple[str, int]:
    if len(form.token) < 16:
        raise Invalid("This form is incomplete. Load the page again and send it once more.")
    files, errors = _files()
    try:
        check_form(form)
    except Invalid as wrong:
        errors = {name: gettext(sentence) for name, sentence in wrong.fields.items()} | errors
    if request.form.get(TRAP):
        errors[TRAP] = gettext("Please leave this field empty.")
    if errors:
        return _page(form, files, errors), 422
    return redirect(url_for("complaints.received", key=_once(lambda: _file(form, files))), 303)


@pages.get("/complaints/received/<key>")
@signed
@in_language_of(locale_of)
def received(key: str) -> Response:
    with reading() as session:
        complaint = complaint_by_key(session, key)
        view = status_view(session, complaint, language(), now=installation().clock.now())
    link = f"{installation().settings.base_url}/track/{key}"
    response = current_app.make_response(render_template("complaints/received.html", view=view, link=link, locale=language()))
    return unlisted(response)


def unlisted(response: Response) -> Response:
    """For pages whose address is a secret: no search engine lists it, no other site learns it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _file(form: ComplaintForm, files: list[KeptFile]) -> str:
    note_asked_all_the_same()
    with writing(Actor("customer", None, form.name or "visitor")) as tx:
        return complaints.file_complaint(tx, to_inbound(form), form, files).access_key


def _locale() -> str:
    """The language of the page that was filled in; a program that does not say is taken at its words."""
    filled = request.form.get("locale", "")
    return filled if filled in LOCALES else guess(request.form.get("statement", ""))


def _once(act: Callable[[], str]) -> str:
    """A form sent twice at the same moment meets the unique key of its first message; then the first one's complaint is there."""
    try:
        return act()
    except IntegrityError:
        return act()


def _files() -> tuple[list[KeptFile], dict[str, str]]:
    """The files of this sending and of earlier ones that had a mistake elsewhere, so that nobody has to choose them again."""
    try:
        kept = [KeptFile(*each) for each in _sealed().loads(request.form.get("kept", ""))]
    except BadSignature:
        kept = []
    try:
        new = keep_uploads()
    except Invalid as wrong:
        return kept, {"files": say(wrong)}
    if len(kept) + len(new) > MAX_FILES:
        return kept, {"files": gettext("Please attach at most %(count)s files.", count=MAX_FILES)}
    return kept + new, {}


def _page(form: ComplaintForm, files: list[KeptFile], errors: dict[str, str]) -> str:
    locale = language()
    with reading() as session:
        queue = session.scalar(select(Queue).where(Queue.key == complaints.QUEUE_KEY))
        if queue is None:
            raise NotFound("Complaints cannot be taken here yet. Please write or call us.")
        promised = promise(session, queue, installation().clock.now())
    return render_template(
        "complaints/new.html",
        locale=locale,
        form=asdict(form),
        files=files,
        kept=_sealed().dumps([astuple(file) for file in files]) if files else "",
        errors=errors,
        categories=CATEGORIES,
        answer_by=day_in_words(promised.decide_by, promised.zone, locale),
        trap=TRAP,
    )


def _sealed() -> URLSafeSerializer:
    return URLSafeSerializer(installation().secret, salt="complaint files")
