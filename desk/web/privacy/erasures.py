"""Erasing customers: what would go and stay, asking for it, agreeing to it; and copies of what is held of them."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.people import customers
from desk.actions.privacy import copies, erasing, keeping
from desk.db import to_json
from desk.errors import Invalid, NotFound
from desk.http.context import installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Customer
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.privacy.erasures import PAGE, erasures, latest_of, one_erasure
from desk.queries.privacy.keeping import MOST, report
from desk.queries.privacy.keeping import keeping as kept_now
from desk.queries.privacy.plan import plan_of
from desk.web.admin.page import field_errors, number, page
from desk.web.privacy import words

pages = Blueprint("erasures", __name__, url_prefix="/admin/erasures")


@pages.get("")
@needs(Right.READ_AUDIT)
def index() -> str:
    return _index({})


@pages.post("/find")
@needs(Right.READ_AUDIT)
def find() -> Response | tuple[str, int]:
    """By hand of a letter or a call: never by name, and what was typed is in no address."""
    said = request.form.get("said", "")[:200]
    try:
        with writing() as tx:
            found = customers.found_by(tx, said)
    except (Invalid, NotFound) as wrong:
        return _index(field_errors(wrong, "said"), said), wrong.status
    return redirect(url_for("erasures.plan", customer_id=found.id), 303)


@pages.get("/customers/<int:customer_id>")
@needs(Right.READ_AUDIT)
def plan(customer_id: int) -> str:
    return _plan(customer_id, {})


@pages.post("/customers/<int:customer_id>")
@needs(Right.ADMINISTER)
def ask(customer_id: int) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            erasing.ask(tx, _customer(tx.session.get(Customer, customer_id)), me(tx), request.form.get("reason", ""))
    except Invalid as wrong:
        return _plan(customer_id, field_errors(wrong, "reason")), wrong.status
    flash(gettext("Asked. A supervisor has to agree."), "good")
    return redirect(url_for("erasures.plan", customer_id=customer_id), 303)


@pages.post("/<int:erasure_id>/<any(agree, drop):act>")
@needs(Right.READ_AUDIT)
def judge(erasure_id: int, act: str) -> Response:
    """Who may, the action knows."""
    with writing() as tx:
        erasure, who = one_erasure(tx.session, erasure_id), me(tx)
        customer_id = erasure.customer_id
        if act == "agree":
            erasing.agree(tx, erasure, who)
        else:
            erasing.drop(tx, erasure, who)
    flash(gettext("Recorded."), "good")
    return redirect(url_for("erasures.plan", customer_id=customer_id), 303)


@pages.post("/customers/<int:customer_id>/copy")
@needs(Right.READ_AUDIT)
def copy(customer_id: int) -> Response | tuple[str, int]:
    """A file to hand to the customer. Who may, the action knows."""
    kind = "json" if request.form.get("format") == "json" else "html"
    try:
        with writing() as tx:
            customer = _customer(tx.session.get(Customer, customer_id))
            whole = copies.make(tx, customer, me(tx), kind, request.form.get("why", ""))
    except Invalid as wrong:
        return _plan(customer_id, field_errors(wrong, "why")), wrong.status
    said = to_json(whole) if kind == "json" else render_template("privacy/copy.html", whole=whole)
    answer = make_response(said)
    answer.headers["Content-Type"] = f"{'application/json' if kind == 'json' else 'text/html'}; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="customer-{customer_id}.{kind}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/keeping")
@needs(Right.READ_AUDIT)
def kept() -> str:
    return _kept({})


@pages.post("/keeping")
@needs(Right.ADMINISTER)
def keep() -> Response | tuple[str, int]:
    days = {name: number(request.form.get(name, "")) for name in ("written", "others")}
    try:
        with writing() as tx:
            keeping.set_keeping(tx, me(tx), on=bool(request.form.get("on")), **days)
    except Invalid as wrong:
        return _kept(field_errors(wrong, "written")), wrong.status
    flash(gettext("Saved."), "good")
    return redirect(url_for("erasures.kept"), 303)


def _kept(errors: dict[str, str]) -> str:
    """What holds, and what the next night would do."""
    with reading() as session:
        rules, night = kept_now(session), report(session, installation().clock.now())
        days = voice_policy(session).recordings_kept_days
    return page("privacy/keeping.html", rules=rules, night=night, recordings=days, most=MOST, errors=errors)


def _index(errors: dict[str, str], said: str = "") -> str:
    before = request.args.get("before", type=int)
    with reading() as session:
        found = erasures(session, before)
    return page(
        "privacy/erasures.html", found=found[:PAGE], more=len(found) > PAGE, errors=errors, said=said, states=words.states()
    )


def _plan(customer_id: int, errors: dict[str, str]) -> str:
    with reading() as session:
        customer = _customer(session.get(Customer, customer_id))
        planned = plan_of(session, customer, installation().clock.now())
        asked = latest_of(session, customer_id)
        own = asked is not None and asked.asked_by_id == viewer().agent_id
    return page("privacy/plan.html", plan=planned, asked=asked, own=own, errors=errors, said=words, states=words.states())


def _customer(customer: Customer | None) -> Customer:
    if customer is None:
        raise NotFound("There is no such customer.")
    return customer
