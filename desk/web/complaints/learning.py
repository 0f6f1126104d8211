"""Learning from complaints: alerts, actions with their clocks, what complaints have in common, and the month's list on paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.complaints import alerts as complaint_alerts
from desk.actions.complaints import complaints, corrective_actions
from desk.days import day_ends
from desk.errors import Invalid
from desk.http.context import installation, is_fragment, me, reading, reckoning, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.letter_texts import LANGUAGES
from desk.models import Agent, Complaint, CorrectiveAction, Ticket
from desk.queries.complaints import corrective_actions as seen
from desk.queries.complaints.review import review_of
from desk.queries.complaints.trends import pareto, risks, weeks
from desk.store import Tx
from desk.web.admin.page import field_errors
from desk.web.complaints import learning_words
from desk.web.console import small

pages = Blueprint("learning", __name__, url_prefix="/desk/learning")

WEEKS_OF_CHARTS = (13, 26, 52)
MONTHS_BACK = 600


@pages.get("/actions")
@needs(Right.SIGNED_IN)
def actions() -> str:
    """The actions by state; whoever does not read complaints finds their own."""
    state = request.args.get("state", "open")
    state, now = state if state in seen.STATES else "open", _now()
    with reading() as session:
        found = seen.action_list(session, viewer(), now, state=state, mine=bool(request.args.get("mine")))
        counts = seen.action_counts(session, viewer())
    template = "learning/_actions.html" if is_fragment() else "learning/actions.html"
    return _page(template, rows=found, counts=counts, state=state, mine=bool(request.args.get("mine")))


@pages.get("/actions/<int:action_id>")
@needs(Right.SIGNED_IN)
def action(action_id: int) -> str:
    return _action(action_id, fragment=is_fragment())


@pages.get("/actions/new")
@needs(Right.READ_COMPLAINTS)
def new_action() -> str:
    return _new_action(request.args, {})


@pages.post("/actions/new")
@needs(Right.READ_COMPLAINTS)
def open_action() -> Response | tuple[str, int]:
    """From an alert, from a case, or by itself; who may, the action knows."""
    form = request.form
    try:
        with writing() as tx:
            opened = corrective_actions.open_action(
                tx,
                me(tx),
                kind=form.get("kind", ""),
                title=form.get("title", ""),
                change=form.get("change", ""),
                method=form.get("method", ""),
                owner_id=form.get("owner", type=small),
                due_at=day_ends(form.get("due", ""), _zone()),
                check_after_days=whole(form.get("check_after_days", "")) or 0,
                complaints=_chosen_cases(tx),
                alert=_chosen_alert(tx),
            )
            action_id = opened.id
    except Invalid as wrong:
        return _new_action(form, field_errors(wrong, "title")), wrong.status
    flash(gettext("Opened. Whoever owns it has been told."), "good")
    return redirect(url_for("complaint_desk.learning.action", action_id=action_id), 303)


@pages.post("/actions/<int:action_id>/<any(done, check, hand_over, link, tell):act>")
@needs(Right.SIGNED_IN)
def act_on(action_id: int, act: str) -> Response | tuple[str, int]:
    """It was done, it was checked, somebody else sees to it, or one more complaint belongs to it; who may, the action knows."""
    try:
        with writing() as tx:
            _ACTS[act](tx, seen.access_action(tx.session, viewer(), action_id), me(tx))
    except Invalid as wrong:
        return _action(action_id, errors={f"{act}-{name}": text for name, text in field_errors(wrong).items()}), wrong.status
    flash(gettext("Recorded."), "good")
    return redirect(url_for("complaint_desk.learning.action", action_id=action_id), 303)


@pages.get("/alerts")
@needs(Right.READ_COMPLAINTS)
def alerts() -> str:
    return _alerts()


@pages.post("/alerts/<int:alert_id>/<any(acknowledge, dismiss):act>")
@needs(Right.READ_COMPLAINTS)
def judge_alert(alert_id: int, act: str) -> Response | tuple[str, int]:
    """Somebody takes it on, or says why it is nothing systemic."""
    try:
        with writing() as tx:
            alert = seen.access_alert(tx.session, alert_id)
            if act == "acknowledge":
                complaint_alerts.acknowledge(tx, alert, me(tx))
            else:
                complaint_alerts.dismiss(tx, alert, me(tx), request.form.get("reason", ""))
    except Invalid as wrong:
        return _alerts(errors={alert_id: field_errors(wrong)}), wrong.status
    flash(gettext("Recorded."), "good")
    return redirect(url_for("complaint_desk.learning.alerts"), 303)


@pages.get("/trends")
@needs(Right.READ_COMPLAINTS)
def trends() -> str:
    """Causes, weeks and risks, each as a picture with its table."""
    by = request.args.get("by", "cause")
    by = by if by in ("cause", "category", "product") else "cause"
    length = request.args.get("weeks", 13, type=small)
    length, now = length if length in WEEKS_OF_CHARTS else 13, _now()
    with reckoning() as session:
        found = {
            "bars": pareto(session, viewer(), now - timedelta(weeks=length), now + timedelta(seconds=1), by),
            "weeks": weeks(session, viewer(), now, _zone(), length),
            "risks": risks(session, viewer(), now),
        }
    template = "learning/_trends.html" if is_fragment() else "learning/trends.html"
    return _page(template, by=by, length=length, lengths=WEEKS_OF_CHARTS, **found)


@pages.get("/review")
@needs(Right.READ_COMPLAINTS)
def review() -> str:
    """The list of one month for the meeting that looks at it."""
    first = _month(request.args.get("month", ""))
    after = (first + timedelta(days=32)).replace(day=1)
    since, until = (datetime.combine(day, time.min, ZoneInfo(_zone())) for day in (first, after))
    with reckoning() as session:
        found = review_of(session, viewer(), since, until, _now())
    earlier = (first - timedelta(days=1)).replace(day=1)
    return _page("learning/review.html", review=found, month=first, earlier=earlier, later=after, is_over=until <= _now())


def _page(template: str, **values: Any) -> str:
    return render_template(template, words=learning_words.everything(), **values)


def _alerts(errors: dict[int, dict[str, str]] | None = None) -> str:
    is_open = request.args.get("state") != "closed"
    with reading() as session:
        found = seen.alerts(session, is_open=is_open)
        cases = {row.alert.id: seen.cases_of_alert(session, viewer(), row.alert) for row in found} if is_open else {}
    template = "learning/_alerts.html" if is_fragment() else "learning/alerts.html"
    return _page(template, rows=found, cases=cases, is_open=is_open, errors=errors or {})


def _action(action_id: int, *, errors: dict[str, str] | None = None, fragment: bool = False) -> str:
    with reading() as session:
        found = seen.action_page(session, viewer(), action_id, _now())
        people = seen.people(session) if found.may_change else []
    template = "learning/_action.html" if fragment else "learning/action.html"
    return _page(template, found=found, people=people, errors=errors or {}, typed=request.form)


def _new_action(typed: Any, errors: dict[str, str]) -> str:
    with reading() as session:
        alert_id, number = typed.get("alert", type=small), typed.get("complaint", type=small)
        alert = seen.access_alert(session, alert_id) if alert_id else None
        ticket = access_ticket(session, viewer(), number) if number else None
        case = session.scalar(select(Complaint).where(Complaint.ticket_id == ticket.id)) if ticket else None
        people = seen.people(session)
    return _page("learning/new_action.html", typed=typed, errors=errors, alert=alert, case=case, ticket=ticket, people=people)


def _chosen_cases(tx: Tx) -> list[Complaint]:
    number = request.form.get("complaint", type=small)
    return [] if not number else [complaints.complaint_of(tx, access_ticket(tx.session, viewer(), number))]


def _chosen_alert(tx: Tx) -> Any:
    alert_id = request.form.get("alert", type=small)
    return seen.access_alert(tx.session, alert_id) if alert_id else None


def _done(tx: Tx, found: CorrectiveAction, who: Agent) -> None:
    corrective_actions.done(tx, found, who, request.form.get("evidence", ""))


def _check(tx: Tx, found: CorrectiveAction, who: Agent) -> None:
    form = request.form
    corrective_actions.check(tx, found, who, form.get("result", ""), form.get("note", ""), day_ends(form.get("due", ""), _zone()))


def _hand_over(tx: Tx, found: CorrectiveAction, who: Agent) -> None:
    form = request.form
    owner_id, due_at = form.get("owner", type=small), day_ends(form.get("due", ""), _zone())
    corrective_actions.hand_over(tx, found, who, owner_id, due_at, form.get("reason", ""))


def _link(tx: Tx, found: CorrectiveAction, who: Agent) -> None:
    ticket: Ticket = access_ticket(tx.session, viewer(), request.form.get("number", 0, type=small))
    corrective_actions.link_case(tx, found, complaints.complaint_of(tx, ticket), who)


def _tell(tx: Tx, found: CorrectiveAction, who: Agent) -> None:
    typed = {lang: {part: request.form.get(f"{lang}.{part}", "") for part in corrective_actions.TOLD} for lang in LANGUAGES}
    corrective_actions.tell_customers(tx, found, who, typed)


_ACTS: dict[str, Callable[[Tx, CorrectiveAction, Agent], None]] = {
    "done": _done,
    "check": _check,
    "hand_over": _hand_over,
    "link": _link,
    "tell": _tell,
}


def _month(text: str) -> date:
    """The first day of the month named as 2026-11; of this one when it is none."""
    today = _now().astimezone(ZoneInfo(_zone())).date().replace(day=1)
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today
    return found if abs((today - found).days) < MONTHS_BACK * 31 else today


def _zone() -> str:
    return installation().settings.timezone


def _now() -> datetime:
    return installation().clock.now()
