"""“Call me back” on our site: a number, and when it suits; no account, no wait on the line."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask_babel import format_datetime, gettext
from sqlalchemy import select

from desk.actions import callbacks, customers, intake
from desk.actions.call_outbound import our_number
from desk.errors import Conflict, Invalid
from desk.events import Actor
from desk.http.context import installation, reading, writing
from desk.http.guard import public
from desk.models import Queue
from desk.models.callback import WEB
from desk.queries.callbacks import slots
from desk.web.rate import limit
from desk.web.reader import language

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
def send() -> str | tuple[str, int]:
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
            customer = customers.identify(tx, "phone", number, name=form["name"], locale=language())
            queue = intake.find_queue(tx, QUEUE_KEY)
            promise = callbacks.promise_later(
                tx, number=number, customer=customer, queue=queue, source=WEB, at=at, subject=form["about"], locale=language()
            )
    except Invalid:
        return _page(form, {"phone": gettext("We cannot ring this number. Please check it, with its area code.")}), 422
    except Conflict as conflict:
        return _page(form, {"phone": gettext(conflict.sentence)}), 409
    return render_template("voice/called_back.html", promise=promise, locale=language())


def offered() -> list[datetime]:
    """The times at which we could call somebody; none when we never can."""
    with reading() as session:
        queue = session.scalar(select(Queue).where(Queue.key == QUEUE_KEY))
        return slots(session, queue, installation().clock.now()) if queue is not None else []


def _page(form: dict[str, str], errors: dict[str, str]) -> str:
    times = [(at.isoformat(), format_datetime(at, FORMATS[language()])) for at in offered()]
    return render_template("voice/call_me_back.html", form=form, errors=errors, times=times, trap=TRAP, locale=language())


def _moment(text: str) -> datetime | None:
    """One of the times that are offered now; any other is none."""
    return next((at for at in offered() if at.isoformat() == text), None)
