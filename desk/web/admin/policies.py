"""Complaint policies: which there are, what a version says, a new one proposed and agreed to, and which every complaint gets."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.complaints import policy_versions
from desk.errors import Conflict, Invalid
from desk.http.context import installation, me, reading, writing
from desk.http.guard import needs
from desk.models import Calendar, ComplaintPolicy
from desk.models.complaint_policy import OTHER, PAUSE_REASONS, SUPERVISOR, UNITS, Extension, Rules, Span
from desk.queries.complaints.policies import all_policies, one_version
from desk.web.admin.page import field_errors, number, page

pages = Blueprint("admin_policies", __name__)
STEPS = 3
SPANS = ("acknowledge", "early", "decide")
UNIT_WORDS = {
    "hours": lazy_gettext("hours"),
    "calendar_days": lazy_gettext("days"),
    "business_days": lazy_gettext("working days"),
    "weeks": lazy_gettext("weeks"),
    "months": lazy_gettext("months"),
}
PAUSE_WORDS = {
    "customer_evidence": lazy_gettext("Waiting for the customer’s evidence"),
    "court": lazy_gettext("Waiting for a court"),
    "appraisal": lazy_gettext("Waiting for an appraisal from outside"),
}
APPROVERS = {
    OTHER: lazy_gettext("somebody who does not handle the case"),
    SUPERVISOR: lazy_gettext("a supervisor"),
}


@pages.get("/admin/policies")
@needs(Right.READ_POLICIES)
def all_of_them() -> str:
    with reading() as session:
        return _list(session, {})


@pages.post("/admin/policies/chosen")
@needs(Right.ADMINISTER)
def choose() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            policy_versions.choose(tx, request.form.getlist("codes"))
    except Invalid as wrong:
        with reading() as session:
            return _list(session, field_errors(wrong)), wrong.status
    flash(gettext("Saved. It holds for complaints from now on."), "good")
    return redirect(url_for("admin_policies.all_of_them"), 303)


@pages.get("/admin/policies/<int:policy_id>")
@needs(Right.READ_POLICIES)
def one(policy_id: int) -> str:
    with reading() as session:
        policy = one_version(session, policy_id)
        return _version(session, policy, _written(policy), {})


@pages.post("/admin/policies/<int:policy_id>/propose")
@needs(Right.READ_POLICIES)
def propose(policy_id: int) -> Response | tuple[str, int]:
    """A new version, beginning from this one."""
    try:
        with writing() as tx:
            before = one_version(tx.session, policy_id)
            new = policy_versions.propose(tx, before, me(tx), **_typed(request.form))
    except (Invalid, Conflict) as wrong:
        with reading() as session:
            filled = _again(request.form)
            return _version(session, one_version(session, policy_id), filled, field_errors(wrong, "name")), wrong.status
    flash(gettext("Proposed. It holds once another administrator agrees."), "good")
    return redirect(url_for("admin_policies.one", policy_id=new.id), 303)


@pages.post("/admin/policies/<int:policy_id>/<any(agree, refuse):verdict>")
@needs(Right.ADMINISTER)
def judge(policy_id: int, verdict: str) -> Response:
    with writing() as tx:
        policy_versions.judge(tx, one_version(tx.session, policy_id), me(tx), agree=verdict == "agree")
    flash(gettext("Agreed to.") if verdict == "agree" else gettext("Refused."), "good")
    return redirect(url_for("admin_policies.one", policy_id=policy_id), 303)


def span_words(span: Span) -> str:
    """So many units, as people say it."""
    return {
        "hours": ngettext("%(num)s hour", "%(num)s hours", span.n),
        "calendar_days": ngettext("%(num)s day", "%(num)s days", span.n),
        "business_days": ngettext("%(num)s working day", "%(num)s working days", span.n),
        "weeks": ngettext("%(num)s week", "%(num)s weeks", span.n),
        "months": ngettext("%(num)s month", "%(num)s months", span.n),
    }[span.unit]


def words() -> dict[str, Any]:
    """What the rules of a policy are called, here and on the page of a case."""
    return {"span": span_words, "units": UNIT_WORDS, "pauses": PAUSE_WORDS, "approvers": APPROVERS}


def _list(session: Session, errors: dict[str, str]) -> str:
    lines = all_policies(session, installation().clock.now().date())
    rules = {each.id: Rules.of(each.rules) for line in lines for each in (line.now, line.waiting) if each}
    return page("admin/policies.html", lines=lines, rules=rules, errors=errors, policy_words=words())


def _version(session: Session, policy: ComplaintPolicy, form: dict[str, Any], errors: dict[str, str]) -> str:
    calendars = session.scalars(select(Calendar).order_by(Calendar.id)).all()
    query = select(ComplaintPolicy).where(ComplaintPolicy.code == policy.code)
    return page(
        "admin/policy.html",
        policy=policy,
        rules=Rules.of(policy.rules),
        versions=session.scalars(query.order_by(ComplaintPolicy.version.desc()).limit(100)).all(),
        calendars=calendars,
        form=form,
        errors=errors,
        policy_words=words(),
        steps=range(1, STEPS + 1),
        today=installation().clock.now().date(),
    )


def _written(policy: ComplaintPolicy) -> dict[str, Any]:
    """The version as its form shows it."""
    rules = Rules.of(policy.rules)
    form: dict[str, Any] = {name: getattr(policy, name) for name in ("name", "name_zh", "calendar", "source")}
    for name in SPANS:
        span: Span | None = getattr(rules, name)
        form |= {f"{name}_n": span.n if span else "", f"{name}_unit": span.unit if span else "business_days"}
    for step in range(STEPS):
        given = rules.extensions[step] if step < len(rules.extensions) else None
        form |= {f"step{step + 1}_n": given.n if given else "", f"step{step + 1}_by": given.approver if given else OTHER}
    rights = rules.rights or {}
    form |= {"rights_en": rights.get("en", ""), "rights_zh": rights.get("zh", ""), "pauses": list(rules.pause_reasons)}
    more = {"restart": rules.restart_on_new_facts, "years": rules.years, "start_rule": rules.start_rule, "roll": rules.roll}
    return form | more | {"valid_from": installation().clock.now().date().isoformat()}


def _again(form: MultiDict[str, str]) -> dict[str, Any]:
    """What was typed, to be shown again."""
    return {**form.to_dict(), "pauses": form.getlist("pauses"), "restart": "restart" in form, "roll": "roll" in form}


def _typed(form: MultiDict[str, str]) -> dict[str, Any]:
    """What `policy_versions.propose` takes; a figure that is none becomes -1, which no answer allows."""

    def span(name: str) -> Span | None:
        written, unit = form.get(f"{name}_n", "").strip(), form.get(f"{name}_unit", "")
        return Span(number(written) if unit in UNITS else -1, unit) if written else None  # type: ignore[arg-type]

    steps = [(form.get(f"step{step}_n", "").strip(), form.get(f"step{step}_by", "")) for step in range(1, STEPS + 1)]
    rights = {lang: form.get(f"rights_{lang}", "").strip() for lang in ("en", "zh")}
    try:
        valid_from = date.fromisoformat(form.get("valid_from", ""))
    except ValueError:
        valid_from = None
    rules = Rules(
        acknowledge=span("acknowledge"),
        early=span("early"),
        decide=span("decide"),
        extensions=tuple(Extension(number(written), by) for written, by in steps if written),
        start_rule="receipt_day" if form.get("start_rule") == "receipt_day" else "next_day",
        roll="roll" in form,
        pause_reasons=tuple(each for each in PAUSE_REASONS if each in form.getlist("pauses")),
        restart_on_new_facts="restart" in form,
        years=number(form.get("years", "")),
        rights=rights if any(rights.values()) else None,
    )
    plain = {name: form.get(name, "") for name in ("name", "name_zh", "calendar", "source")}
    return {"rules": rules, "valid_from": valid_from, **plain}
