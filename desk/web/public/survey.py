"""The question sheet behind the link in a mail or a chat: two questions and room for a comment.

Opening it records nothing (mail scanners open links too), only sending it does. The key in the address is the proof.
"""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.actions.surveys.marks import is_low
from desk.actions.surveys.surveys import answer_survey, decline, takes_answer, welcome_again
from desk.errors import Conflict, Invalid, NotFound
from desk.events import Actor
from desk.http.context import installation, reading, writing
from desk.http.guard import signed
from desk.http.incoming import whole
from desk.models import Customer, Survey, Ticket
from desk.models.survey import SCALES
from desk.queries.surveys.rules import survey_rules
from desk.queries.surveys.surveys import survey_by_key
from desk.queries.surveys.themes import told_lately
from desk.web.public.complaints import unlisted
from desk.web.public.rate import limit
from desk.web.public.reader import in_language_of, language

pages = Blueprint("survey", __name__)


def _locale_of(session: Session, key: str) -> str:
    survey = session.scalar(select(Survey).where(Survey.access_key == key))
    return session.get_one(Ticket, survey.ticket_id).locale if survey else ""


@pages.get("/survey/<key>")
@signed
@in_language_of(_locale_of)
def sheet(key: str) -> tuple[Response, int]:
    return _page(key)


@pages.post("/survey/<key>")
@signed
@in_language_of(_locale_of)
def answer(key: str) -> tuple[Response, int] | Response:
    limit("survey", "30 per 10 minutes", who=key)
    filled = {name: request.form.get(name, "") for name in ("score", "expected", "solved", "comment")}
    score, expected = whole(filled["score"]), whole(filled["expected"])
    solved = {"yes": True, "no": False}.get(filled["solved"])
    try:
        with writing(Actor("customer", None, "customer")) as tx:
            survey, _ = survey_by_key(tx.session, key)
            answer_survey(tx, survey, score, solved, filled["comment"], expected=expected)
    except Invalid as wrong:
        return _page(key, filled, {name: gettext(sentence) for name, sentence in wrong.fields.items()}, 422)
    except (Conflict, NotFound):
        return _page(key)
    return redirect(url_for("survey.thanks", key=key), 303)


@pages.get("/survey/<key>/thanks")
@signed
@in_language_of(_locale_of)
def thanks(key: str) -> tuple[Response, int]:
    return _page(key, template="survey/thanks.html")


@pages.get("/survey/<key>/leave")
@signed
@in_language_of(_locale_of)
def leaving(key: str) -> tuple[Response, int]:
    """A page with a button: whatever opens links by itself leaves nothing."""
    return _leave_page(key)


@pages.post("/survey/<key>/leave")
@signed
@in_language_of(_locale_of)
def leave(key: str) -> tuple[Response, int]:
    """The button, or the mail program's own (RFC 8058): no session, and no other page to go to."""
    limit("survey", "30 per 10 minutes", who=key)
    try:
        with writing(Actor("customer", None, "customer")) as tx:
            survey, _ = survey_by_key(tx.session, key)
            (welcome_again if request.form.get("again") else decline)(tx, survey)
    except NotFound:
        pass  # the page says so
    return _leave_page(key)


@pages.record_once
def _without_cookie(state: object) -> None:
    """The key in the address is what another site cannot know; it stands in for the token in a cookie."""
    csrf: CSRFProtect = state.app.extensions["csrf"]  # type: ignore[attr-defined]
    csrf.exempt(answer)
    csrf.exempt(leave)


def _leave_page(key: str) -> tuple[Response, int]:
    return _page(key, template="survey/leave.html")


def _page(
    key: str,
    filled: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
    template: str = "survey/sheet.html",
) -> tuple[Response, int]:
    with reading() as session:
        try:
            survey, ticket = survey_by_key(session, key)
            questions, locale = survey_rules(session).questions, "zh" if language() == "zh" else "en"
            told = told_lately(session, locale)
            declined = session.get_one(Customer, ticket.customer_id).surveys_declined_at is not None
        except NotFound:
            page = render_template("survey/unknown.html", locale=language())
            return unlisted(current_app.make_response(page)), 404
    page = render_template(
        template,
        locale=language(),
        survey=survey,
        ticket=ticket,
        declined=declined,
        told=told,
        low=is_low(survey),
        scale=range(SCALES[survey.kind][0], SCALES[survey.kind][1] + 1),
        question=questions[survey.kind][locale],
        question_before=questions["expected"][locale],
        filled=filled or _answered(survey),
        errors=errors or {},
        is_open=takes_answer(survey, installation().clock.now()),
        mail_address=installation().settings.mail_from,
    )
    return unlisted(current_app.make_response(page)), status


def _answered(survey: Survey) -> dict[str, str]:
    """What the form shows: an earlier answer, to be corrected."""
    solved = {True: "yes", False: "no"}.get(survey.solved, "")  # type: ignore[arg-type]
    score, expected = ("" if each is None else str(each) for each in (survey.score, survey.expected))
    return {"score": score, "expected": expected, "solved": solved, "comment": survey.comment}
