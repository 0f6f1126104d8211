"""What customers answered, for those who supervise; and when they are asked and in which words, for the administration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.editing import fingerprint
from desk.actions.surveys.answers_seen import see_answers
from desk.actions.surveys.rules import rules_from, set_rules, values_of
from desk.errors import Conflict, Invalid
from desk.http.context import is_fragment, me, reading, reckoning, viewer, writing
from desk.http.figure_scope import chosen
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models.survey import KINDS, SCALES
from desk.queries.surveys.results import answers, by_channel, results
from desk.queries.surveys.rules import CHANNELS, NOTHING, QUESTIONS, survey_rules
from desk.queries.work.queues import last_change
from desk.web.admin.page import field_errors, number, page
from desk.web.complaints import learning_words
from desk.web.console import small

pages = Blueprint("survey_pages", __name__)

PAGE = 50
NAMES = {
    "csat": lazy_gettext("Satisfaction (CSAT)"),
    "nps": lazy_gettext("Recommendation (NPS)"),
    "ces": lazy_gettext("Effort (CES)"),
    "index": lazy_gettext("Got against expected (C = b/a)"),
    "expected": lazy_gettext("Expectation, before “got”"),
    "script": lazy_gettext("Follow-up: what is asked on the phone"),
    "none": lazy_gettext("nothing"),
}
FORMULAS = {
    "csat": lazy_gettext("Marks 4 and 5 of 5 ÷ answers."),
    "nps": lazy_gettext("Share of 9 and 10 minus share of 0 to 6, from −100 to 100. It is about us, never about one person."),
    "ces": lazy_gettext("Marks 5 to 7 of 7 ÷ answers."),
    "index": lazy_gettext("Sum of what was got (b) ÷ sum of what was expected (a): below 1 less than expected."),
}


@pages.get("/desk/learning/surveys")
@needs(Right.READ_COMPLAINTS)
def overview() -> str:
    """Each question with its value, how many answered, and how sure that is; then the answers themselves."""
    scope, before = chosen(), request.args.get("before", type=small)
    with reckoning() as session:
        found = {
            "all_channels": results(session, viewer(), scope.since, scope.until),
            "by_channel": by_channel(session, viewer(), scope.since, scope.until),
            "rows": answers(session, viewer(), scope.since, scope.until, before=before, limit=PAGE + 1),
        }
    asked = {name: request.args[name] for name in ("from", "until") if request.args.get(name)}
    template = "learning/_surveys.html" if is_fragment() else "learning/surveys.html"
    words = {"names": NAMES, "formulas": FORMULAS, "scales": SCALES, "words": learning_words.everything()}
    return render_template(template, asked=asked, page=PAGE, is_first=before is None, **words, **found)


@pages.post("/desk/learning/surveys/seen")
@needs(Right.READ_COMPLAINTS)
def see() -> Response:
    """The answers on the page have been read by somebody who supervises; whom they rate reads their words from now on."""
    ids = [found for each in request.form.getlist("survey")[:PAGE] if (found := whole(each)) is not None]
    with writing() as tx:
        see_answers(tx, me(tx), ids)
    flash(gettext("Recorded. Those whom they rate now read the comments, too."), "good")
    return redirect(url_for("complaint_desk.survey_pages.overview"), 303)


@pages.get("/admin/surveys")
@needs(Right.READ_SETTINGS)
def rules() -> str:
    with reading() as session:
        return _rules(values_of(survey_rules(session)))


@pages.post("/admin/surveys")
@needs(Right.ADMINISTER)
def set_all() -> Response | tuple[str, int]:
    typed, was = _typed(), request.form.get("seen", "")
    try:
        with writing() as tx:
            set_rules(tx, replace(rules_from(typed), version=0), seen=was)
    except Invalid as wrong:
        return _rules(typed, errors=field_errors(wrong), seen_as=was), wrong.status
    except Conflict as wrong:
        return _rules(typed, errors=field_errors(wrong), seen_as=was), wrong.status
    flash(gettext("Saved. Sheets that were sent keep their questions."), "good")
    return redirect(url_for("complaint_desk.survey_pages.rules"), 303)


def _typed() -> dict[str, Any]:
    form = request.form
    words = {f"{kind}.{lang}": form.get(f"{kind}.{lang}", "") for kind, texts in QUESTIONS.items() for lang in texts}
    return {
        **{f"ask.{channel}": form.get(f"ask.{channel}", "") for channel in CHANNELS},
        **{f"delay.{channel}": number(form.get(f"delay.{channel}", "")) for channel in CHANNELS},
        **{name: number(form.get(name, "")) for name in ("every_days", "a_year", "share")},
        **{name: form.get(name, "") for name in ("hours_from", "hours_until", "left_out")},
        **{name: bool(form.get(name)) for name in ("after_calls", "relation")},
        **words,
    }


def _rules(typed: dict[str, Any], *, errors: dict[str, str] | None = None, seen_as: str = "") -> str:
    with reading() as session:
        now = values_of(survey_rules(session))
        changed = last_change(session, "setting.surveys_set", lambda _event: True)
    return page(
        "admin/surveys.html",
        typed=typed,
        errors=errors or {},
        seen=seen_as or fingerprint(now),
        by=changed,
        channels=CHANNELS,
        kinds=[(each, NAMES[each]) for each in (*KINDS, NOTHING)],
        questions=[(each, NAMES[each]) for each in QUESTIONS],
    )
