"""“Call me back” on our site: a number, and when it suits; no account, no wait on the line.

The page that confirms it has an address of its own, at which the customer sees how it stands and may take it back.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import format_datetime, gettext
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.actions import intake
from desk.actions.calls import callbacks
from desk.actions.calls.callback_given_up import give_up
from desk.actions.calls.outbound import our_number
from desk.actions.people import conduct, customers
from desk.errors import Conflict, Invalid, NotFound
from desk.events import Actor
from desk.http.context import installation, reading, writing
from desk.http.guard import public, signed
from desk.models import Callback, Queue
from desk.models.callback import WEB
from desk.queries.calls.callbacks import slots
from desk.queries.people.contact_limits import limit_known_by
from desk.web.public.complaints import unlisted
from desk.web.public.rate import limit
from desk.web.public.reader import language

pages = Blueprint("call_back_form", __name__)
TRAP = "website"  # a field that people do not see and programs fill in
QUEUE_KEY = "general"
FORMATS = {"en": "EEEE, d MMMM HH:mm", "zh": "M月d日 EEEE HH:mm"}


@pages.get("/call-back")
@public
def new() -> str:
    return _page({}, {})


@pages.post("/call-back")
@public
def send() -> Response | tuple[str, int]:
    limit("call-back", "20 per 10 minutes")
    form = {name: request.form.get(name, "").strip()[:200] for name in ("name", "phone", "at", "about")}
    errors = {TRAP: gettext("Please leave this field empty.")} if request.form.get(TRAP) else {}
    at = _moment(form["at"])
    if form["at"] and at is None:
        errors["at"] = gettext("Choose one of the times.")
    if errors:
        return _page(form, errors), 422
    try:
        with writing(Actor("customer", None, form["name"] or "visitor")) as tx:
            number = callbacks.readable(form["phone"], near=(our_number(tx),))
            limit("call-back to a number", "3 per 1 day", number)
            in_writing = limit_known_by(tx.session, (("phone", number),), tx.now)
            if in_writing is not None:
                conduct.instead_of_a_call(tx, in_writing, number, form["about"], language())
                return _in_writing(form, in_writing.person), 409
            customer = customers.identify(tx, "phone", number, name=form["name"], locale=language())
            queue = intake.find_queue(tx, QUEUE_KEY)
            promise = callbacks.promise_later(
                tx, number=number, customer=customer, queue=queue, source=WEB, at=at, subject=form["about"], locale=language()
            )
    except Invalid:
        return _page(form, {"phone": gettext("We cannot ring this number. Please check it, with its area code.")}), 422
    except Conflict as conflict:
        return _page(form, {"phone": gettext(conflict.sentence)}), 409
    return redirect(url_for("call_back_form.promised", key=_keys().dumps(promise.id)), 303)


@pages.get("/call-back/<key>")
@signed
def promised(key: str) -> Response:
    return _promise_page(key)


@pages.post("/call-back/<key>")
@signed
def withdraw(key: str) -> Response | tuple[Response, int]:
    """They do not want to be rung any more."""
    limit("call-back-withdraw", "30 per 10 minutes")
    try:
        with writing(Actor("customer", None, "visitor")) as tx:
            give_up(tx, _promise(tx.session, key))
    except Conflict as conflict:
        return _promise_page(key, gettext(conflict.sentence)), conflict.status
    return redirect(url_for("call_back_form.promised", key=key), 303)


def offered() -> list[datetime]:
    """The times at which we could call somebody; none when we never can."""
    with reading() as session:
        queue = session.scalar(select(Queue).where(Queue.key == QUEUE_KEY))
        return slots(session, queue, installation().clock.now()) if queue is not None else []


def _page(form: dict[str, str], errors: dict[str, str]) -> str:
    times = [(at.isoformat(), format_datetime(at, FORMATS[language()])) for at in offered()]
    return render_template("voice/call_me_back.html", form=form, errors=errors, times=times, trap=TRAP, locale=language())


def _in_writing(form: dict[str, str], contact: str) -> str:
    """A limit holds for whoever has this number: they are not rung, and what they wrote has gone to their contact."""
    if contact:
        why = gettext("For the time being you reach us through %(contact)s: we cannot call you back.", contact=contact)
    else:
        why = gettext("For the time being we deal with your matter in writing: we cannot call you back.")
    passed_on = gettext("What you wrote here has been passed on as a message.") if form["about"] else ""
    return _page(form, {"phone": f"{why} {passed_on}".strip()})


def _promise_page(key: str, wrong: str = "") -> Response:
    with reading() as session:
        promise = _promise(session, key)
    page = render_template("voice/called_back.html", promise=promise, key=key, wrong=wrong, locale=language())
    return unlisted(make_response(page))


def _promise(session: Session, key: str) -> Callback:
    """The promise of this address; raises `NotFound`."""
    try:
        found = session.get(Callback, int(_keys().loads(key)))
    except (BadSignature, TypeError, ValueError):
        found = None
    if found is None:
        raise NotFound("There is no call back under this address.")
    return found


def _keys() -> URLSafeSerializer:
    return URLSafeSerializer(installation().secret, salt="call back")


def _moment(text: str) -> datetime | None:
    """One of the times that are offered now; any other is none."""
    return next((at for at in offered() if at.isoformat() == text), None)
